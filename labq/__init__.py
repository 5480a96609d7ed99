"""labq turns a loop over experiments into a queue."""

from __future__ import annotations

__version__ = "0.1.0"
