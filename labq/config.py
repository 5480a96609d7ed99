"""The settings: defaults < files < environment < flags, into one frozen value.

Files are `~/.config/labq/config.yaml`, then the nearest `labq.yaml` from the working directory
upwards. A value is text wherever it comes from, and read by the one reader of its key.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from labq.errors import ConfigError, UsageError
from labq.values.durations import seconds, seconds_or_none


@dataclass(frozen=True)
class Settings:
    """What one run of labq goes by; durations are in seconds."""

    uri: str
    queue: str
    home: Path
    max_retries: int
    retry_delay: float
    lease: float
    heartbeat: float
    source: bool = True  # whether a new task records where it comes from
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)  # key -> where from

    def __repr__(self) -> str:
        shown = {**vars(self), "uri": masked(self.uri)}
        return f"Settings({', '.join(f'{key}={value!r}' for key, value in shown.items())})"


def _text(key: str, value: Any) -> str:
    """What a program gives for a setting; what is wrong is not printed: it may hold a password."""
    if not isinstance(value, str):
        raise UsageError(f"{key} must be a text, not of type {type(value).__name__}")
    return value


def _queue(text: str) -> str:
    if not text or not text.isprintable() or " " in text or text[0] in "-$" or len(text) > 120:  # noqa: PLR2004
        raise UsageError(
            f"{text!r} is not a queue name (printable, no spaces, no leading - or $, at most 120)"
        )
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 10 or int(text) >= 2**31:  # noqa: PLR2004 - its digits
        raise UsageError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def _switch(text: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True}
    words |= {"false": False, "no": False, "off": False, "0": False}
    if text.lower() not in words:
        raise UsageError(f"{text!r} is neither true nor false")
    return words[text.lower()]


def _path(text: str) -> Path:
    if not text.strip():
        raise UsageError("the path is empty")
    if not text.isprintable():
        raise UsageError(f"{text!r} is not a path: it holds a control character")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise UsageError(f"{text!r} begins with a home directory that is not known") from None


def _uri(text: str) -> str:
    if not text.startswith(("sqlite:", "mongodb://", "mongodb+srv://")):
        raise UsageError(
            f"{masked(text)!r} is not a store (write sqlite:PATH, mongodb://HOST/DATABASE or "
            "mongodb+srv://HOST/DATABASE)"
        )
    if not text.startswith("sqlite:"):
        return text
    if not text.removeprefix("sqlite:").strip():
        raise UsageError(f"{text!r} names no file (write sqlite:PATH)")
    return f"sqlite:{_path(text.removeprefix('sqlite:'))}"


# How the text of each setting is read.
KEYS: dict[str, Callable[[str], Any]] = {
    "uri": _uri,
    "queue": _queue,
    "home": _path,
    "max_retries": _count,
    "retry_delay": seconds_or_none,
    "lease": seconds,
    "heartbeat": seconds,
    "source": _switch,
}


def masked(uri: str) -> str:
    """The URI with its password, and any option that holds a secret, replaced by `***`.

    All from the user's name to the last `@` counts as the password, so that one with an unescaped
    `/`, `?` or `@` is hidden too; all from an option's `=` to the next `&NAME=` counts as its
    value. Where there is no `@` but what should be a port is none, the rest is hidden.
    """
    if uri.startswith("sqlite:") and "://" not in uri:
        return uri
    import re

    credentials, at, rest = uri.rpartition("@")
    start = credentials.find("://") + 3 if "://" in credentials else 0
    user, colon, _ = credentials[start:].partition(":")
    hidden = credentials[:start] + user + (":***" if colon else "")
    if not at:  # a host and its port, or a password whose host was forgotten
        rest = re.sub(r"(?s)^([^:/?]*://[^:/?\[]*:)(?!\d*(?:[/?,]|$)).*", r"\1***", rest)
    base, mark, options = f"{hidden}{at}{rest}".partition("?")
    option = r"(?i)((?:pass|pwd|token|secret|key|authMechanismProp)[^=&;:,]*)"
    value = r"(?:(=)[^&]+(?:&[^=&]*(?=&|$))*|(:)[^&;,]+)"
    return base + mark + re.sub(option + value, r"\1\2\3***", options)


def masked_in(text: str) -> str:
    """A text whose URIs are without secrets: of MongoDB as `masked` has it, else `***@host`."""
    if "://" not in text:
        return text
    import re

    uri = r"[A-Za-z][\w+.-]*://\S+?(?=[:;,.]?(?:\s|$))"
    return re.sub(uri, lambda found: _without_user(found[0]), text)


def _without_user(uri: str) -> str:
    scheme, _, rest = uri.partition("://")
    if scheme.lower().startswith("mongodb"):
        return masked(uri)
    place = rest.partition("/")[0]
    _, colon, port = place.rpartition("]")[2].partition(":")
    at = place.rfind("@")
    if ":" in place[:at] if at >= 0 else colon and not port.isdigit():  # a slash in a password
        at = rest.rfind("@")
    if at < 0 or (scheme.lower().endswith("ssh") and ":" not in rest[:at]):  # git@host: no secret
        return uri
    return f"{scheme}://***{rest[at:]}"


MOST_BYTES = 1 << 20  # of a configuration file
MOST_VALUES = 100_000  # in it, its aliases written out


def load(
    flags: Mapping[str, str | None],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Settings:
    """The settings in force for these flags, this environment and this working directory.

    An environment variable that is empty counts as not set.

    Raises:
        ConfigError: an unknown key or a bad value; the message names its place.
    """
    environment = os.environ if environment is None else environment
    folder = _working_directory() if folder is None else folder
    given: dict[str, _Given] = {}
    for path in files(environment, folder):
        given |= _read(path)
    for key in KEYS:
        if text := environment.get(f"LABQ_{key.upper()}"):
            given[key] = (text, f"LABQ_{key.upper()}", folder)
        if (flag := flags.get(key)) is not None:
            given[key] = (flag, f"--{key.replace('_', '-')}", folder)
    values = {key: _value(key, *held) for key, held in given.items()}
    if "home" not in values:
        values["home"] = _default_home(environment, folder)
    defaults = {
        "uri": f"sqlite:{values['home'] / 'labq.db'}",
        "queue": "default",
        "max_retries": 0,
        "retry_delay": 1.0,
        "lease": 60.0,
        "heartbeat": min(10.0, values.get("lease", 60.0) / 6),
    }
    origins = {key: origin for key, (_, origin, _) in given.items()}
    settings = Settings(**{**defaults, **values}, origins=origins)
    if settings.heartbeat * 2 > settings.lease:
        raise ConfigError(
            f"the heartbeat ({settings.heartbeat:g}s) must be at most half of the lease "
            f"({settings.lease:g}s), or one late renewal loses the task"
        )
    return settings


# Keys of a file that are no settings: each a mapping of names to mappings.
SECTIONS = ("tasks", "profiles")


def section(
    name: str, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> dict[str, tuple[dict[str, Any], str]]:
    """The entries of a section of the configuration files, each with its place, by their names.

    An entry of the nearest file stands for those of its name in others.

    Raises:
        ConfigError: it is not such a mapping.
    """
    environment = os.environ if environment is None else environment
    folder = _working_directory() if folder is None else folder
    found: dict[str, tuple[dict[str, Any], str]] = {}
    for path in files(environment, folder):
        root = _composed(path)
        for key, node in root.value if root is not None else ():
            if key.value == name:
                found |= _entries(path, name, node)
    return found


def _entries(path: Path, name: str, node: Any) -> dict[str, tuple[dict[str, Any], str]]:
    import yaml

    found: dict[str, tuple[dict[str, Any], str]] = {}
    loader = yaml.SafeLoader("")
    for key, value in node.value if isinstance(node, yaml.MappingNode) else [(node, node)]:
        place = f"{path}:{key.start_mark.line + 1}"
        try:
            entry = loader.construct_document(value)
        except yaml.YAMLError as error:
            raise ConfigError(f"{place}: not YAML: {error}") from None
        if not isinstance(entry, dict) or not all(isinstance(word, str) for word in entry):
            raise ConfigError(f"{place}: {name} must be names, each with lines of 'field: value'")
        found[str(key.value)] = (entry, place)
    return found


_Given = tuple[str, str, Path]  # a setting's text, its origin, the folder that paths start from
_KNOWN = f"(known keys: {', '.join((*KEYS, *SECTIONS))})"


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ConfigError("the working directory is gone: cd to one that exists") from None


def _value(key: str, text: str, origin: str, folder: Path) -> Any:
    try:
        value = KEYS[key](_text(key, text))
    except UsageError as error:
        if origin.startswith(("LABQ_", "--")):
            raise ConfigError(f"{origin}: {error}") from None
        raise ConfigError(f"{origin}: {key}: {error} {_KNOWN}") from None
    if key == "home":
        return folder / value
    if key == "uri" and value.startswith("sqlite:"):
        return f"sqlite:{folder / value.removeprefix('sqlite:')}"
    return value


def _default_home(environment: Mapping[str, str], folder: Path) -> Path:
    data = environment.get("XDG_DATA_HOME") or _in_home(".local/share")
    if not data:
        raise ConfigError("there is no home directory to keep the tasks in: set LABQ_HOME")
    return folder / data / "labq"


def _in_home(name: str) -> Path | None:
    """The path below the person's home directory; None where there is none."""
    try:
        return Path.home() / name
    except RuntimeError:
        return None


