"""Profiles: words of a submit that `labq.yaml` keeps under a name, to be given together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labq import config
from labq.client.values import LENGTHS
from labq.errors import ConfigError, UsageError
from labq.model.task import Document, checked, new
from labq.values.coerce import span, text
from labq.values.suggest import hint
from labq.values.text import shortened

SECTION = "profiles"
WORDS = (
    *("resources", "require", "env", "cmd", "cwd", "priority", "max_retries", *LENGTHS),
    *("ttl", "auto_delete", "tags", "type", "project", "comment", "metadata"),
    "publish_on_success",
)
BY_KEY = ("env", "resources", "metadata")  # the others are replaced, lists made longer
LISTS = ("require", "tags")
RETAINED = ("ttl", "auto_delete")  # of `retention`
FIELDS = (*(word for word in WORDS if word not in RETAINED), "retention")


def under(profile: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """The words of a submit, with those of a profile where nothing was said.

    Tags and requirements of both hold; env, resources and metadata are joined by their keys.

    Raises:
        UsageError: there is no such profile.
        ConfigError: a word of it that there is not, or that cannot be stored.
    """
    words = _words(profile)
    both = {**words, **{word: value for word, value in said.items() if value is not None}}
    for word in {*BY_KEY, *LISTS} & words.keys() & both.keys():
        if both[word] is not words[word]:
            above = _as_stored(word, both[word])
            mine = words[word]
            both[word] = {**mine, **above} if word in BY_KEY else [*mine, *above]
    return both


def _words(profile: str) -> dict[str, Any]:
    """The words of a profile.

    Raises:
        UsageError: there is no such profile.
        ConfigError: a word of it that there is not, or that cannot be stored.
    """
    profiles = config.section(SECTION)
    if profile not in profiles:
        raise UsageError(f"no profile {shortened(profile)!r}{_known(profile, list(profiles))}")
    entry, place = profiles[profile]
    try:
        return {word: _read(word, value) for word, value in entry.items() if value is not None}
    except UsageError as error:
        raise ConfigError(f"{place}: profile {profile}: {error}") from None


@dataclass(frozen=True)
class Laid:
    """A profile, and of each field that it gives to a task: what it was, and what it is by it."""

    name: str
    fields: dict[str, tuple[Any, Any]]


def laid(profile: Any, task: Mapping[str, Any], settings: config.Settings) -> Laid:
    """What a profile gives to a task with these fields: as `under`, where they say nothing.

    Raises:
        UsageError, ConfigError: as `under`.
    """
    words = _words(text("profile", profile))
    if kept := {word: words.pop(word) for word in RETAINED if word in words}:
        words["retention"] = kept
    if "cwd" in words:
        words["cwd"] = os.path.abspath(os.path.expanduser(words["cwd"]))  # noqa: PTH100, PTH111 - as a submit does
    unsaid = {**new({}), "max_retries": settings.max_retries}
    found: dict[str, tuple[Any, Any]] = {}
    for field, mine in words.items():
        before = task.get(field)
        if field in (*BY_KEY, "retention"):
            found[field] = before, {**mine, **(before or {})}
        elif field in LISTS:
            found[field] = before, [*mine, *(before or [])]
        elif before in (None, unsaid.get(field)):
            found[field] = before, mine
    retries = found["max_retries"][1] if "max_retries" in found else 0
    if retries and "retry_delay" not in found and task.get("retry_delay") is None:
        found["retry_delay"] = None, settings.retry_delay
    return Laid(profile, found)


def between(profile: str, bare: Document, task: Document) -> Laid:
    """What a profile gave to a task that without it were `bare`."""
    pairs = {field: (bare.get(field), task.get(field)) for field in FIELDS}
    return Laid(profile, {field: pair for field, pair in pairs.items() if pair[0] != pair[1]})


def taken_back(task: Mapping[str, Any], given: Laid | None) -> dict[str, Any]:
    """The fields as they were before a profile, of those that are still as it made them."""
    fields = given.fields if given else {}
    return {field: was for field, (was, by) in fields.items() if task.get(field) == by}


def _read(word: str, value: Any) -> Any:
    """What a word of a profile says, checked.

    Raises:
        UsageError: there is no such word, or it cannot say that.
    """
    if word not in WORDS:
        raise UsageError(f"no word {word!r} (there are {', '.join(WORDS)})")
    if word in LENGTHS:
        value = span(word, value)
    if word in ("ttl", "auto_delete"):
        return checked("retention", {word: value})[word]
    return value if word == "cwd" else _as_stored(word, value)


def _as_stored(word: str, value: Any) -> Any:
    made: Document = new({}, **{word: value})
    return made[word]


def _known(profile: str, profiles: list[str]) -> str:
    if not profiles:
        return ": labq.yaml has none (write profiles:, and below it names, each with its words)"
    return hint(profile, profiles, f" (there are {', '.join(profiles)})")
