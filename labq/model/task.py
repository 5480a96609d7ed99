"""The task document: its fields, its statuses, and who may move it from which to which."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeAlias

from labq.command.words import flat, is_loose, normalised, signature, text_of
from labq.errors import UsageError
from labq.values.durations import LONGEST, seconds
from labq.values.suggest import hint
from labq.values.text import shortened

Document: TypeAlias = dict[str, Any]


class Kind(Enum):
    """What a field of the document holds."""

    TEXT = "text"
    INT = "int"  # 64 bits, signed
    NUMBER = "number"  # int or float
    DATE = "date"  # aware UTC datetime, to the millisecond
    JSON = "json"  # a bool, or a dict or a list of JSON values; dates may stand inside


# Every field a task document may have. A field without a value is absent, never null.
FIELDS: dict[str, Kind] = {
    "_id": Kind.TEXT,
    "queue": Kind.TEXT,
    "number": Kind.INT,
    "name": Kind.TEXT,
    "short": Kind.TEXT,  # a name that no other task of the queue has
    "type": Kind.TEXT,
    "project": Kind.TEXT,
    "tags": Kind.JSON,
    "comment": Kind.TEXT,
    "metadata": Kind.JSON,
    "args": Kind.JSON,
    "args_signature": Kind.TEXT,
    "cmd": Kind.JSON,
    "words": Kind.JSON,  # those typed behind the command, and how they were read
    "raw_args": Kind.TEXT,  # shell text, appended to the command as it is
    "env": Kind.JSON,
    "cwd": Kind.TEXT,
    "resources": Kind.JSON,
    "require": Kind.JSON,
    "status": Kind.TEXT,
    "reason": Kind.TEXT,
    "outcome": Kind.TEXT,
    "priority": Kind.INT,
    "max_retries": Kind.INT,
    "retries": Kind.INT,
    "crashes": Kind.INT,
    "retry_delay": Kind.NUMBER,
    "timeout": Kind.NUMBER,
    "after": Kind.JSON,
    "after_any": Kind.JSON,
    "waiting_for": Kind.JSON,
    "dependants": Kind.INT,
    "attempt": Kind.INT,
    "attempts": Kind.JSON,
    "lease": Kind.JSON,
    "stop_requested": Kind.JSON,
    "progress": Kind.NUMBER,
    "summary": Kind.JSON,
    "errors": Kind.JSON,
    "source": Kind.JSON,
    "parent": Kind.TEXT,
    "group": Kind.TEXT,
    "index": Kind.INT,
    "count": Kind.INT,  # of the instances of its array
    "inputs": Kind.JSON,
    "results": Kind.JSON,
    "artifacts": Kind.JSON,
    "retention": Kind.JSON,
    "publish_on_success": Kind.JSON,
    "rev": Kind.INT,
    "created_at": Kind.DATE,
    "queued_at": Kind.DATE,
    "available_at": Kind.DATE,
    "started_at": Kind.DATE,
    "ended_at": Kind.DATE,
    "modified_at": Kind.DATE,
    "published_at": Kind.DATE,
}


def new_id() -> str:
    """A random uuid4 (RFC 9562) as 32 hex digits."""
    return _uuid(os.urandom(16), 4)


def keyed_id(*words: str) -> str:
    """The id that these words give, always the same: a uuid8 (RFC 9562) as 32 hex digits.

    No word may hold a NUL.
    """
    from hashlib import blake2b

    return _uuid(blake2b("\0".join(words).encode(), digest_size=16).digest(), 8)


def _uuid(octets: bytes, version: int) -> str:
    raw = bytearray(octets)
    raw[6] = raw[6] & 0x0F | version << 4
    raw[8] = raw[8] & 0x3F | 0x80
    return raw.hex()


class Status(str, Enum):
    """Where a task stands."""

    DRAFT = "draft"  # being written; no worker takes it
    WAITING = "waiting"  # for a start time or for other tasks
    PENDING = "pending"  # a worker may claim it
    RUNNING = "running"  # a worker holds its lease
    SUCCESS = "success"  # the job exited with 0
    FAILED = "failed"  # the job did not, and no retry is left
    CANCELLED = "cancelled"  # a person or a failed dependency ended it

    def __str__(self) -> str:
        return self.value


# Other systems' words for the statuses (mlboardclient, ClearML, Qarnot), in lower case.
_WORDS: dict[tuple[Status, ...], str] = {
    (Status.DRAFT,): "draft undefined created unsubmitted",
    (Status.WAITING,): "waiting",
    (Status.PENDING,): "pending",
    (Status.WAITING, Status.PENDING): "queued submitted partiallydispatched fullydispatched",
    (Status.RUNNING,): (
        "running starting in_progress partiallyexecuting fullyexecuting"
        " uploadingresults downloadingresults"
    ),
    (Status.SUCCESS,): "success succeeded completed",
    (Status.FAILED,): "failed failure",
    (Status.CANCELLED,): "cancelled canceled aborted stopped",
}
STATUS_WORDS = {word: those for those, words in _WORDS.items() for word in words.split()}
SEALED_WORDS = frozenset({"sealed", "published", "publishing", "closed"})  # says published_at
SHOWN_WORDS = ("stopping", "stalled")  # what a list says of some running tasks

TERMINAL = (Status.SUCCESS, Status.FAILED, Status.CANCELLED)

# The statuses that each verb takes a task from; what is published is another matter (UNSEALED).
TAKES: dict[str, tuple[Status, ...]] = {
    "edit": (Status.DRAFT, Status.WAITING, Status.PENDING),
    "tag": tuple(Status),
    "enqueue": (Status.DRAFT,),
    "dequeue": (Status.WAITING, Status.PENDING),
    "cancel": (Status.DRAFT, Status.WAITING, Status.PENDING, Status.RUNNING),
    "requeue": TERMINAL,
    "reset": TERMINAL,
    "publish": (Status.SUCCESS, Status.CANCELLED),  # a failure too, if that is insisted on
    "delete": (Status.DRAFT, Status.WAITING, Status.PENDING, *TERMINAL),
    "progress": (Status.RUNNING,),
}
UNSEALED: Document = {"published_at": {"$exists": False}}

# What may be edited where: NOTES wherever a task stands, SETTINGS while TAKES["edit"] has it, since
# a claimed task is its worker's, and the record of what ran is not rewritten. A short name is a
# setting of drafts alone: others may know a submitted task by it.
NOTES = frozenset({"tags", "comment", "metadata", "summary"})
SETTINGS = frozenset(
    {
        *("args", "cmd", "env", "cwd", "resources", "require", "name", "type", "project"),
        *("priority", "max_retries", "retry_delay", "timeout", "retention", "publish_on_success"),
        *("raw_args", "short", "source"),
    }
)
EDITABLE = NOTES | SETTINGS

TYPES = (
    *("training", "testing", "inference", "data_processing", "application", "monitor"),
    *("controller", "optimizer", "service", "qc", "custom"),
)


def status_query(word: str) -> Document:
    """The query for one status word of any of the systems, whatever its case.

    Raises:
        UsageError: no system has that word.
    """
    lower = word.strip().lower()
    if lower in SEALED_WORDS:
        return {"published_at": {"$exists": True}}
    if lower not in STATUS_WORDS:
        near = hint(lower, [*STATUS_WORDS, *SEALED_WORDS, *SHOWN_WORDS])
        there = ", ".join([*Status, "published", *SHOWN_WORDS])
        raise UsageError(f"no status {word!r}{near} (there are {there})")
    values = [status.value for status in STATUS_WORDS[lower]]
    return {"status": values[0] if len(values) == 1 else {"$in": values}}


def checked(field: str, value: Any) -> Any:
    """`value` as `field`, one that a person may set, stores it.

    Raises:
        UsageError: the field cannot hold it.
    """
    check: Callable[[str, Any], Any] = _CHECKS.get(field, _number)
    return check(field, value)


def _dict(field: str, value: Any) -> Document:
    if not isinstance(value, dict):
        raise UsageError(f"{field} must be a dict, not {_told(value)}")
    return dict(normalised(value, field))


def _tags(_field: str, value: Any) -> list[str]:
    tags = [value] if isinstance(value, str) else value
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag for tag in tags):
        raise UsageError(f"tags must be a list of words, not {_told(value)}")
    return [normalised(tag, "tags") for tag in dict.fromkeys(tags)]


def _asked(field: str, value: Any) -> Any:
    """What the task asks of a machine; most tasks ask for nothing, and start without its room."""
    from labq import resources

    if field == "resources":
        return resources.checked_resources(value)
    return resources.checked_require(value)


def _told(value: Any) -> str:
    """A value in a refusal: cut, on one line."""
    return repr(shortened(text_of(value)))


def _words(_field: str, value: Any) -> list[str]:
    """A command; few tasks have one, and most submits start without the room for it."""
    from labq.command.template import command_words

    return [normalised(word, "cmd") for word in command_words(value)]


def _line(field: str, value: Any) -> str:
    text = str(normalised(text_of(value), field))
    if not text.strip():
        raise UsageError(f"{field} must not be empty")
    if field != "comment" and not text.isprintable():
        raise UsageError(f"{field} must be one line of text, not {_told(text)}")
    return text


def is_short(text: str) -> bool:
    """Whether it can be a short name: a DNS label (RFC 1123) that is no number and no whole id."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", text):
        return False
    return not text.isdecimal() and not re.fullmatch(r"[0-9a-f]{32}", text)


