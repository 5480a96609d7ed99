"""A verb done to the tasks that were chosen: the question, what it did, what it left and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from labq.cli.output import ask, attended, json_line, note, plural
from labq.cli.select import Chosen
from labq.errors import ConflictError, UsageError
from labq.model.sound import MALFORMED
from labq.queue.refusals import UNKNOWN, done_already, left, standing, takes, untaken


@dataclass(frozen=True)
class Verb:
    """How a verb is spoken of; `{tasks}` stands for how many tasks of which queue."""

    name: str  # as labq/queue/refusals.py has it
    done: str  # what became of those that it took; their count in JSON
    question: str  # before it takes several
    loses: str = ""  # what nobody can undo: it asks before it takes one, too


def move(chosen: Chosen, verb: Verb, do: Callable[[], int], *, force: bool = False) -> None:
    """Does a verb to those of the tasks that it takes, once a person agrees, and tells of it.

    Args:
        chosen: the tasks.
        verb: what it is called.
        do: does it; returns how many it took.
        force: whether it takes those that must be insisted on.

    Raises:
        UsageError: it cannot be undone, and nobody is there to be asked.
        ConflictError: it does not take a task that was named; the others it did.
    """
    others = standing(chosen.here.store, chosen.query, verb.name, force=force)
    able = chosen.total - others.total()
    agreed = able > 0 and _agreed(chosen, verb, able)
    count = do() if agreed else 0
    missed = able - count if agreed else 0
    odd = min(missed, _unreadable(chosen, verb.name)) if missed else 0
    states = +(others + Counter({UNKNOWN: odd, "changed meanwhile": missed - odd}))
    wrong = Counter({one: n for one, n in states.items() if not done_already(verb.name, one)})
    if chosen.json:
        why = {"states": dict(states)} if states else {}
        json_line({verb.done: count, "left": chosen.total - count, **why})
    elif not chosen.quiet and (count or not (chosen.named and wrong)):
        there = [f"{n:,} {state} already" for state, n in (states - wrong).items()]
        rest = there if chosen.named else [left(verb.name, states)] if states else []
        note(", ".join([f"{verb.done} {plural(count)}", *rest]))
    if chosen.named and wrong:
        store, query = chosen.here.store, chosen.query
        raise ConflictError(untaken(store, query, verb.name, wrong, force=force))


def _unreadable(chosen: Chosen, verb: str) -> int:
    """How many tasks the verb takes, but for what another program wrote there."""
    able = {"$and": [chosen.query, takes(verb)]}
    return sum(MALFORMED in task for task in chosen.here.store.find(able))


def _agreed(chosen: Chosen, verb: Verb, able: int) -> bool:
    if verb.loses and not chosen.yes and not attended():
        raise UsageError(f"{verb.loses.format(tasks=plural(able))}: add --yes")
    if able == 1 and not verb.loses:
        return True
    tasks = f"{plural(able)} of queue {chosen.here.name}"
    quiet = chosen.quiet and not verb.loses
    return ask(verb.question.format(tasks=tasks), yes=chosen.yes, quiet=quiet)
