"""Where a task came from: what is recorded of its repository, and how that is rebuilt."""