def require_one(draft: Document, count: int) -> None:
    """Refuses a short name that several tasks are to have.

    Raises:
        UsageError: the draft of so many tasks has one.
    """
    if "short" in draft and count > 1:
        raise UsageError(f"short names one task, and these are {count:,}")


def _short(_field: str, value: Any) -> str:
    if not isinstance(value, str) or not is_short(value):
        raise UsageError(
            "short must be a DNS label (1 to 63 of a-z, 0-9 and -, a letter or digit first and "
            f"last) that is no number and no id, not {_told(value)}"
        )
    return value


def _shell(field: str, value: Any) -> str:
    text = str(normalised(text_of(value), field))
    if not text.strip() or "\0" in text:
        raise UsageError(f"{field} must be a text for the shell, not {_told(value)}")
    return text


def is_variable(name: Any) -> bool:
    """Whether it can name an environment variable of a job."""
    return isinstance(name, str) and name.isascii() and name.isidentifier()


def _variables(_field: str, value: Any) -> dict[str, str]:
    """Environment variables for the job."""
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise UsageError(f"env must be a dict of texts, not {_told(value)}")
    for name in value:
        if not is_variable(name):
            raise UsageError(
                f"{_told(name)} is not a variable's name (letters, digits and _, no digit first)"
            )
        if name.startswith("LABQ_"):
            raise UsageError(f"{name} is labq's own to set for a job")
    return {name: normalised(text, f"env {name}") for name, text in value.items()}


