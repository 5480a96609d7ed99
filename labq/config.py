"""The settings: defaults < files < environment < flags, into one frozen value.

Files are `~/.config/labq/config.yaml`, then the nearest `labq.yaml` from the working directory
upwards. A value is text wherever it comes from, and read by the one reader of its key.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labq import clock
from labq.errors import ConfigError, UsageError

SECRET_OPTIONS = re.compile(r"(?i)((?:password|token|secret|key)[^=&,:]*[=:])[^&,]+")


@dataclass(frozen=True)
class Settings:
    """What one run of labq goes by; durations are in seconds."""

    uri: str
    queue: str
    home: Path
    max_retries: int
    lease: float
    heartbeat: float
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)  # key -> where from


def _queue(text: str) -> str:
    if not text or not text.isprintable() or " " in text or text[0] in "-$" or len(text) > 120:  # noqa: PLR2004
        raise UsageError(
            f"{text!r} is not a queue name (printable, no spaces, no leading - or $, at most 120)"
        )
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**31:
        raise UsageError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def _path(text: str) -> Path:
    if not text.strip():
        raise UsageError("the path is empty")
    return Path(text).expanduser()


def _uri(text: str) -> str:
    if not text.startswith(("sqlite:", "mongodb://", "mongodb+srv://")):
        raise UsageError(
            f"{masked(text)!r} is not a store (write sqlite:PATH, mongodb://HOST/DATABASE or "
            "mongodb+srv://HOST/DATABASE)"
        )
    if text == "sqlite:":
        raise UsageError("sqlite: names no file (write sqlite:PATH)")
    return text


@dataclass(frozen=True)
class Key:
    """One setting: how its text is read and what the documentation says of it."""

    read: Callable[[str], Any]
    about: str


KEYS: dict[str, Key] = {
    "uri": Key(_uri, "the store: sqlite:PATH, mongodb://... or mongodb+srv://..."),
    "queue": Key(_queue, "the queue's name"),
    "home": Key(_path, "the folder of the SQLite file and of the tasks' output"),
    "max_retries": Key(_count, "how often a failed task is tried again"),
    "lease": Key(clock.seconds, "how long a silent worker keeps its task"),
    "heartbeat": Key(clock.seconds, "how often a worker renews its leases"),
}


def masked(uri: str) -> str:
    """The URI with its password, and any option that holds a secret, replaced by `***`."""
    base, mark, options = uri.partition("?")
    base = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", base)
    return base + mark + SECRET_OPTIONS.sub(r"\1***", options)


def load(
    flags: Mapping[str, str | None],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """The settings in force for these flags, this environment and this working directory.

    Raises:
        ConfigError: an unknown key or a bad value; the message names its place.
    """
    environment = os.environ if environment is None else environment
    folder = Path.cwd() if folder is None else folder
    texts: dict[str, tuple[str, str, Path]] = {}  # key -> text, origin, what paths are relative to
    for path in _files(environment, folder):
        for key, (text, line) in _read(path).items():
            texts[key] = (text, f"{path}:{line}", path.parent)
    for key in KEYS:
        if text := environment.get(f"LABQ_{key.upper()}"):
            texts[key] = (text, f"LABQ_{key.upper()}", folder)
        if (flag := flags.get(key)) is not None:
            texts[key] = (flag, f"--{key.replace('_', '-')}", folder)
    values = {key: _value(key, *given) for key, given in texts.items()}
    origins = {key: given[1] for key, given in texts.items()}
    home = values.setdefault("home", _default_home(environment))
    defaults = {
        "uri": f"sqlite:{home / 'labq.db'}",
        "queue": "default",
        "max_retries": 0,
        "lease": 60.0,
        "heartbeat": 10.0,
    }
    settings = Settings(**{**defaults, **values}, origins=origins)
    if settings.heartbeat * 2 > settings.lease:
        raise ConfigError(
            f"the heartbeat ({settings.heartbeat:g}s) must be at most half of the lease "
            f"({settings.lease:g}s), or one late renewal loses the task"
        )
    return settings


def _value(key: str, text: str, origin: str, folder: Path) -> Any:
    try:
        value = KEYS[key].read(text)
    except UsageError as error:
        raise ConfigError(f"{origin}: {key}: {error}") from None
    if key == "home":
        return folder / value
    if key == "uri" and value.startswith("sqlite:"):
        return f"sqlite:{folder / Path(value.removeprefix('sqlite:')).expanduser()}"
    return value


def _default_home(environment: Mapping[str, str]) -> Path:
    data = environment.get("XDG_DATA_HOME")
    return (Path(data) if data else Path.home() / ".local" / "share") / "labq"


def _files(environment: Mapping[str, str], folder: Path) -> list[Path]:
    """The configuration files that exist, the weakest first."""
    config = environment.get("XDG_CONFIG_HOME")
    person = (Path(config) if config else Path.home() / ".config") / "labq" / "config.yaml"
    project = next((f for up in (folder, *folder.parents) if (f := up / "labq.yaml").is_file()), None)
    return [path for path in (person, project) if path and path.is_file()]


def _read(path: Path) -> dict[str, tuple[str, int]]:
    """Each key's text and line in a configuration file."""
    import yaml

    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        raise ConfigError(f"{path}:{line}: not YAML: {getattr(error, 'problem', error)}") from None
    if root is None:
        return {}
    known = ", ".join(KEYS)
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError(f"{path}:1: not a list of 'key: value' lines (known keys: {known})")
    found: dict[str, tuple[str, int]] = {}
    for key, value in root.value:
        line = key.start_mark.line + 1
        if key.value not in KEYS:
            raise ConfigError(f"{path}:{line}: unknown key {key.value!r} (known keys: {known})")
        if not isinstance(value, yaml.ScalarNode):
            raise ConfigError(f"{path}:{line}: {key.value}: wants one value (known keys: {known})")
        found[key.value] = (value.value, line)
    return found
