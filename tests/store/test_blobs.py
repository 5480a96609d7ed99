"""Contents that are kept by their hashes: the same from every store."""

from __future__ import annotations

import hashlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import servers

from labq.errors import NotFoundError, StoreError
from labq.store import mongodb_blobs, open_store

CONTENTS = {
    "nothing": b"",
    "a byte": b"\0",
    "text": "ä\n".encode(),
    "any bytes": bytes(range(256)) * 3,
    "more than a document holds": bytes(range(250)) * 70_000,
}


def hash_of(content):
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("name", CONTENTS)
def test_a_content_comes_back_by_its_hash(store, name):
    digest = store.blobs.put(CONTENTS[name])
    assert digest == hash_of(CONTENTS[name])
    assert store.blobs.get(digest) == CONTENTS[name]


def test_a_content_is_kept_once(uri, store):
    assert {store.blobs.put(b"same") for _ in range(3)} == {hash_of(b"same")}
    assert rows(uri) == [hash_of(b"same")]


def test_those_that_are_missing_are_named_in_their_order(store):
    here = [store.blobs.put(content) for content in (b"a", b"b")]
    absent = [hash_of(b"y"), hash_of(b"x")]
    assert store.blobs.missing([absent[0], *here, absent[1]]) == absent
    assert store.blobs.missing(here) == store.blobs.missing([]) == []


def test_what_is_not_there_is_not_found(store):
    with pytest.raises(NotFoundError, match=f"there is no content {hash_of(b'no')}"):
        store.blobs.get(hash_of(b"no"))


def test_many_may_keep_the_same_at_once(uri, monkeypatch):
    monkeypatch.setattr(mongodb_blobs, "PIECE", 1000)
    stores = [open_store(uri) for _ in range(4)]
    content = bytes(5000)
    with ThreadPoolExecutor(4) as pool:
        digests = set(pool.map(lambda store: store.blobs.put(content), stores))
    assert digests == {hash_of(content)}
    assert stores[0].blobs.get(hash_of(content)) == content
    for store in stores:
        store.close()


def test_damage_is_noticed(uri, store):
    digest = store.blobs.put(b"as it was")
    damage(uri, digest, b"as it is!")
    with pytest.raises(StoreError, match=f"the content {digest} is damaged"):
        store.blobs.get(digest)


@pytest.mark.parametrize("uri", ["lone"], indirect=True)
def test_a_content_of_several_documents_is_there_once_all_of_them_are(uri, store, monkeypatch):
    monkeypatch.setattr(mongodb_blobs, "PIECE", 4)
    content = b"0123456789"
    monkeypatch.setattr(store.blobs, "_write", fails_at(":2", store.blobs._write))
    with pytest.raises(ZeroDivisionError):
        store.blobs.put(content)
    assert store.blobs.missing([hash_of(content)]) == [hash_of(content)]
    monkeypatch.undo()
    assert store.blobs.get(store.blobs.put(content)) == content


def fails_at(end, write):
    def written(identity, document):
        if identity.endswith(end):
            raise ZeroDivisionError
        write(identity, document)

    return written


def rows(uri):
    """The ids that the store has contents under."""
    if uri.startswith("sqlite:"):
        with closing(sqlite3.connect(uri.removeprefix("sqlite:"), isolation_level=None)) as db:
            return [name for (name,) in db.execute("SELECT _id FROM blobs")]
    with servers.MongoClient(uri) as client:
        return client.get_default_database()["blobs"].distinct("_id")


def damage(uri, digest, content):
    if uri.startswith("sqlite:"):
        with closing(sqlite3.connect(uri.removeprefix("sqlite:"), isolation_level=None)) as db:
            db.execute("UPDATE blobs SET data = ? WHERE _id = ?", (content, digest))
        return
    with servers.MongoClient(uri) as client:
        blobs = client.get_default_database()["blobs"]
        blobs.update_one({"_id": digest}, {"$set": {"data": content}})
