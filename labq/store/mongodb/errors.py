"""Pymongo's errors in labq's words, which name the host and never the password."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from bson.errors import BSONError, InvalidDocument
from pymongo import errors as mongo

from labq.errors import AuthError, ConflictError, StoreError, UsageError
from labq.model.size import MAX_BYTES

PATH_NOT_VIABLE = 28
TOO_LARGE = {10334, 17419, 17420}
UNAUTHORIZED = 13
# What a server says that is the primary no more, or is shut down (its specification of retries).
STEPPED_DOWN = {91, 189, 10058, 10107, 11600, 11602, 13435, 13436}
# No such user, or not in this way; the last is Atlas's.
DENIED = {11, UNAUTHORIZED, 18, 334, 391, 8000}
WHO = "check the user, the password, authSource and authMechanism in LABQ_URI"
MAY = "check the user's role in the database: read is enough to look, readWrite for all else"


@contextmanager
def faults(address: str) -> Iterator[None]:
    """Turns pymongo's errors into labq's, which name the host and never the password."""
    try:
        yield
    except (mongo.ConnectionFailure, mongo.WTimeoutError) as error:
        if _code_within(error) in DENIED:
            raise _denied(error, address) from None
        raise StoreError(
            f"cannot reach MongoDB at {hosts(address)}: {_first_clause(error)}; {_advice(error)}"
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
        raise StoreError(f"MongoDB at {hosts(address)}: {_first_clause(error)}") from None


def _code_within(error: mongo.PyMongoError) -> int:
    """The code of what kept pymongo from a server: it marks one that refused it as not there."""
    found = re.search(r"'code': (\d+)", str(error))
    return int(found[1]) if found else 0


def _advice(error: mongo.PyMongoError) -> str:
    """What a person can do about a server that does not answer."""
    if re.search("SSL|certificate", str(error)):
        return "check tls, tlsCAFile and tlsCertificateKeyFile in LABQ_URI, and the server's TLS"
    return "check that it runs, and LABQ_URI"


def _denied(error: object, address: str, advice: str = WHO) -> AuthError:
    said = re.sub(r"(execute command) \{ (\w+):.*", r"\1 \2", _first_clause(error))
    return AuthError(f"MongoDB at {hosts(address)} refuses: {said.rstrip('.')}; {advice}")


def _refused(error: mongo.OperationFailure, address: str) -> Exception:
    """What labq says of a command that the server refused."""
    faults = (error.details or {}).get("writeErrors") or [
        {"code": error.code, "errmsg": str(error)}
    ]
    code, message = faults[0].get("code"), str(faults[0].get("errmsg", error))
    if code in DENIED:
        named = code == UNAUTHORIZED and "requires authentication" not in message
        return _denied(message, address, MAY if named else WHO)
    if code == PATH_NOT_VIABLE:
        return ConflictError("cannot write there: something on the way to it is not a dict")
    if code in TOO_LARGE:
        return UsageError(f"the task is too large: at most {MAX_BYTES:,} bytes")
    return StoreError(f"MongoDB at {hosts(address)}: {_first_clause(message)}")


def require_kept(error: mongo.BulkWriteError) -> None:
    """Raises AutoReconnect where other nodes may not have the writes: ask again.

    A majority did not take them, or the primary stepped down or was shut down in their midst.
    """
    details = error.details or {}
    stopped = [one for one in details.get("writeErrors", ()) if one.get("code") in STEPPED_DOWN]
    if unkept := [*details.get("writeConcernErrors", ()), *stopped]:
        raise mongo.AutoReconnect(str(unkept[0].get("errmsg"))) from None


def hosts(address: str) -> str:
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
    first = re.split(r" \(configured timeouts|, Timeout:|, full error:", str(error))[0]
    return " ".join(first.split())