def _type(_field: str, value: Any) -> str:
    """What kind of work it is."""
    word = text_of(value).strip().lower()
    if word not in TYPES:
        raise UsageError(
            f"no type {_told(value)}{hint(word, TYPES)} (there are {', '.join(TYPES)})"
        )
    return word


def _project(field: str, value: Any) -> str:
    """A path of names, `a/b`."""
    path = _line(field, value)
    if any(name != name.strip() or name in ("", ".", "..") for name in path.split("/")):
        raise UsageError(f"project must be a path such as vision/resnet, not {_told(path)}")
    return path


def _retention(_field: str, value: Any) -> Document:
    """How long it is kept once it has ended."""
    if not isinstance(value, dict) or not value.keys() <= {"ttl", "auto_delete"}:
        raise UsageError(f"retention must be a dict such as {{'ttl': '7d'}}, not {_told(value)}")
    kept: Document = {}
    if "ttl" in value:
        kept["ttl"] = seconds(text_of(value["ttl"]))
    if "auto_delete" in value:
        kept["auto_delete"] = _flag("auto_delete", value["auto_delete"])
    return kept


def _flag(field: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{field} must be True or False, not {_told(value)}")
    return value


def _number(field: str, value: Any) -> int | float:
    real = isinstance(value, (int, float)) and not isinstance(value, bool)
    if field in ("timeout", "retry_delay"):
        floor = "above zero" if field == "timeout" else "of 0 or more"
        if not real or not 0 <= value <= LONGEST or (field == "timeout" and not value):
            raise UsageError(
                f"{field} must be seconds {floor}, at most {LONGEST:.0f}, not {_told(value)}"
            )
        return float(value) if isinstance(value, float) else int(value)
    least = -(2**31) if field == "priority" else 0
    if not real or not isinstance(value, int) or not least <= value < 2**31:
        kind = "a whole number" if field == "priority" else "a whole number of 0 or more"
        raise UsageError(f"{field} must be {kind}, not {_told(value)}")
    return value


_CHECKS: dict[str, Callable[[str, Any], Any]] = {
    **dict.fromkeys(("args", "words", "metadata", "summary", "source"), _dict),
    **dict.fromkeys(("name", "comment", "cwd"), _line),
    "raw_args": _shell,
    "short": _short,
    **dict.fromkeys(("resources", "require"), _asked),
    "cmd": _words,
    "tags": _tags,
    "env": _variables,
    "type": _type,
    "project": _project,
    "retention": _retention,
    "publish_on_success": _flag,
}


def new(args: Document, **fields: Any) -> Document:
    """A pending task document; the store adds queue, number and times.

    Args:
        args: nested dict of JSON values, normalised.
        fields: fields that a person may set; one that is None is left out.

    Raises:
        UsageError: a field cannot hold its value.
    """
    given = {field: checked(field, value) for field, value in fields.items() if value is not None}
    loose = is_loose(given)
    return {
        "_id": new_id(),
        "status": Status.PENDING.value,
        "args": args,
        "args_signature": signature(flat(args), loose=loose),
        "type": TYPES[0],
        "priority": 0,
        "max_retries": 0,
        "retries": 0,
        "attempt": 0,
        "rev": 0,
        **given,
    }
