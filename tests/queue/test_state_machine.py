"""Random verbs of several clients and workers, against a model of the state machine.

The suite takes some dozens of runs of each store; the long form, of minutes, is

    HYPOTHESIS_PROFILE=long pytest tests/queue/test_state_machine.py
"""

from __future__ import annotations

import os
import re
from collections import Counter
from dataclasses import replace
from itertools import count

import lifecycle
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import labq
from labq.errors import ConflictError, TaskNotFound
from labq.queue import Ending, WorkerName, claims, recovery
from labq.store import Change, Now
from labq.store.mongodb import events as mongodb_events

EXAMPLES = {"sqlite": 100, "mongodb": 12}
LONG = 40  # times as many, in the long form
STEPS = 40
MOST = 10  # tasks
MOVES = 15  # of one task: MongoDB keeps 20 of them
CLIENTS = 3
BACK = 7  # events

whose = st.integers(0, CLIENTS - 1)
which = st.integers(0, 999)
FORCED = ("publish", "delete")
VERBS = (*("enqueue", "dequeue", "cancel", "requeue", "reset", "tag", "report", "edit"), *FORCED)
# Words of a refusal that name no verb, and what the task would have to be for them.
OTHERWISE = {
    "a worker has it already": "running",
    "labq worker run runs it": "pending",
    "labq task publish takes it once it has ended": "running",
    "clone it instead": "published",
}


