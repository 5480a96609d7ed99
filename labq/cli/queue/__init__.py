"""`labq queue ...`."""