def files(environment: Mapping[str, str] | None = None, folder: Path | None = None) -> list[Path]:
    """The configuration files that exist, the weakest first."""
    environment = os.environ if environment is None else environment
    folder = _working_directory() if folder is None else folder
    config = environment.get("XDG_CONFIG_HOME") or _in_home(".config")
    person = [folder / config / "labq" / "config.yaml"] if config else []
    project = [up / "labq.yaml" for up in (folder, *folder.parents)]
    nearest = [path for path in project if os.path.lexists(path)][:1]
    return [path for path in person if os.path.lexists(path)] + nearest


def _read(path: Path) -> dict[str, _Given]:
    """Each setting of a configuration file, with its place in it.

    Raises:
        ConfigError: no YAML mapping, an unknown or repeated key, a value that is no scalar.
    """
    import yaml

    root = _composed(path)
    found: dict[str, _Given] = {}
    for key, value in root.value if root is not None else ():
        place = f"{path}:{key.start_mark.line + 1}"
        if isinstance(key, yaml.ScalarNode) and key.value in SECTIONS:
            continue
        if not isinstance(key, yaml.ScalarNode) or key.value not in KEYS:
            name = repr(key.value) if isinstance(key, yaml.ScalarNode) else "that is no word"
            raise ConfigError(f"{place}: unknown key {name} {_KNOWN}")
        if not isinstance(value, yaml.ScalarNode):
            raise ConfigError(f"{place}: {key.value} takes one value {_KNOWN}")
        if key.value in found:
            raise ConfigError(f"{place}: {key.value} is given twice")
        found[key.value] = (value.value, place, path.parent)
    return found


