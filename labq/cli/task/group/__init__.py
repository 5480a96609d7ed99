"""`labq task group ...`."""
