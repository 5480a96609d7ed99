"""What another program writes into a store, past labq."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from urllib.parse import urlsplit

from bson import encode
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

MISSING = object()


def overwrite(uri, number, field, value, table="tasks"):
    """Puts a value into a field of a task, or of a record where `number` is its name.

    SQLite is given it as it is, whatever a column is for.
    """
    key = "number" if isinstance(number, int) else "_id"
    if uri.startswith("sqlite:"):
        with closing(sqlite3.connect(uri.removeprefix("sqlite:"))) as db, db:
            db.execute(f'UPDATE {table} SET "{field}" = ? WHERE "{key}" = ?', (value, number))
        return
    with MongoClient(uri) as client:
        change = {"$unset": {field: ""}} if value is MISSING else {"$set": {field: value}}
        client[urlsplit(uri).path[1:]][table].update_one({key: number}, change)


def insert(uri, document):
    """Stores a document in MongoDB."""
    with MongoClient(uri) as client:
        client[urlsplit(uri).path[1:]].tasks.insert_one(document)


def garble(uri, number, path):
    """Puts bytes that are no UTF-8 where a task of MongoDB has this path, or as its key `??`."""
    place = path.removesuffix(".??")
    overwrite(uri, number, place, {"QQ": 1} if path != place else "QQ")
    with MongoClient(uri) as client:
        tasks = client[urlsplit(uri).path[1:]].tasks
        raw = encode(tasks.find_one_and_delete({"number": number})).replace(b"QQ", b"\xff\xfe")
        tasks.insert_one(RawBSONDocument(raw))
