"""Commands and arguments: typed words <-> args, templates, interpreters."""
