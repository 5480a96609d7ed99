"""Where the contents that a source names are kept; a type alone, imported by no command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Keeper(Protocol):
    """What keeps contents: the blobs of a store, or a folder."""

    def put(self, content: bytes) -> str:
        """Keeps it; its SHA-256, 64 hex digits."""

    def renew(self, digests: Sequence[str]) -> list[str]:
        """Those that are not there; the others are kept for a while."""
