"""The contents beside the tasks, in MongoDB: a document each, or several for a large one."""

from __future__ import annotations

from collections.abc import Sequence

from pymongo.collection import Collection

from labq.errors import NotFoundError, StoreError
from labq.store.base import Blobs, digest_of
from labq.store.mongodb_errors import faults
from labq.task import Document

PIECE = 8 * 1024 * 1024  # bytes: a document holds 16 MiB at most


class MongoBlobs(Blobs):
    """The documents of one collection.

    A content of one piece is `{_id: hash, size, data}`. A larger one is a `{_id: "hash:N", data}`
    for each piece and `{_id: hash, size, pieces}`, written last, so that what is there is whole.
    """

    def __init__(self, collection: Collection[Document], address: str) -> None:
        self._collection, self._address = collection, address

    def put(self, content: bytes) -> str:
        digest = digest_of(content)
        if self.missing([digest]):
            with faults(self._address):
                self._keep(digest, content)
        return digest

    def _keep(self, digest: str, content: bytes) -> None:
        head: Document = {"_id": digest, "size": len(content)}
        if len(content) <= PIECE:
            head["data"] = content
        else:
            starts = range(0, len(content), PIECE)
            for number, start in enumerate(starts):
                self._write(f"{digest}:{number}", {"data": content[start : start + PIECE]})
            head["pieces"] = len(starts)
        self._write(digest, head)

    def _write(self, identity: str, document: Document) -> None:
        """Writes the document, whatever an interrupted `put` may have left in its place."""
        self._collection.replace_one({"_id": identity}, document, upsert=True)

    def get(self, digest: str) -> bytes:
        with faults(self._address):
            head = self._collection.find_one({"_id": digest})
            if head is None:
                raise NotFoundError(f"{self._address}: there is no content {digest}")
            names = [f"{digest}:{number}" for number in range(head.get("pieces", 0))]
            found = self._collection.find({"_id": {"$in": names}}) if names else ()
            pieces = {piece["_id"]: piece["data"] for piece in found}
        content = b"".join(pieces.get(name, b"") for name in names) if names else head["data"]
        if digest_of(content) != digest:
            raise StoreError(f"{self._address}: the content {digest} is damaged")
        return bytes(content)

    def missing(self, digests: Sequence[str]) -> list[str]:
        with faults(self._address):
            found = self._collection.find({"_id": {"$in": list(digests)}}, {"_id": 1})
            there = {document["_id"] for document in found}
        return [digest for digest in digests if digest not in there]
