"""Pymongo's errors in labq's words, which name the host and never the password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from bson.errors import BSONError, InvalidDocument
from pymongo import errors as mongo

from labq.errors import AuthError, ConflictError, StoreError, UsageError
from labq.store.base import MAX_BYTES

PATH_NOT_VIABLE = 28
TOO_LARGE = {10334, 17419, 17420}
DENIED = {13, 18, 8000}


@contextmanager
def faults(address: str) -> Iterator[None]:
    """Turns pymongo's errors into labq's, which name the host and never the password."""
    try:
        yield
    except (mongo.ConnectionFailure, mongo.WTimeoutError) as error:
        raise StoreError(
            f"cannot reach MongoDB at {_hosts(address)}: {_first_clause(error)}; "
            "check that it runs, and LABQ_URI"
        ) from None
    except (mongo.InvalidURI, mongo.InvalidName) as error:
        raise UsageError(f"{address} is not a MongoDB URI: {_first_clause(error)}") from None
    except mongo.ConfigurationError as error:
        raise StoreError(f"cannot use {address}: {_first_clause(error)}") from None
    except mongo.DocumentTooLarge:
        raise UsageError(f"the task is too large: at most {MAX_BYTES:,} bytes") from None
    except InvalidDocument as error:
        raise UsageError(f"the task cannot be stored: {error}") from None
    except mongo.OperationFailure as error:
        raise _refused(error, address) from None
    except (mongo.PyMongoError, BSONError) as error:
        raise StoreError(f"MongoDB at {_hosts(address)}: {error}") from None


def _refused(error: mongo.OperationFailure, address: str) -> Exception:
    """What labq says of a command that the server refused."""
    faults = (error.details or {}).get("writeErrors") or [
        {"code": error.code, "errmsg": str(error)}
    ]
    code, message = faults[0].get("code"), str(faults[0].get("errmsg", error))
    if code in DENIED:
        return AuthError(
            f"MongoDB at {_hosts(address)} refuses: {_first_clause(message)}; check the user"
        )
    if code == PATH_NOT_VIABLE:
        return ConflictError("cannot write there: something on the way to it is not a dict")
    if code in TOO_LARGE:
        return UsageError(f"the task is too large: at most {MAX_BYTES:,} bytes")
    return StoreError(f"MongoDB at {_hosts(address)}: {_first_clause(message)}")


def _hosts(address: str) -> str:
    """`host:port`, or several, of a URI."""
    place = (
        re.sub(r"^mongodb(\+srv)?://", "", address).split("/")[0].split("?")[0].rpartition("@")[2]
    )
    if "+srv" in address:
        return place
    return ",".join(
        host if re.search(r":\d+$", host) else f"{host}:27017" for host in place.split(",")
    )


def _first_clause(error: object) -> str:
    """Pymongo's message without the topology that it appends."""
    return re.split(r" \(configured timeouts|, Timeout:|, full error:", str(error))[0]
