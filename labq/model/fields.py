"""What each field of what a store keeps holds: of tasks, queues, workers and events."""

from __future__ import annotations

from datetime import datetime

from labq.model.shapes import (
    AMOUNT,
    ANY,
    ARGS,
    COUNT,
    DATE,
    FLAG,
    JSON,
    LABEL,
    OBJECT,
    PERCENT,
    REQUIRE,
    RESOURCES,
    SECONDS,
    STATUS,
    TEXT,
    TEXTS,
    VARIABLES,
    WHOLE,
    WORD,
    WORDS,
    Shape,
    dict_of,
    list_of,
)
from labq.model.task import FIELDS, Document, Kind, Status

_LEASE = {"token": TEXT, "worker": TEXT, "host": TEXT, "expires_at": DATE, "on_lost": TEXT}
_ATTEMPT = {
    **dict.fromkeys(("worker", "host", "reason", "token"), TEXT),
    **dict.fromkeys(("attempt", "slot", "pid", "exit_code", "signal"), WHOLE),
    **dict.fromkeys(("wall", "cpu", "max_rss"), AMOUNT),
    **dict.fromkeys(("started", "ended"), DATE),
    "argv": TEXTS,
}
_ERROR = {**dict.fromkeys(("message", "stderr", "traceback", "type"), TEXT), "attempt": WHOLE}
_CONTENT = {**dict.fromkeys(("files", "commits", "count", "size"), COUNT), "blob": TEXT}
_SOURCE = {
    **dict.fromkeys(
        ("url", "branch", "commit", "cwd", "entry_point", "host", "user", "python", "notes"), TEXT
    ),
    **dict.fromkeys(("diff", "untracked", "bundle", "packages"), dict_of("a dict", JSON, _CONTENT)),
}

TASK: dict[str, Shape] = {
    **{
        name: {Kind.TEXT: TEXT, Kind.INT: WHOLE, Kind.NUMBER: SECONDS, Kind.DATE: DATE}.get(
            kind, JSON
        )
        for name, kind in FIELDS.items()
    },
    **dict.fromkeys(("retries", "max_retries", "crashes", "attempt", "index", "count"), COUNT),
    **dict.fromkeys(("tags", "after", "after_any", "waiting_for"), TEXTS),
    "cmd": WORDS,
    "words": dict_of(
        "a dict",
        JSON,
        {"typed": TEXTS, "grammar": COUNT, "live": TEXTS, "loose": FLAG, "style": TEXT}
        | {"texts": OBJECT},
    ),
    **dict.fromkeys(("cwd", "raw_args"), WORD),
    "args": ARGS,
    **dict.fromkeys(("metadata", "summary"), OBJECT),
    "env": VARIABLES,
    "resources": RESOURCES,
    "require": REQUIRE,
    "status": STATUS,
    "attempts": list_of("a list of dicts", dict_of("a dict", JSON, _ATTEMPT)),
    "errors": list_of("a list of dicts", dict_of("a dict", JSON, _ERROR)),
    "lease": dict_of("a dict", JSON, _LEASE, {"token", "expires_at"}),
    "stop_requested": ANY,  # `understood` makes sense of whatever it is
    "progress": PERCENT,
    "source": dict_of("a dict", JSON, _SOURCE),
    "retention": dict_of("a dict", JSON, {"ttl": SECONDS, "auto_delete": FLAG}),
    "publish_on_success": FLAG,
}
PLAIN: dict[str, type] = {
    name: {TEXT: str, WHOLE: int, COUNT: int, DATE: datetime}[shape]
    for name, shape in TASK.items()
    if shape in (TEXT, WHOLE, COUNT, DATE)
}
# What stands for a field that no task can do without, where it is wrong or not there.
INSTEAD: Document = {
    "number": 0,
    "status": Status.DRAFT.value,  # which no worker takes
    "args": {},
    "priority": 0,
    "attempt": 0,
    "rev": 0,
}
QUEUE: dict[str, Shape] = {
    **dict.fromkeys(("description", "on_finish", "keyed_as"), TEXT),
    "max_tasks": COUNT,
    "defaults": dict_of("a dict", JSON, {name: TASK[name] for name in ("timeout", "retention")}),
    "paused": JSON,
    **dict.fromkeys(("paused_at", "created_at"), DATE),
}
WORKER: dict[str, Shape] = {
    **dict.fromkeys(("queue", "host", "status", "command"), TEXT),
    **dict.fromkeys(("pid", "slots"), WHOLE),
    **dict.fromkeys(("started_at", "heartbeat_at", "expires_at", "commanded_at"), DATE),
    "labels": dict_of("a dict", LABEL),
    "capacity": RESOURCES,
    "tasks": list_of("a list of numbers", WHOLE),
    **dict.fromkeys(("done", "pids"), dict_of("a dict of numbers", WHOLE)),
}
EVENT: dict[str, Shape] = {  # in the order in which they are shown
    "task": TEXT,
    "number": WHOLE,
    **dict.fromkeys(("queue", "from", "to"), TEXT),
    "at": DATE,
    "attempt": WHOLE,
    **dict.fromkeys(("worker", "reason"), TEXT),
}
