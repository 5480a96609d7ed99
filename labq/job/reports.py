"""`labq.report` and `labq.update_info`: results, merged into the task's summary."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from labq.command.words import key_path, normalised
from labq.errors import ArgsError, LabqError, StoreError, UnusableError, UsageError
from labq.job.context import Books, books
from labq.values.plain import key_of, plain, require_shallow

PATIENCE = 60.0  # seconds: as long as the lease lasts, unless configured
LOG = logging.getLogger("labq")


def report(**values: Any) -> None:
    """Merges values into the `summary` of the task that this process runs as.

    Outside of a task it warns once and does nothing, so that a script runs without labq too.

    While the store cannot be reached it tries for PATIENCE seconds, and warns then: a training is
    not lost for a report.

    Args:
        values: JSON values; a dict joins what is under its key already. NumPy and PyTorch values
            become numbers and lists, `nan` and `inf` the texts of those names, paths and members of
            an Enum texts or numbers. What cannot be stored is left out, with a warning.

    Raises:
        ConflictError: the task's lease is lost: another worker may run it by now.
    """
    if (found := books("report")) is None:
        return
    told, left = storable(values)
    for why in left:
        warnings.warn(f"labq.report: {why} (it is left out)", stacklevel=2)
    try:
        fault: LabqError | None = store(found, told)
    except ArgsError as error:  # two of its keys clash
        fault = error
    if fault:
        warnings.warn(f"labq.report: {told} is not stored: {fault}", stacklevel=2)


def update_info(info: Mapping[str, Any], fail_on_error: bool = False) -> None:
    """Merges a dict into the task's `summary`, as `report`; an error is logged, and no more.

    Args:
        info: a dict of JSON values.
        fail_on_error: whether an error is raised, the store's absence too.

    Raises:
        LabqError: with `fail_on_error`, what kept it from being stored.
    """
    if (found := books("update_info")) is None:
        return
    try:
        if not isinstance(info, Mapping):
            raise UsageError(f"info must be a dict, not {info!r}")
        told, left = storable(info)
        for why in left:
            if fail_on_error:
                raise ArgsError(why)
            LOG.warning("labq.update_info: %s (it is left out)", why)
        if fault := store(found, told):
            raise fault
    except LabqError as error:
        if fail_on_error:
            raise
        LOG.warning("labq.update_info: %s is not stored: %s", info, error)


def storable(
    values: Mapping[Any, Any],
    instead: Callable[[Any], Any] | None = None,
    where: str = "",
) -> tuple[dict[str, Any], list[str]]:
    """What of these can be stored, as it is; and why each other one cannot.

    With `instead` that is stored in the place of such a value.
    """
    found: dict[str, Any] = {}
    left: list[str] = []
    for key, value in values.items():
        path = f"{where}.{key}" if where else str(key)
        try:
            name = ".".join(key_path(key_of(key, where or "the report"), path))
            if not where:
                require_shallow(value, path)
            if isinstance(value, Mapping):
                found[name], more = storable(value, instead, path)
                left += more
            else:
                found[name] = normalised(plain(value, path, nan=True), path)
        except ArgsError as error:
            if instead is None or not isinstance(key, str):
                left.append(str(error))
            else:
                found[key] = instead(value)
    return found, left


def store(found: Books, values: Mapping[str, Any]) -> StoreError | None:
    """Merges values into the summary, through an outage of PATIENCE seconds.

    Returns:
        What kept the store from taking them, if it did.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            found.summary(values)
        except StoreError as error:  # noqa: PERF203 - it is the trying again that is wanted
            if isinstance(error, UnusableError) or time.monotonic() >= until:
                return error
            time.sleep(1)
        else:
            return None
