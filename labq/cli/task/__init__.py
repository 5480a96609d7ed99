"""`labq task ...`."""
