"""What a MongoDB URI asks for: what of it pymongo is given, and what labq decides itself.

Pymongo warns of an option that it does not know or cannot use, and goes on without; here it is
refused, as a setting would be. What would let a crash, a rollback or a stale node undo labq's
writes or hide them from its reads is put aside, and said.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from pymongo import MongoClient
from pymongo import errors as mongo
from pymongo.common import URI_OPTIONS_VALIDATOR_MAP
from pymongo.uri_parser import split_options

from labq.errors import StoreError, UsageError
from labq.model.task import Document
from labq.store.mongodb.errors import faults, hosts
from labq.values.suggest import hint

DEFAULTS: dict[str, Any] = {
    "serverSelectionTimeoutMS": 3000,
    "connectTimeoutMS": 3000,
    "socketTimeoutMS": 60_000,
    "appname": "labq",
}
OURS = {
    "w": "majority",
    "readPreference": "primary",
    "readConcernLevel": "local",
    "tz_aware": True,
    # what another program wrote is read all the same, and told of
    "datetime_conversion": "DATETIME_AUTO",
    "unicode_decode_error_handler": "replace",
}
WRITES = "a write waits for a majority of the nodes, on a lone mongod for its journal"
READS = "labq reads what the primary has"
# Options that count for nothing: the values that ask for what is so anyway, and what is so.
PUT_ASIDE: dict[str, tuple[tuple[str, ...], str]] = {
    "w": (("majority",), WRITES),
    "readpreference": (("primary",), READS),
    "readpreferencetags": (("",), READS),
    "maxstalenessseconds": (("-1",), READS),
    "readconcernlevel": (("local", ""), READS),
    "tz_aware": (("true",), "labq reads times as UTC"),
    "datetime_conversion": (("datetime",), "labq reads times as UTC"),
    "unicode_decode_error_handler": (("strict",), "labq reads text as UTF-8"),
}
ENDLESS = {name.lower(): ms for name, ms in DEFAULTS.items() if name.endswith("MS")}
ENDLESS["timeoutms"] = DEFAULTS["socketTimeoutMS"]
FILES = ("tlsCAFile", "tlsCertificateKeyFile", "tlsCRLFile")
LONGEST_NAME = 63  # bytes of a database's name
THEIRS = ("admin", "config", "local")
SECRET = re.compile("pass|token|secret|properties")
ESCAPES = "in a user's name or a password write / ? & @ : # % as %2F %3F %26 %40 %3A %23 %25"


@dataclass(frozen=True)
class Dialled:
    """What pymongo is given, and what a person is told of it."""

    uri: str
    options: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    forgetful: bool = False  # a write does not wait for the journal (journal=false)
    direct: bool = False  # to this one server, whatever it is of a replica set
    files: str = ""  # the options that name files, as they are written


def read(uri: str, address: str) -> Dialled:
    """What the URI asks for; `address` names it, without its secrets.

    Raises:
        UsageError: an option is unknown, given twice, or has a value that it cannot have.
    """
    _require_escaped(uri, address)
    base, mark, text = uri.partition("?")
    _require_name(unquote_plus(base.partition("://")[2].partition("/")[2]), address)
    kept: list[str] = []
    notes: list[str] = []
    given: dict[str, str] = {}
    for name, raw in _pairs(text, address):
        key, value = name.lower(), unquote_plus(raw)
        if key in given and key != "readpreferencetags":
            raise UsageError(f"{address}: {name} is given twice")
        given[key] = value
        told = _put_aside(key, value)
        if key == "w" and value.strip() == "0":
            raise UsageError(f"{address}: w=0 does not wait for any write: leave it out")
        if key not in PUT_ASIDE:
            left = _checked(name, raw, address)
            told = told or left
        if told:
            notes.append(f"{name}={raw} in the store's URI counts for nothing: {told}")
        elif key not in PUT_ASIDE:
            kept.append(f"{name}={raw}")
    _require_open(given, address)
    defaults = {name: value for name, value in DEFAULTS.items() if name.lower() not in _names(kept)}
    return Dialled(
        base + mark * bool(kept) + "&".join(kept),
        {**defaults, **OURS},
        tuple(notes),
        given.get("journal", "").lower() == "false",
        given.get("directconnection", "").lower() == "true",
        " and ".join(f"{it}={given[it.lower()]}" for it in FILES if it.lower() in given),
    )


def _require_name(name: str, address: str) -> None:
    """Refuses a database whose name cannot be, or that is the server's own.

    Raises:
        UsageError: it does.
    """
    if "." in name or len(name.encode()) > LONGEST_NAME or name in THEIRS:
        why = (
            "is MongoDB's own" if name in THEIRS else f"is no name of at most {LONGEST_NAME} bytes"
        )
        dots = " without dots" if "." in name else ""
        raise UsageError(f"{address} is not a MongoDB URI: the database {name} {why}{dots}")


def _require_escaped(uri: str, address: str) -> None:
    """Refuses what would be parted elsewhere than is meant: a part of a password as the host.

    Raises:
        UsageError: an `@` behind the first `/` or `?`.
    """
    rest = uri.partition("://")[2]
    place = rest.partition("?")[0].partition("/")[0]
    if "@" in rest[len(place) :]:
        raise UsageError(f"{address} is not a MongoDB URI: {ESCAPES}")


def connected(uri: str, address: str) -> tuple[MongoClient[Document], Dialled]:
    """A client of the URI's servers, which it asks for when it is first used; what it was given.

    Raises:
        UsageError: the URI is wrong, or a file that it names.
        StoreError: it is a `mongodb+srv://` whose name does not resolve, or the direct connection
            is not to a primary.
    """
    wanted = read(uri, address)
    with faults(address):
        try:
            client: MongoClient[Document] = MongoClient(wanted.uri, **wanted.options)
        except ValueError as error:  # of an option or a port
            raise mongo.InvalidURI(str(error)) from None
        except OSError as error:  # of OpenSSL, which does not name the file
            raise UsageError(f"{address}: cannot use {wanted.files}: {error}") from None
        except mongo.ConfigurationError as error:
            if isinstance(error, mongo.InvalidURI) or "+srv" in uri:  # does its name resolve?
                raise
            files = f"cannot use {wanted.files}: " if wanted.files else ""
            raise UsageError(f"{address}: {files}{error}") from None
        if wanted.direct:
            try:
                _require_primary(client, address)
            except BaseException:
                client.close()
                raise
    return client, wanted


def _require_primary(client: MongoClient[Document], address: str) -> None:
    """Refuses a node that lags behind: it shows what was, and takes nothing.

    Raises:
        StoreError: it is a secondary.
    """
    hello = client.admin.command("hello")
    if not hello.get("isWritablePrimary"):
        of = f" of the replica set {hello['setName']}" if "setName" in hello else ""
        primary = f", whose primary is {hello['primary']}" if "primary" in hello else ""
        raise StoreError(
            f"MongoDB at {hosts(address)} is no primary{of}{primary}: leave directConnection=true "
            "out of LABQ_URI"
        )


def _names(pairs: list[str]) -> set[str]:
    return {pair.partition("=")[0].lower() for pair in pairs}


def _pairs(text: str, address: str) -> Iterator[tuple[str, str]]:
    """The options as they are written; none that is unknown.

    What stands before the last `@` may be a part of a password, and is not shown.
    """
    for pair in filter(None, re.split("[&;]", text)):
        name, equals, raw = pair.partition("=")
        if not equals or not re.fullmatch("[A-Za-z_]+", name) or "@" in text.partition(pair)[2]:
            raise UsageError(f"{address}: its options must be NAME=VALUE&NAME=VALUE; {ESCAPES}")
        if name.lower() not in URI_OPTIONS_VALIDATOR_MAP:
            near = hint(name, URI_OPTIONS_VALIDATOR_MAP)
            raise UsageError(f"{address}: MongoDB has no option {name}{near}")
        yield name, raw


def _put_aside(key: str, value: str) -> str:
    """Why an option of this value counts for nothing; empty where it counts, or says what is so."""
    if key in ENDLESS and re.fullmatch(r"\s*0+\s*", value):
        return f"labq waits at most {ENDLESS[key] / 1000:g} s"
    agreed, why = PUT_ASIDE.get(key, ((value.lower(),), ""))
    return "" if value.lower() in agreed else why


def _checked(name: str, raw: str, address: str) -> str:
    """Why pymongo goes on without this option, if it does.

    Raises:
        UsageError: it has a value that it cannot have.
    """
    key = name.lower()
    try:
        if key != "compressors":
            split_options(f"{name}={raw}", warn=False)
            return ""
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            split_options(f"{name}={raw}", warn=False)
    except OSError as error:
        told = os.strerror(error.errno) if error.errno else str(error)
        raise UsageError(f"{address}: cannot read {name}={unquote_plus(raw)}: {told}") from None
    except (ValueError, TypeError, mongo.PyMongoError) as error:
        told = "it cannot have this value" if SECRET.search(key) else str(error)
        raise UsageError(f"{address}: {name}: {told}") from None
    return "; ".join(str(one.message) for one in heard)


def _require_open(given: Mapping[str, str], address: str) -> None:
    """Refuses a key that asks for a password, as OpenSSL would, at the terminal."""
    path = given.get("tlscertificatekeyfile")
    bare = path and "tlscertificatekeyfilepassword" not in given
    if bare and b"ENCRYPTED" in Path(path or "").read_bytes():
        raise UsageError(
            f"{address}: the key in {path} is encrypted: give tlsCertificateKeyFilePassword"
        )