def _values(node: Any, known: dict[int, int]) -> int:
    """How many values a node has, those below it too, each alias written out.

    Raises:
        RecursionError: one stands within itself.
    """
    if not isinstance(node.value, list):
        return 1
    if id(node) not in known:
        known[id(node)] = -1
        below = (each for one in node.value for each in (one if isinstance(one, tuple) else (one,)))
        known[id(node)] = 1 + sum(_values(each, known) for each in below)
    if known[id(node)] < 0:
        raise RecursionError
    return known[id(node)]


def _composed(path: Path) -> Any:
    """The mapping node of a configuration file; None where it is empty.

    Raises:
        ConfigError: it is no YAML mapping.
    """
    import yaml

    if path.exists() and not path.is_file():
        raise ConfigError(f"{path}: cannot be read: it is no file")
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1).decode("utf-8-sig")
        if len(text) > MOST_BYTES:
            raise ConfigError(f"{path}: cannot be read: it is larger than {MOST_BYTES:,} bytes")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if root is not None and _values(root, {}) > MOST_VALUES:
            raise ConfigError(f"{path}: its aliases stand for more than {MOST_VALUES:,} values")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeError as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply, or an alias stands within itself") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(f"{path}:{mark.line + 1 if mark else 1}: not YAML: {problem}") from None
    if root is None or root.value == "":
        return None
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError(f"{path}:{root.start_mark.line + 1}: not lines of 'key: value' {_KNOWN}")
    return root
