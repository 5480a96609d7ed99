"""Why a verb does not take a task: the words for it, by the verb and by where the task stands.

Each names the state, and the verb that would work instead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from labq.model.sound import MALFORMED
from labq.model.task import TAKES, TERMINAL, UNSEALED, Document, Status
from labq.store import Store

PUBLISHED, UNKNOWN = "published", "malformed"
STATES = (*map(str, Status), PUBLISHED)

_RUNNING = "labq task cancel stops {it}"
_ENDED = "labq task requeue runs {it} again"
_EMPTY = "labq task reset makes {it} draft again"
_LATER = "labq task update {ref} -u publish_on_success=True publishes {it} on success"
_COPY = "labq task clone {ref} --update args.lr=1 --enqueue runs a changed copy"

# What would work instead; under "" for the verbs that say nothing of their own.
_INSTEAD: dict[str, dict[str, str]] = {
    "": {
        PUBLISHED: "clone {it} instead",
        "running": _RUNNING,
        UNKNOWN: "labq task cancel ends {it}, labq task delete removes {it}",
    },
    "edit": {
        "running": _COPY,
        **dict.fromkeys(("success", "failed", "cancelled"), f"{_COPY}, {_EMPTY}"),
    },
    "enqueue": {
        "running": "a worker has {it} already",
        **dict.fromkeys(("success", "failed", "cancelled"), _ENDED),
    },
    "dequeue": dict.fromkeys(("success", "failed", "cancelled"), _EMPTY),
    "requeue": {
        "draft": "labq task enqueue makes {it} pending",
        "waiting": "labq task show {ref} says what for",
        "pending": "labq worker run runs {it}",
    },
    "reset": dict.fromkeys(("waiting", "pending"), "labq task dequeue makes {it} draft"),
    "publish": {
        **dict.fromkeys(("draft", "waiting", "pending"), _LATER),
        "running": "labq task publish takes {it} once {it_has} ended",
        "failed": "--force publishes {it} all the same",
    },
    "delete": {
        PUBLISHED: "--force deletes {it} all the same",
        "running": "labq task cancel stops {it}, --force deletes {it} all the same",
    },
    "wait": {"draft": "labq task enqueue makes {it} pending"},
    "progress": {
        "draft": "labq task enqueue makes {it} pending",
        **dict.fromkeys(("waiting", "pending"), "a worker runs {it} first: labq worker run"),
        **dict.fromkeys(
            ("success", "failed", "cancelled"), "labq task report adds to {its} summary"
        ),
    },
}

# Where a verb would lead: to do it twice is no mistake.
_THERE = {
    "enqueue": ("waiting", "pending"),
    "dequeue": ("draft",),
    "reset": ("draft",),
    "publish": (PUBLISHED,),
    "cancel": tuple(map(str, TERMINAL)),
}
_CALLED = {"progress": "set the progress of", "report": "report on", "wait": "wait for"}


def state_of(task: Mapping[str, object]) -> str:
    """Its status, `published`, or `malformed` where another program gave it none that there is."""
    malformed = task.get(MALFORMED, {})
    if isinstance(malformed, Mapping) and "status" in malformed:
        return UNKNOWN
    return PUBLISHED if "published_at" in task else str(task["status"])


def takes(verb: str, *, force: bool = False) -> Document:
    """The query for the tasks that the verb takes."""
    if force and verb == "delete":
        return {}
    statuses = TAKES[verb]
    if force and verb == "publish":
        statuses = (*statuses, Status.FAILED)
    if verb in ("cancel", "delete"):  # what has no status that there is can go
        others = [status.value for status in Status if status not in statuses]
        return {"status": {"$nin": others}, **UNSEALED}
    return {"status": {"$in": [status.value for status in statuses]}, **UNSEALED}


def done_already(verb: str, state: str) -> bool:
    """Whether a task in that state is where the verb would bring it."""
    return state in _THERE.get(verb, ())


def refusal(verb: str, task: Document) -> str:
    """Why the verb does not take this task: `cannot reset task 4: it is published (...)`."""
    what = f"{_CALLED.get(verb, verb)} task {task['number']}"
    state = state_of(task)
    again = " already" * done_already(verb, state)
    return f"cannot {what}: it is {state}{again}{instead(verb, state, task['number'])}"


def refusals(verb: str, counts: Mapping[str, int]) -> str:
    """Why the verb does not take several tasks, of which each state has so many."""
    total = sum(counts.values())
    told = ", ".join(
        f"{count:,} {'is' if count == 1 else 'are'} {state}{instead(verb, state, count=count)}"
        for state, count in counts.items()
    )
    return f"cannot {_CALLED.get(verb, verb)} {total:,} task{'s' * (total != 1)}: {told}"


def untaken(
    store: Store, query: Document, verb: str, wrong: Mapping[str, int], *, force: bool = False
) -> str:
    """Why the verb does not take those of the tasks that are in these states; one by its number."""
    if sum(wrong.values()) == 1:
        others: Document = {"$and": [query, {"$nor": [takes(verb, force=force)]}]}
        for task in store.find(others, fields=("number", "status", "published_at")):
            if state_of(task) in wrong:
                return refusal(verb, task)
    return refusals(verb, wrong)


def left(verb: str, counts: Mapping[str, int]) -> str:
    """The same of tasks that nobody named: `left 3: 2 running (...), 1 published (...)`."""
    told = ", ".join(
        f"{count:,} {state}{instead(verb, state, count=count)}" for state, count in counts.items()
    )
    return f"left {sum(counts.values()):,}: {told}"


def told_of(reason: str, task: Document, verb: str = "edit") -> str:
    """Why an edit left the one task that was named, by the reason that its report has."""
    said = f"it is {reason}" if reason.startswith(state_of(task)) else reason
    number = task["number"]
    return f"cannot {verb} task {number}: {said.replace(' REF ', f' {number} ')}"


def not_edited(store: Store, query: Document, refused: Mapping[str, int]) -> str:
    """Why an edit left tasks that were named: `refused` counts them by reason."""
    found = list(store.find(query, limit=2, fields=("number", "status", "published_at")))
    if len(found) == 1:
        return told_of(next(iter(refused)), found[0])
    return f"cannot edit {counted(refused)}"


def counted(refused: Mapping[str, int]) -> str:
    """`1 task: why; 2 tasks: why`."""
    parts = (f"{count:,} task{'s' * (count != 1)}: {why}" for why, count in refused.items())
    return "; ".join(parts)


def standing(store: Store, query: Document, verb: str, *, force: bool = False) -> Counter[str]:
    """How many of the tasks that match the verb does not take, by state."""
    others: Document = {"$and": [query, {"$nor": [takes(verb, force=force)]}]}
    if not store.count(others):
        return Counter()
    by_state: dict[str, Document] = {status.value: {"status": status.value} for status in Status}
    by_state = {state: {**part, **UNSEALED} for state, part in by_state.items()}
    by_state[UNKNOWN] = {"status": {"$nin": list(by_state)}, **UNSEALED}
    by_state[PUBLISHED] = {"published_at": {"$exists": True}}
    counts = {state: store.count({"$and": [others, part]}) for state, part in by_state.items()}
    return Counter({state: count for state, count in counts.items() if count})


def instead(verb: str, state: str, ref: object = "REF", count: int = 1) -> str:
    """What would work on a task in this state, in brackets, to end a refusal with."""
    own = _INSTEAD.get(verb, {})
    text = own.get(state) or _INSTEAD[""].get(state, "")
    words = {"it": "it", "its": "its", "it_has": "it has"}
    if count != 1:
        words = {"it": "them", "its": "their", "it_has": "they have"}
    return f" ({text.format(ref=ref, **words)})" if text else ""
