"""Text as a person reads it in a message."""

from __future__ import annotations


def shortened(text: str, width: int = 60) -> str:
    """`text` on one line, what a terminal would obey escaped, cut to `width` characters."""
    line = " ".join(text.split())
    if not line.isprintable():
        line = "".join(char if char.isprintable() else ascii(char)[1:-1] for char in line)
    return line if len(line) <= width else line[: width - 3] + "..."