class Machine(RuleBasedStateMachine):
    """Clients and workers of one queue, each with a store of its own, and the model's book."""

    def __init__(self, clients, name):
        super().__init__()
        self.clients = clients
        self.name = name
        for client in clients:
            client.queue = replace(client.queue, name=name)
        self.seen = [{} for _ in clients]  # each client's tasks, as it read them some time ago
        self.book = lifecycle.Book()
        self.claims = []
        self.words = count()
        self.revs = {}
        self.start = clients[0].queue.store.newest_event(name)
        self.events = []  # that a reader was given, who goes on from the last of them

    # clients

    def pick(self, at):
        """The number of a task that is or was."""
        busy = [number for number, moves in self.book.moves.items() if len(moves) < MOVES]
        return busy[at % len(busy)] if busy else None

    @initialize()
    def begin(self):
        """Some tasks of different kinds, so that there is something to do."""
        first = {"draft": False, "priority": 0, "retries": 1, "slow": False, "publish": False}
        first.update({"after": [], "after_any": [], "late": False})
        self.submit(0, many=2, **first)
        self.submit(1, many=1, **{**first, "retries": 0, "after": [0]})
        self.submit(2, many=1, **{**first, "retries": 2, "slow": True, "late": True})
        self.submit(2, many=1, **{**first, "priority": 1})

    @precondition(lambda self: len(self.book.moves) < MOST)
    @rule(
        who=whose,
        many=st.integers(1, 2),
        draft=st.booleans(),
        priority=st.integers(0, 1),
        retries=st.integers(0, 2),
        slow=st.booleans(),
        publish=st.booleans(),
        after=st.lists(which, max_size=2),
        after_any=st.lists(which, max_size=1),
        late=st.booleans(),
    )
    def submit(self, who, many, draft, priority, retries, slow, publish, after, after_any, late):
        client = self.clients[who]
        older = list(self.book.tasks.values())
        waits = {
            word: [older[at % len(older)].id for at in ats if older]
            for word, ats in (("after", after), ("after_any", after_any))
        }
        words = {
            **{word: ids for word, ids in waits.items() if ids},
            **({"delay": "1h"} if late else {}),
            "priority": priority,
            "max_retries": retries,
            "retry_delay": 3600 if slow else 0,
            "publish_on_success": publish,
        }
        if draft:
            made = [client.task(**words).save() for _ in range(many)]
        else:
            made = client.submit_many([{}] * many, **words)
        new = [
            lifecycle.Task(
                id=task.id,
                number=task.number,
                status="draft" if draft else "pending",
                priority=priority,
                max_retries=retries,
                slow=slow,
                publish=publish,
                **{word: list(dict.fromkeys(ids)) for word, ids in waits.items()},
                begins="future" if late else "",
            )
            for task in made
        ]
        for some in [[task] for task in new] if draft else [new]:
            self.book.submit(*some)
        self.seen[who].update({task.number: task for task in made})

    @precondition(lambda self: len(self.book.moves) < MOST)
    @rule(who=whose, at=which, enqueue=st.booleans())
    def clone(self, who, at, enqueue):
        number = self.pick(at)
        if (known := number and self.book.numbered(number)) is None or not number:
            return
        made = self.clients[who].get(number).clone(enqueue=enqueue)
        status = "pending" if enqueue else "draft"
        copied = {
            field: getattr(known, field)
            for field in ("priority", "max_retries", "slow", "publish", "after", "after_any")
        }
        begins = "" if known.attempt else known.begins
        self.book.submit(lifecycle.Task(made.id, made.number, status, **copied, begins=begins))
        assert made.parent == known.id

    @precondition(lambda self: self.book.moves)
    @rule(who=whose, at=which, verb=st.sampled_from(VERBS), force=st.booleans())
    def move(self, who, at, verb, force):
        number = self.pick(at)
        if number is None:
            return
        known = self.book.numbered(number)
        if number not in self.seen[who]:
            if known is None:
                with pytest.raises(TaskNotFound, match=f"no task '{number}'"):
                    self.clients[who].get(number)
                return
            self.seen[who][number] = self.clients[who].get(number)
        task = self.seen[who][number]
        if known is None:
            with pytest.raises((TaskNotFound, ConflictError), match=r"was deleted|is gone|no task"):
                self.asked(task, verb, force)
        elif known.accepts(verb, force and verb in FORCED):
            self.asked(task, verb, force)
            if verb in vars(lifecycle.Book):
                getattr(self.book, verb)(known)
        elif known.is_there(verb):
            self.asked(task, verb, force)
        elif verb == "cancel":
            told = f"task {number} is {known.status} already: there is nothing to cancel"
            with pytest.warns(UserWarning, match=told):
                self.asked(task, verb, force)
        else:
            with pytest.raises(ConflictError) as caught:
                self.asked(task, verb, force)
            self.is_told_well(str(caught.value), verb, known)

    def asked(self, task, verb, force):
        if verb == "tag":
            task.tag(f"tag{next(self.words)}")
        elif verb == "report":
            task.update_task_info({"acc": next(self.words)})
        elif verb == "edit":
            task.client.update({"args.n": next(self.words)}, task.number)
        elif verb in FORCED:
            getattr(task, verb)(force=force)
        else:
            getattr(task, verb)()

    @staticmethod
    def is_told_well(told, verb, known):
        """A refusal names the state, and what works there."""
        called = {"report": "report on"}.get(verb, verb)
        start = f"cannot {called} task {known.number}: it is {known.state}"
        assert told.startswith(start), told
        advice = told.removeprefix(start).partition(" (")[2].removesuffix(")")
        if advice in OTHERWISE:
            assert known.state == OTHERWISE[advice]
            return
        if advice.startswith("force=True "):
            assert known.accepts(verb, force=True)
            return
        named = re.findall(r"labq task (\w+)", advice)
        assert named
        assert all(known.accepts("edit" if one == "update" else one) for one in named), told

    @precondition(lambda self: self.book.running())
    @rule(who=whose, at=which)
    def stop(self, who, at):
        running = self.book.running()
        task = running[at % len(running)]
        self.clients[who].get(task.number).abort()
        self.book.cancel(task)

    # workers

    @precondition(lambda self: self.book.next())
    @rule(who=whose)
    def claim(self, who):
        store = self.clients[who].queue.store
        expected = self.book.next()
        claim = claims.claim(store, {"queue": self.name}, WorkerName(f"w{who}", "h"), 3600)
        assert (claim and claim.task["number"]) == (expected and expected.number)
        if claim is not None:
            self.book.claim(expected, claim.token)
            self.claims.append(claim)

    @precondition(lambda self: self.claims)
    @rule(who=whose, at=which, how=st.sampled_from(["succeed", "fail", "release", "obey"]))
    def end(self, who, at, how):
        store = self.clients[who].queue.store
        good = [claim for claim in self.claims if self.book.held(claim.token)]
        lost = [claim for claim in self.claims if claim not in good]
        some = [*good, *lost[-1:]]
        claim = some[at % len(some)]
        held = self.book.held(claim.token)
        if how == "obey" and held and not held.is_asked:
            return  # no worker does
        ending = Ending(succeeded=how == "succeed", reason=how)
        verb = {"release": claims.release, "obey": claims.cancel}.get(how, claims.finish)
        status = verb(store, claim, ending)
        if held:
            getattr(self.book, how)(held)
        moves = self.book.moves[claim.task["number"]]
        after = next(to for before, to in reversed(moves) if before == "running") if held else None
        assert (status and status.value) == after

    @precondition(lambda self: self.book.running())
    @rule(who=whose)
    def renew(self, who):
        found = claims.renew(self.clients[who].queue.store, self.claims, 3600)
        held = {claim.token: self.book.held(claim.token) for claim in self.claims}
        assert found.lost == {token for token, task in held.items() if task is None}
        asked = {token for token, task in held.items() if task and task.is_asked}
        assert set(found.stopping) == asked
        for task in filter(None, held.values()):
            task.is_late = False

    @precondition(lambda self: self.book.running())
    @rule(at=which)
    def lose(self, at):
        """A lease runs out, and nobody has seen it yet."""
        running = self.book.running()
        task = running[at % len(running)]
        self.write(task, "lease.expires_at")
        task.is_late = True

    @precondition(lambda self: self.early())
    @rule(at=which)
    def come(self, at):
        """A task's time comes, and nobody has seen it yet."""
        early = self.early()
        task = early[at % len(early)]
        self.write(task, "available_at")
        task.begins = "past"

    def early(self):
        return [task for task in self.book.tasks.values() if task.begins == "future"]

    def write(self, task, field):
        past = Change(set={field: Now(-1)})
        assert self.clients[0].queue.store.update({"_id": task.id}, past) == 1

    @precondition(lambda self: any(one.is_late or one.begins for one in self.book.tasks.values()))
    @rule(who=whose)
    def sweep(self, who):
        assert self.clients[who].queue.sweep().recovered == self.book.sweep()

    # what holds after each step

    @invariant()
    def the_tasks_are_the_models(self):
        store = self.clients[-1].queue.store
        now = store.now()
        found = {task["_id"]: task for task in store.find({"queue": self.name})}
        assert found.keys() == self.book.tasks.keys()
        for identity, task in found.items():
            assert facts(task, now) == vars(self.book.tasks[identity])
            assert ("lease" in task) == (task["status"] == "running")
            assert ("ended_at" in task) == (task["status"] in lifecycle.ENDED)
            assert task.get("outcome") == (task["status"] if "published_at" in task else None)
            assert task["retries"] <= task["max_retries"]
            before, moves = self.revs.get(identity, (-1, 0))
            made = len(self.book.moves[task["number"]])
            assert task["rev"] >= before + made - moves
            self.revs[identity] = (task["rev"], made)
        counts = Counter(task["status"] for task in found.values())
        assert {s: n for (q, s), n in store.counts().items() if q == self.name} == counts

    @invariant()
    def the_events_are_the_models_moves(self):
        store = self.clients[0].queue.store
        back = next(self.words) % BACK  # so many are forgotten, and read again
        self.events = self.events[:-back] if back else self.events
        since = self.events[-1]["token"] if self.events else self.start
        self.events += store.events(self.name, since)
        self.are_the_moves(self.events)

    def teardown(self):
        self.are_the_moves(self.clients[1].queue.events())

    def are_the_moves(self, events):
        told = {}
        for event in events:
            assert "missed" not in event
            told.setdefault(event["number"], []).append((event.get("from"), event["to"]))
        assert told == self.book.moves


