"""Completion of filters."""

from __future__ import annotations

from collections.abc import Collection


def suggest(text_before_cursor: str, fields: Collection[str]) -> list[str]:
    """The fields that start with the last word."""
    word = text_before_cursor.rsplit(" ", 1)[-1]
    return sorted(field for field in fields if field.startswith(word))
