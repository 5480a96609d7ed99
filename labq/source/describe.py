"""A task's source in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DIGITS = 12  # of a commit: enough to find it by


def told(source: Mapping[str, Any]) -> str:
    """In a line: the repository, branch, commit, and how much is not in it."""
    place = [source.get("url", ""), source.get("branch", ""), source.get("commit", "")[:DIGITS]]
    parts = [" ".join(word for word in place if word)]
    if files := source.get("diff", {}).get("files"):
        parts.append(f"{_count(files, 'file')} changed")
    if files := source.get("untracked", {}).get("files"):
        parts.append(f"{files} untracked")
    if source.get("bundle"):
        parts.append(f"{_count(source['bundle'].get('commits', 0), 'commit')} not pushed")
    told = ", ".join(part for part in parts if part)
    return told or f"no repository, on {source.get('host', '?')}"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
