"""Addresses of repositories, without what would let anybody in."""

from __future__ import annotations

from os import path as paths

NAMED = ("ssh", "git+ssh", "ssh+git")  # schemes whose user's name is part of the address


def stripped(url: str) -> str:
    """The address without a password, without the user too but for ssh, and without a query.

    All from a user's name with a password to the last `@` is hidden: a `/` may be in the password.
    """
    before, mark, rest = url.partition("://")
    if not mark:
        return _of_host(url)
    scheme = before.rpartition("::")[2].lower()
    if scheme == "file":
        return url
    place, slash, path = rest.partition("/")
    user, at, host = place.rpartition("@")
    if "@" in path and (":" in user if at else not _is_port(place)):
        user, at, tail = rest.rpartition("@")
        host, slash, path = tail.partition("/")
    name = user.partition(":")[0]
    kept = f"{name}@" if at and name and scheme in NAMED else ""
    address = f"{host}{slash}{path}".partition("?")[0].partition("#")[0]
    return f"{before}://{kept}{address}"


def absolute(url: str, root: str) -> str:
    """The address; a relative path is one from the repository's top."""
    is_path = "://" not in url and ":" not in url.partition("/")[0]
    return paths.normpath(paths.join(root, url)) if is_path and url else url


def _of_host(url: str) -> str:
    """`user@host:path` and paths; a password that somebody put there is left out."""
    user, at, rest = url.rpartition("@")
    name, colon, _ = user.partition(":")
    if at and colon and "/" not in name and ":" in rest:
        return f"{name}@{rest}"
    return url


def _is_port(place: str) -> bool:
    """Whether what stands before the first `/` is a host: no more than a port follows it."""
    if place.startswith("["):
        return True
    _, colon, port = place.partition(":")
    return not colon or port.isdigit() or not port
