"""The sweep that `labq demo` runs: a training script and its data."""