def facts(task, now):
    """A stored task in the model's words."""
    lease, begins = task.get("lease", {}), task.get("available_at")
    return {
        "id": task["_id"],
        "number": task["number"],
        "status": task["status"],
        **{field: task[field] for field in ("priority", "max_retries", "attempt", "retries")},
        "slow": task.get("retry_delay", 0) > 0,
        "publish": task.get("publish_on_success", False),
        **{field: task.get(field, []) for field in ("after", "after_any", "waiting_for")},
        "begins": "" if begins is None else "future" if begins > now else "past",
        "closed": len(task.get("attempts", ())),
        "crashes": task.get("crashes", 0),
        "token": lease.get("token", ""),
        "is_late": bool(lease) and lease["expires_at"] <= now,
        "is_asked": "stop_requested" in task,
        "is_sealed": "published_at" in task,
    }


@pytest.fixture
def clients(uri, monkeypatch, tmp_path):
    monkeypatch.setenv("LABQ_HOME", str(tmp_path / "home"))
    # nobody writes while somebody reads here: what was written is seen at once
    monkeypatch.setattr(mongodb_events, "SETTLE", 0.005)
    monkeypatch.setattr(recovery, "MAX_CRASHES", lifecycle.CRASHES)
    several = [labq.Client(uri) for _ in range(CLIENTS)]
    yield several
    for client in several:
        client.close()


def test_any_verbs_in_any_order_keep_the_books_right(uri, clients):
    long = os.environ.get("HYPOTHESIS_PROFILE") == "long"
    examples = EXAMPLES[uri.partition(":")[0]] * (LONG if long else 1)
    names = (f"q{at}" for at in count())
    run_state_machine_as_test(
        lambda: Machine(clients, next(names)),
        settings=settings(max_examples=examples, stateful_step_count=STEPS),
    )
    assert int(next(names)[1:]) >= examples  # so many were drawn
