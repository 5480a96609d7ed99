"""Plain values: dates, and checks of what Python callers give."""
