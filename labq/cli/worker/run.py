"""`labq worker run`."""

from __future__ import annotations

import shutil
import sys
import time
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING, Annotated, Any

import typer

from labq import clock
from labq.cli import options
from labq.cli.output import json_line, note, plural
from labq.errors import LabqError, UsageError
from labq.queue import Selection
from labq.template import Template, fitting, parse_command, parse_shell

if TYPE_CHECKING:
    from labq.config import Settings
    from labq.queue import Queue
    from labq.task import Document
    from labq.worker import Finished, Options, Tally


def command(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[-- COMMAND...]", show_default=False)
    ] = None,
    shell: Annotated[
        str | None, typer.Option("-c", metavar="TEXT", help="A shell command instead of COMMAND.")
    ] = None,
    extra_filter: options.Filters = None,
    allow_extra: Annotated[
        bool,
        typer.Option(
            "--allow-extra", help="Take tasks that have more args than placeholders, too."
        ),
    ] = False,
    forever: Annotated[
        bool, typer.Option("--forever", help="Wait for more when the queue is drained.")
    ] = False,
    max_tasks: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Run at most N tasks.")
    ] = None,
    slots: Annotated[
        int, typer.Option(min=1, max=1000, metavar="N", help="Run N tasks at a time.")
    ] = 1,
    grace: Annotated[
        str,
        typer.Option(metavar="DURATION", help="From SIGTERM to SIGKILL, when a job is stopped."),
    ] = "10s",
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Claim tasks and run them, until there are none.

    Without a placeholder the task's args are appended to COMMAND as flags. With placeholders, as in
    --lr=%(lr) or %(seed:0), only tasks with exactly those args are taken; %(args) is all of them as
    JSON. Without COMMAND each task runs its own --cmd. Ctrl-C gives the running tasks back.

    Examples:
      labq worker run -- python train.py
      labq worker run --forever -- python train.py --lr=%(lr) --out=runs/%(seed:0)
      labq worker run -c 'python prepare.py && python train.py'
    """
    template = _template(words or [], shell)
    settings = options.settings(uri, queue)
    from labq.worker import Worker

    here = options.queue_of(settings)
    here.store.now()  # a store that is away says so now, and is waited for later
    selected = here.query(Selection(filters=tuple(extra_filter or ())))
    fits = fitting(template, allow_extra=allow_extra) if template else {"cmd": {"$exists": True}}
    passed = _PassedOver(here, fits, selected, _wanted(template, allow_extra=allow_extra))
    worker = Worker(
        here,
        {"$and": [selected, fits], "queue": here.name} if fits else selected,
        _options(
            settings,
            template,
            clock.seconds(grace),
            quiet=quiet or json,
            limits={"slots": slots, "forever": forever, "max_tasks": max_tasks},
        ),
        on_finish=_teller(json=json, quiet=quiet),
        say=lambda text: note(f"labq: {text}"),
        on_idle=passed.look,
    )
    began = time.monotonic()
    tally = worker.run()
    _close(tally, time.monotonic() - began, quiet=quiet or json)
    passed.look(quiet=quiet)
    _judge(tally)


def _options(
    settings: Settings, template: Template | None, grace: float, *, quiet: bool, limits: Any
) -> Options:
    """What the worker goes by; the jobs' output is shown unless it is to be quiet."""
    from labq.worker import Options

    return Options(
        home=settings.home,
        uri=settings.uri,
        lease=settings.lease,
        heartbeat=settings.heartbeat,
        template=template,
        grace=grace,
        follow={} if quiet else {"stdout": sys.stdout.buffer, "stderr": sys.stderr.buffer},
        patience=inf if limits["forever"] else settings.lease,
        **limits,
    )


def _template(words: list[str], shell: str | None) -> Template | None:
    """The command to run; None where each task brings its own.

    Raises:
        UsageError: two commands, or one that is not there.
    """
    if shell is not None:
        if words:
            raise UsageError("give -c TEXT or -- COMMAND, not both")
        return parse_shell(shell)
    if not words:
        return None
    template = parse_command(words)
    program = template.items[0]
    if all(isinstance(part, str) for part in program) and shutil.which(words[0]) is None:
        raise UsageError(f"no command {words[0]!r}: it is not on the PATH, or may not be run")
    return template


def _wanted(template: Template | None, *, allow_extra: bool) -> str:
    """What args the worker takes, for the person whose task it did not take."""
    if template is None:
        return "the worker names no command, and the task has no --cmd"
    keys = ", ".join(key if must else f"{key} (or not)" for key, must in template.keys.items())
    least = "at least" if allow_extra or template.takes_any else "exactly"
    return f"the worker's command takes {least} the args {keys}"


def _teller(*, json: bool, quiet: bool) -> Any:
    """What tells of each attempt's end."""

    def tell(finished: Finished) -> None:
        task = finished.task
        if json:
            with suppress(BrokenPipeError):  # the tasks are to be run, whoever reads of it
                json_line(
                    {
                        "_id": task["_id"],
                        "number": task["number"],
                        "attempt": task["attempt"],
                        "status": finished.became,
                        "reason": finished.reason,
                        "wall": round(finished.wall, 3),
                    }
                )
        elif not quiet:
            name = f" ({task['name']})" if "name" in task else ""
            reason = f": {finished.reason}" if finished.reason else ""
            if finished.became == "retried":
                reason += f" (retry {task['retries'] + 1} of {task['max_retries']})"
            again = finished.became == "retried"
            became = f"{'failed' if again else finished.became} in {finished.wall:.1f} s"
            note(f"labq: task {task['number']}{name} {became}{reason}")

    return tell


def _close(tally: Tally, wall: float, *, quiet: bool) -> None:
    """The line that says what became of the tasks."""
    if not quiet:
        told = ", ".join(f"{count:,} {status}" for status, count in tally.by_status.items())
        note(f"labq: {told or 'nothing to run'} in {wall:.1f} s")


def _judge(tally: Tally) -> None:
    """The exit code.

    Raises:
        LabqError: the worker stopped because its command does not start.
    """
    if tally.gave_up:
        raise LabqError(f"stopped: {tally.unstarted} tasks in a row could not be started")
    if tally.stopped_by:
        raise typer.Exit(128 + tally.stopped_by)  # as shells have it


class _PassedOver:
    """The pending tasks that the worker's command does not fit, noted on them and told of."""

    def __init__(self, here: Queue, fits: Document, selected: Document, why: str) -> None:
        self._here, self._fits, self._selected, self._why = here, fits, selected, why
        self._told = 0

    def look(self, *, quiet: bool = False) -> None:
        """Notes why on those that there are now, and tells how many when that has changed."""
        if not self._fits:
            return
        count = self._here.pass_over(self._fits, self._selected, self._why)
        if count != self._told and not quiet:
            note(f"labq: {plural(count)} passed over: {self._why}")
        self._told = count
