"""Profiles: words of a submit that `labq.yaml` keeps under a name, to be given together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from labq import config
from labq.client.values import LENGTHS
from labq.errors import ConfigError, UsageError
from labq.model.task import Document, checked, new
from labq.values.coerce import span
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


def under(profile: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """The words of a submit, with those of a profile where nothing was said.

    Tags and requirements of both hold; env, resources and metadata are joined by their keys.

    Raises:
        UsageError: there is no such profile.
        ConfigError: a word of it that there is not, or that cannot be stored.
    """
    profiles = config.section(SECTION)
    if profile not in profiles:
        raise UsageError(f"no profile {shortened(profile)!r}{_known(profile, list(profiles))}")
    entry, place = profiles[profile]
    try:
        words = {word: _read(word, value) for word, value in entry.items() if value is not None}
    except UsageError as error:
        raise ConfigError(f"{place}: profile {profile}: {error}") from None
    both = {**words, **{word: value for word, value in said.items() if value is not None}}
    for word in {*BY_KEY, *LISTS} & words.keys() & both.keys():
        if both[word] is not words[word]:
            above = _as_stored(word, both[word])
            mine = words[word]
            both[word] = {**mine, **above} if word in BY_KEY else [*mine, *above]
    return both


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
