"""The command line: one file per command, each parses, calls one verb and renders."""
