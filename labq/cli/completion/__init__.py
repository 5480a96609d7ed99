"""`labq completion ...`."""
