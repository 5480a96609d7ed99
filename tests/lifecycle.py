"""The state machine of tasks as the design has it, in memory: what each verb does, and to which."""

from __future__ import annotations

from dataclasses import dataclass, field

OPEN = ("draft", "waiting", "pending")
ENDED = ("success", "failed", "cancelled")
EVERY = (*OPEN, "running", *ENDED)
CRASHES = 2  # lost workers that end a task: fewer than labq takes, to come to it sooner
ACCEPTS = {
    "edit": OPEN,
    "tag": EVERY,
    "report": EVERY,
    "clone": EVERY,
    "show": EVERY,
    "enqueue": ("draft",),
    "dequeue": ("waiting", "pending"),
    "cancel": (*OPEN, "running"),
    "requeue": ENDED,
    "reset": ENDED,
    "publish": ("success", "cancelled"),
    "delete": (*OPEN, *ENDED),
}
THERE = {"enqueue": ("waiting", "pending"), "dequeue": ("draft",), "reset": ("draft",)}


@dataclass
class Task:
    """What the model knows of a task."""

    id: str = ""
    number: int = 0
    status: str = "pending"
    priority: int = 0
    max_retries: int = 0
    slow: bool = False  # its retries wait
    publish: bool = False  # once it succeeds
    after: list[str] = field(default_factory=list)
    after_any: list[str] = field(default_factory=list)
    begins: str = ""  # "future", "past"
    waiting_for: list[str] = field(default_factory=list)
    attempt: int = 0
    closed: int = 0  # attempts that ended
    retries: int = 0
    crashes: int = 0
    token: str = ""
    is_late: bool = False  # the lease has run out
    is_asked: bool = False  # to stop
    is_sealed: bool = False

    @property
    def state(self) -> str:
        """Its status, or that it is published."""
        return "published" if self.is_sealed else self.status

    @property
    def parents(self) -> list[str]:
        """The tasks that it comes after."""
        return list(dict.fromkeys([*self.after, *self.after_any]))

    def accepts(self, verb: str, force: bool = False) -> bool:
        """Whether the verb is for a task that stands so."""
        if self.is_sealed:
            return verb in ("clone", "show") or (verb == "delete" and force)
        forced = force and (verb == "delete" or (verb == "publish" and self.status == "failed"))
        return forced or self.status in ACCEPTS[verb]

    def is_there(self, verb: str) -> bool:
        """Whether it stands where the verb would bring it."""
        if self.is_sealed:
            return verb == "publish"
        return self.status in THERE.get(verb, ())


class Book:
    """A queue's tasks by id, and each move that was made: (status before, status after)."""

    def __init__(self) -> None:
        self.tasks: dict[str, Task] = {}
        self.moves: dict[int, list[tuple[str | None, str]]] = {}

    def numbered(self, number: int) -> Task | None:
        return next((task for task in self.tasks.values() if task.number == number), None)

    def running(self) -> list[Task]:
        return [task for task in self.tasks.values() if task.status == "running"]

    def _move(self, task: Task, status: str) -> None:
        self.moves[task.number].append((task.status, status))
        task.status = status

    # what clients do

    def submit(self, *new: Task) -> None:
        for task in new:
            if task.status == "pending" and (task.parents or task.begins):
                task.status, task.waiting_for = "waiting", task.parents
            self.tasks[task.id] = task
            self.moves[task.number] = [(None, task.status)]
        if any(task.parents or task.begins for task in new):
            self._settle()
            self._promote()

    def _launch(self, task: Task, late: bool) -> None:
        if not late:
            self._move(task, "pending")
            return
        task.waiting_for = task.parents
        self._move(task, "waiting")
        self._settle()
        self._promote()

    def enqueue(self, task: Task) -> None:
        self._launch(task, bool(task.parents or task.begins))

    def dequeue(self, task: Task) -> None:
        task.waiting_for = []
        self._move(task, "draft")

    def requeue(self, task: Task) -> None:
        self._anew(task)
        self._launch(task, bool(task.parents))

    def reset(self, task: Task) -> None:
        self._anew(task)
        task.closed = 0
        self._move(task, "draft")

    @staticmethod
    def _anew(task: Task) -> None:
        task.retries = task.crashes = 0
        task.begins, task.is_asked = "", False

    def publish(self, task: Task) -> None:
        task.is_sealed = True

    def delete(self, task: Task) -> None:
        self.moves[task.number].append((task.status, "deleted"))
        del self.tasks[task.id]
        self._settle()

    def cancel(self, task: Task) -> None:
        if task.status != "running":
            self._drop(task)
            self._settle()
        elif not task.is_asked:
            task.is_asked = True
            self.recover()

    def _drop(self, task: Task) -> None:
        task.waiting_for = []
        self._move(task, "cancelled")

    # what workers do, and the sweeper

    def next(self) -> Task | None:
        pending = [task for task in self.tasks.values() if task.status == "pending"]
        return min(pending, key=lambda task: (-task.priority, task.number), default=None)

    def claim(self, task: Task, token: str) -> None:
        task.attempt += 1
        task.token, task.is_late, task.is_asked = token, False, False
        self._move(task, "running")

    def held(self, token: str) -> Task | None:
        return next((task for task in self.running() if task.token == token), None)

    def succeed(self, task: Task) -> None:
        self._close(task, "success")
        task.is_sealed = task.publish

    def fail(self, task: Task) -> None:
        if task.retries == task.max_retries:
            self._close(task, "failed")
            return
        if not task.is_asked:
            task.retries += 1
            task.begins = "future" if task.slow else task.begins
        self._back(task, "waiting" if task.slow else "pending")

    def release(self, task: Task) -> None:
        self._back(task, "pending")

    def _back(self, task: Task, status: str) -> None:
        self._close(task, "cancelled" if task.is_asked else status)

    def _close(self, task: Task, status: str) -> None:
        task.closed += 1
        task.token, task.is_late = "", False
        self._move(task, status)
        if status in ENDED:
            self._settle()

    def obey(self, task: Task) -> None:
        self._close(task, "cancelled")

    def recover(self) -> int:
        lost = [task for task in self.running() if task.is_late]
        for task in lost:
            task.crashes += 1
            self._back(task, "failed" if task.crashes == CRASHES else "pending")
        return len(lost)

    def sweep(self) -> int:
        recovered = self.recover()
        self._promote()
        return recovered

    def _settle(self) -> None:
        """Tells those that wait of what has ended, and cancels those that wait in vain."""
        told = False
        while changed := [task for task in self.tasks.values() if self._hears(task)]:
            told = told or bool(changed)
        if told:
            self._promote()

    def _hears(self, task: Task) -> bool:
        if task.status != "waiting":
            return False
        stands = {parent: self.tasks.get(parent) for parent in task.waiting_for}
        over = [one for one, found in stands.items() if found is None or found.status in ENDED]
        good = [one for one in over if (found := stands[one]) and found.status == "success"]
        if any(one in task.after and one not in good for one in over):
            self._drop(task)
        task.waiting_for = [one for one in task.waiting_for if one not in over]
        return bool(over)

    def _promote(self) -> None:
        for task in self.tasks.values():
            if task.status == "waiting" and not task.waiting_for and task.begins != "future":
                self._move(task, "pending")
