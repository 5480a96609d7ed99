"""`labq worker ...`."""
