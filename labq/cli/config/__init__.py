"""`labq config ...`."""
