"""Edits of what a task's `source` says: its commit, diff, packages and so on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from labq.command.words import text_of
from labq.config import masked_in
from labq.errors import UsageError
from labq.model.task import Document
from labq.store.base import Blobs, digest_of
from labq.values.address import stripped
from labq.values.suggest import nearest
from labq.values.text import shortened

TEXTS = ("url", "branch", "commit", "cwd", "entry_point", "python")
CONTENTS = ("packages", "diff")
GONE = ("untracked", "bundle")  # which are only taken away
KEYS = (*TEXTS, *CONTENTS, *GONE)
MOST = 50 << 20  # bytes of a file that is read
HEX = re.compile("[0-9a-f]{64}")
# A package with its extras, then its versions or address, then what it depends on (PEP 508).
VERSION = r"(===|~=|==|!=|<=|>=|<|>)\s*[^\s,;()]+"
REQUIREMENT = re.compile(
    rf"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?\s*(\[[\w.\s,-]*\])?\s*"
    rf"((\(?\s*{VERSION}(\s*,\s*{VERSION})*\s*\)?)|@\s*\S+)?(\s*;.+)?"
)
PATCH = re.compile(rb"^(diff --git |--- )", re.MULTILINE)


def read(key: str, text: str) -> Any:
    """What `source.KEY=TEXT` of the command line gives: `@FILE` is what is in the file.

    Raises:
        UsageError: it cannot be read.
    """
    if text == "None":
        return None
    if key not in CONTENTS or not text.startswith("@"):
        return text
    path = text[1:]
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - fast
            content = file.read(MOST + 1)  # of a pipe or a device too
    except OSError as error:
        raise UsageError(f"source.{key}: {path}: {error.strerror or error}") from None
    if len(content) > MOST:
        raise UsageError(f"source.{key}: {path} is larger than {MOST >> 20} MiB")
    return content


def edited(source: Any, keys: tuple[str, ...], value: Any) -> Document | None:
    """A source with the value at its key; None where nothing is left.

    Raises:
        UsageError: there is no such key, or it cannot hold the value.
    """
    if not keys:
        if value is None:
            return None
        raise UsageError("source is edited key by key: source.commit=1a2b3c4")
    key = keys[0]
    if len(keys) > 1 and key in KEYS:
        raise UsageError(f"source.{key} is edited as a whole")
    if key not in KEYS:
        near = nearest(key, KEYS)
        told = f": did you mean source.{near}?" if near else ""
        raise UsageError(f"no source.{key}{told} (what can be edited: {', '.join(KEYS)})")
    old: Document = dict(source) if isinstance(source, Mapping) else {}
    if value is None:
        old.pop(key, None)
        return old or None
    if key in GONE:
        raise UsageError(f"source.{key} can only be taken away: source.{key}=None")
    return {**old, key: _text(key, value) if key in TEXTS else _stored(key, value)}


def keep(edits: Iterable[tuple[tuple[str, ...], Any]], blobs: Blobs) -> None:
    """Keeps the contents that edits give, before a task names them.

    Args:
        edits: paths of fields, and values.
        blobs: where they go.

    Raises:
        UsageError: one is none, or names a content that is not there.
    """
    for path, value in edits:
        if len(path) != 2 or path[0] != "source" or path[1] not in CONTENTS or value is None:  # noqa: PLR2004
            continue
        if not isinstance(value, Mapping):
            blobs.put(_content(path[1], value))
        elif blobs.renew([_stored(path[1], value)["blob"]]):
            raise UsageError(f"source.{path[1]}: the store has no such content")


def _stored(key: str, value: Any) -> Document:
    """What the source says of a content; another task's is taken as it is."""
    if isinstance(value, Mapping):
        if not HEX.fullmatch(str(value.get("blob"))):
            raise UsageError(f"source.{key} must be a text, not {_told(value)}")
        return dict(value)
    content = _content(key, value)
    stored: Document = {"blob": digest_of(content), "size": len(content), "edited": True}
    if key == "packages":
        return {**stored, "count": content.count(b"\n")}
    heads = re.findall(rb"^diff --git ", content, re.MULTILINE)
    return {**stored, "files": len(heads) or len(re.findall(rb"^--- ", content, re.MULTILINE))}


def _content(key: str, value: Any) -> bytes:
    """A content as it is kept: packages are lines, without comments.

    Raises:
        UsageError: it is none.
    """
    if isinstance(value, (list, tuple)) and key == "packages":
        value = "\n".join(map(str, value))
    if isinstance(value, bytes):
        data = value
    elif isinstance(value, str):
        data = value.encode("utf-8", "surrogateescape")
    else:
        raise UsageError(f"source.{key} must be a text, not {_told(value)}")
    if key == "packages":
        return "".join(f"{line}\n" for line in _packages(data)).encode()
    if not PATCH.search(data):
        raise UsageError("source.diff must be what git diff prints (@FILE reads it; None is none)")
    return data if data.endswith(b"\n") else data + b"\n"


def _packages(data: bytes) -> list[str]:
    text = data.decode("utf-8", "replace").replace("\\\n", " ")
    lines = [re.split(r"(?:^|\s)#", line)[0].strip() for line in text.splitlines()]
    for line in filter(None, lines):
        if not REQUIREMENT.fullmatch(line):
            raise UsageError(
                f"source.packages: {_told(masked_in(line))} is no requirement such as "
                "numpy>=1.26 (a line each; @FILE reads them)"
            )
        if masked_in(line) != line:
            raise UsageError(
                f"source.packages: {masked_in(line)} has a password, which whoever reads the "
                "store would see: let pip take it from the worker's own settings"
            )
    found = list(filter(None, lines))
    if not found:
        raise UsageError("source.packages names no package (None takes the record away)")
    return found


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise UsageError(f"source.{key} must be a text, not {_told(value)}")
    text = value.strip()
    if key == "commit":
        text = text.lower()
        if not re.fullmatch("[0-9a-f]{7,64}", text):
            raise UsageError(f"source.commit must be 7 to 64 hex digits, not {_told(value)}")
    elif key == "python":
        if not re.fullmatch(r"\d+\.\d+[\w.+]*", text):
            raise UsageError(f"source.python must be a version such as 3.11, not {_told(value)}")
    elif not text or not text.isprintable():
        raise UsageError(f"source.{key} must be one line of text, not {_told(value)}")
    elif key == "cwd" and (text.startswith("/") or ".." in text.split("/")):
        raise UsageError(f"source.cwd must be a folder of the repository, not {_told(value)}")
    elif key == "url":
        return stripped(text)
    return text


def _told(value: Any) -> str:
    return repr(shortened(text_of(value) if not isinstance(value, Mapping) else str(dict(value))))
