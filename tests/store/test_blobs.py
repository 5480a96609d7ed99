"""Contents that are kept by their hashes: the same from every store."""

from __future__ import annotations

import hashlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import servers
from making import age, task

from labq.errors import NotFoundError, StoreError
from labq.store import open_store
from labq.store.mongodb import blobs as mongodb_blobs
from labq.store.sqlite import blobs as sqlite_blobs

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
    assert store.blobs.renew([absent[0], *here, absent[1]]) == absent
    assert store.blobs.renew(here) == store.blobs.renew([]) == []


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
    assert store.blobs.renew([hash_of(content)]) == [hash_of(content)]
    monkeypatch.undo()
    assert store.blobs.get(store.blobs.put(content)) == content
    age(uri)
    store.insert("q", [task(source={"diff": {"blob": hash_of(content)}})])
    store.blobs.collect()  # what was left of the first
    assert store.blobs.get(hash_of(content)) == content
    assert len(rows(uri)) == 1


PARTS = ("diff", "untracked", "bundle", "packages")


def test_what_no_task_names_is_removed_once_it_is_old(uri, store):
    named = {part: {"blob": store.blobs.put(part.encode())} for part in PARTS}
    store.blobs.put(b"of no task")
    store.insert("q", [task(source={part: named[part]}) for part in PARTS])
    assert store.blobs.collect() == 0
    age(uri)
    assert store.blobs.collect() == 1
    assert sorted(rows(uri)) == sorted(hash_of(part.encode()) for part in PARTS)
    store.delete({"queue": "q", "source.diff.blob": named["diff"]["blob"]})
    assert store.blobs.collect() == 0  # each was looked at just now
    age(uri)
    assert store.blobs.collect() == 1
    with pytest.raises(NotFoundError):
        store.blobs.get(named["diff"]["blob"])
    assert store.blobs.get(named["packages"]["blob"]) == b"packages"


@pytest.mark.parametrize("how", ["put", "renew", "hold"])
def test_what_a_task_is_about_to_name_stays(uri, store, how):
    digest = store.blobs.put(b"same")
    age(uri)
    other = open_store(uri)
    if how == "put":
        other.blobs.put(b"same")
    elif how == "renew":
        assert other.blobs.renew([digest]) == []
    else:
        other.blobs.hold([task(source={"packages": {"blob": digest}}), task()])
    other.close()
    assert store.blobs.collect(600.0) == 0
    assert store.blobs.get(digest) == b"same"


def test_what_is_renewed_while_others_collect_stays(uri, store, monkeypatch):
    """The task comes when those that are stored have been looked through already."""
    digest = store.blobs.put(b"same")
    other = open_store(uri)
    age(uri)
    if uri.startswith("sqlite:"):
        overwriting = sqlite_blobs._overwriting

        def late(db):
            assert other.blobs.renew([digest]) == []
            return overwriting(db)

        monkeypatch.setattr(sqlite_blobs, "_overwriting", late)
    else:
        named = store.blobs._named

        def late():
            found = named()
            assert other.blobs.renew([digest]) == []
            return found

        monkeypatch.setattr(store.blobs, "_named", late)
    assert store.blobs.collect() == 0
    assert store.blobs.get(digest) == b"same"
    other.close()


def test_a_large_one_is_removed_whole_and_may_come_again(uri, store, monkeypatch):
    monkeypatch.setattr(mongodb_blobs, "PIECE", 4)
    for _ in range(2):
        digest = store.blobs.put(b"0123456789")
        assert store.blobs.get(digest) == b"0123456789"
        age(uri)
        assert store.blobs.collect() == 1
        assert rows(uri) == []


def test_nothing_of_a_removed_content_stays_in_the_file(tmp_path):
    uri = f"sqlite:{tmp_path / 'labq.db'}"
    store = open_store(uri)
    store.blobs.put(b"s3cret" * 2000)
    age(uri)
    assert store.blobs.collect() == 1
    store.close()
    assert b"s3crets3cret" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_sources_that_another_program_wrote_badly_keep_what_they_name(uri, store):
    digest = store.blobs.put(b"same")
    store.insert("q", [task()])
    if uri.startswith("sqlite:"):
        spoil(uri, f'{{"diff": {{"blob": "{digest}"')
    else:
        spoil(uri, [{"diff": {"blob": digest}}])
    age(uri)
    assert store.blobs.collect() == 0


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


def spoil(uri, source):
    """Gives the tasks such a source."""
    if uri.startswith("sqlite:"):
        with closing(sqlite3.connect(uri.removeprefix("sqlite:"), isolation_level=None)) as db:
            db.execute("UPDATE tasks SET source = ?", (source,))
        return
    with servers.MongoClient(uri) as client:
        client.get_default_database()["tasks"].update_many({}, {"$set": {"source": source}})
