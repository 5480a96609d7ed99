"""What is captured in parts, each made anew only where its key is another than the last time."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from labq.errors import LabqError
from labq.model.task import Document
from labq.private import make_file, make_folder
from labq.store.base import CONTENTS, digests_in

if TYPE_CHECKING:
    from labq.source.blob_sink import Keeper


class Made:
    """Fields of `source`, the contents of those of them that are blobs, and what was left out."""

    def __init__(
        self,
        fields: Document | None = None,
        contents: dict[str, bytes] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        self.fields, self.contents, self.notes = fields or {}, contents or {}, list(notes)


class Part(NamedTuple):
    """A part by its name; `make` makes it, and what it makes is the same while `key` is."""

    name: str
    key: str
    make: Callable[[], Made]


class Cache:
    """What was made of a subject, in a file below `home`; one that cannot be kept is done without.

    Another subject of the same file name takes its place.
    """

    def __init__(self, home: Path, subject: str) -> None:
        name = f"{zlib.crc32(os.fsencode(subject)):08x}.json"
        self._path = os.path.join(home, "cache", "source", name)
        self._subject = subject
        self._parts: dict[str, Any] = {}
        with suppress(OSError, ValueError, KeyError, TypeError):
            with open(self._path, encoding="utf-8") as file:
                found = json.load(file)
            if found["subject"] == subject:
                self._parts = dict(found["parts"])

    def gather(self, parts: Sequence[Part], blobs: Keeper) -> tuple[Document, list[str]]:
        """The fields and the notes of all parts, what is kept being in `blobs` by then."""
        held = {part.name: made for part in parts if (made := self._held(part)) is not None}
        needed = {name: list(digests_in(made.fields)) for name, made in held.items()}
        digests = [digest for some in needed.values() for digest in some]
        gone = set(blobs.renew(digests)) if digests else set()
        fields: Document = {}
        notes: list[str] = []
        new = False
        for part in parts:
            made = held.get(part.name)
            if made is None or not gone.isdisjoint(needed[part.name]):
                try:
                    made = kept(part.make(), blobs)
                except (LabqError, OSError) as error:
                    notes.append(f"{part.name}: {error}")
                    fields |= {part.name: {}} if part.name in CONTENTS else {}
                    continue
                self._parts[part.name] = [part.key, made.fields, made.notes]
                new = True
            fields |= made.fields
            notes += made.notes
        if new:
            self._save()
        return fields, notes

    def _held(self, part: Part) -> Made | None:
        key, fields, notes = self._parts.get(part.name, (None, {}, []))
        return Made(fields=fields, notes=notes) if key == part.key else None

    def _save(self) -> None:
        with suppress(OSError):
            make_folder(Path(self._path).parent)
            mine = f"{self._path}.{os.getpid()}"
            descriptor = make_file(mine, os.O_WRONLY | os.O_TRUNC)
            with open(descriptor, "w", encoding="utf-8") as file:
                json.dump({"subject": self._subject, "parts": self._parts}, file)
            Path(mine).replace(self._path)


def kept(made: Made, blobs: Keeper) -> Made:
    """The same, its contents in `blobs` and their hashes and sizes in the fields."""
    for name, content in made.contents.items():
        made.fields[name] = {
            "blob": blobs.put(content),
            "size": len(content),
            **made.fields.get(name, {}),
        }
    return made
