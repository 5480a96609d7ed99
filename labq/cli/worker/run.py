"""`labq worker run`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from math import inf
from typing import TYPE_CHECKING, Any

from labq import config
from labq.cli import options
from labq.cli.worker import flags
from labq.cli.worker.leftover import PassedOver, passed_over, tell_of_waiting
from labq.cli.worker.report import close, judge, say, teller
from labq.command.fitting import fitting
from labq.command.template import Template, parse_command, parse_shell, require_appendable
from labq.errors import UsageError
from labq.queue import Selection

if TYPE_CHECKING:
    from labq.model.task import Document
    from labq.queue import Queue
    from labq.queue.hooks import Hook
    from labq.worker import Options


def command(
    words: flags.Words = None,
    shell: flags.Shell = None,
    extra_filter: options.Filters = None,
    allow_extra: flags.AllowExtra = False,
    override_cmd: flags.OverrideCmd = False,
    forever: flags.Forever = False,
    idle_timeout: flags.IdleTimeout = None,
    time_limit: flags.TimeLimit = None,
    max_tasks: flags.MaxTasks = None,
    max_failures: flags.MaxFailures = None,
    max_consecutive_failures: flags.MaxConsecutiveFailures = 10,
    max_start_failures: flags.MaxStartFailures = 3,
    slots: flags.Slots = None,
    gpus: flags.Gpus = None,
    gpu_ids: flags.GpuIds = None,
    gpus_per_task: flags.GpusPerTask = 1,
    cpus: flags.Cpus = None,
    memory: flags.Memory = None,
    label: flags.Label = None,
    grace: flags.Grace = "10s",
    lease: flags.Lease = None,
    heartbeat: flags.Heartbeat = None,
    on_lost: flags.OnLost = "retry",
    on_finish: flags.OnFinish = None,
    checkout: flags.Checkout = False,
    venv: flags.Venv = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Claim tasks and run them, until there are none.

    Without a placeholder the task's args are appended to COMMAND as flags. With placeholders, as in
    '--lr=%(lr)' or '%(seed:0)', only tasks with exactly those args are taken; '%(args)' is all of
    them as JSON. A task that has a command of its own is left to workers without COMMAND, which run
    each task's own.

    Ctrl-C lets what runs end and takes no more; again, it stops the jobs and gives their tasks
    back; a third time, it kills them. SIGTERM, SIGHUP, SIGUSR1 and their like give the tasks back
    at once. What is ignored at the start, as SIGHUP under nohup, stays so.

    Examples:
      labq worker run -- python train.py
      labq worker run --forever -- python train.py '--lr=%(lr)' '--out=runs/%(seed:0)'
      labq worker run --gpus all --time-limit 12h -- python train.py
      labq worker run -c 'python prepare.py && python train.py'
    """
    template = _template(words or [], shell)
    given = {"uri": uri, "queue": queue, "lease": lease, "heartbeat": heartbeat}
    settings = config.load(given)
    machine = _machine(cpus, memory, gpus_per_task, label or [])
    machine["gpus"] = _gpus(gpus, gpu_ids, quiet=quiet)
    from labq.worker import Options

    streams = {} if quiet or json else {"stdout": sys.stdout.buffer, "stderr": sys.stderr.buffer}
    chosen = Options(
        home=settings.home,
        uri=settings.uri,
        lease=settings.lease,
        heartbeat=settings.heartbeat,
        template=template,
        slots=slots or _shares(machine),
        forever=forever,
        max_tasks=max_tasks,
        max_failures=max_failures,
        max_consecutive_failures=max_consecutive_failures or None,
        max_start_failures=max_start_failures,
        idle_timeout=_seconds("--idle-timeout", idle_timeout),
        time_limit=_seconds("--time-limit", time_limit),
        grace=options.duration("--grace", grace, none=True),
        checkout=checkout,
        venv=venv,
        patience=inf if forever or idle_timeout is not None else settings.lease,
        on_lost=_on_lost(on_lost),
        hook=_hook(on_finish),
        follow=streams,
        **machine,
    )
    if forever or idle_timeout is not None:
        here = options.queue_of(settings)
    else:
        here = options.find_queue(settings, new=True)
        if not here.store.exists():
            options.tell_absence(here, "labq: nothing to run")
            return
    here.store.now()  # a store that is away says so now, and is waited for later
    selected = here.query(Selection(filters=tuple(extra_filter or ())))
    refused = _refused(template, allow_extra=allow_extra, override=override_cmd)
    _work(here, selected, refused, chosen, json=json, quiet=quiet)


def _work(
    here: Queue,
    selected: Document,
    refused: Sequence[tuple[Document, str]],
    chosen: Options,
    *,
    json: bool,
    quiet: bool,
) -> None:
    """Runs the worker on the selected tasks that its command fits, and tells of it.

    `refused` are queries of what it takes, each with what it says of another.
    """
    from labq.worker import Worker

    passed: list[PassedOver] = []

    def look() -> None:
        for one in passed:
            one.look(quiet=quiet)

    fits = [query for query, _ in refused if query]
    taken = {"$and": [selected, *fits], "queue": here.name} if fits else selected
    worker = Worker(
        here,
        taken,
        chosen,
        on_finish=teller(json=json, quiet=quiet, over=lambda: worker.stopping),
        say=say,
        on_idle=look,
    )
    passed += passed_over(here, worker, selected, refused)
    began = time.monotonic()
    tally = worker.run()
    look()
    if not (quiet or tally.stopped_by):
        tell_of_waiting(here, selected)
        if not any(tally.by_status.values()):
            options.tell_absence(here)
    close(tally, time.monotonic() - began, quiet=quiet or json)
    judge(tally)


def _seconds(option: str, text: str | None) -> float | None:
    return None if text is None else options.duration(option, text)


def _machine(
    cpus: str | None, memory: str | None, gpus_per_task: int, labels: list[str]
) -> dict[str, Any]:
    """What the worker offers of its machine, as Options has it.

    Raises:
        UsageError: an amount or a label is no such thing.
    """
    from labq.resources import checked_resources, parse_label

    amounts = checked_resources({"cpus": cpus, "memory": memory})
    return {
        "cpus": amounts.get("cpus"),
        "memory": amounts.get("memory"),
        "gpus_per_task": gpus_per_task,
        "labels": dict(map(parse_label, labels)),
    }


def _gpus(gpus: str | None, ids: str | None, *, quiet: bool) -> list[str] | None:
    """The ids of the GPUs for tasks; None where they are not the worker's affair.

    Raises:
        UsageError: an option makes no sense, or names a GPU that is not there.
    """
    if gpus is None and ids is None:
        return None
    from labq.worker.capacity import BY_BUS, ORDER
    from labq.worker.gpus import chosen

    found = chosen(gpus, ids)
    order = os.environ.get(ORDER) or BY_BUS
    if not found and not quiet:
        say("--gpus 0: no GPU for any task (--gpu-ids 0 is the first one)")
    elif order != BY_BUS and not quiet:
        say(f"{ORDER}={order} is kept: GPUs are counted in that order, not in nvidia-smi's")
    return found


def _shares(machine: Mapping[str, Any]) -> int:
    """How many slots there are where nobody says: one, or one for each share of the GPUs.

    Raises:
        UsageError: a task's share is more GPUs than there are.
    """
    ids: list[str] | None = machine["gpus"]
    each: int = machine["gpus_per_task"]
    if not ids or not each:
        return 1
    if each > len(ids):
        raise UsageError(f"--gpus-per-task {each} is more than the worker's GPUs: {','.join(ids)}")
    return len(ids) // each


def _template(words: list[str], shell: str | None) -> Template | None:
    """The command to run; None where each task brings its own.

    Raises:
        UsageError: two commands, an empty one, or one that would run what an arg holds.
    """
    if shell is not None and words:
        raise UsageError("give -c TEXT or -- COMMAND, not both")
    if shell is None and not words:
        return None
    template = parse_command(words) if shell is None else parse_shell(shell)
    require_appendable(template)
    return template


def _on_lost(text: str) -> str:
    from labq.queue.claims import CANCEL, RETRY

    if text not in (RETRY, CANCEL):
        raise UsageError(f"--on-lost {text}: write retry or cancel")
    return text


def _hook(text: str | None) -> Hook | None:
    if text is None:
        return None
    from labq.queue.hooks import parse_hook

    return parse_hook(text)


def _refused(
    template: Template | None, *, allow_extra: bool, override: bool
) -> list[tuple[Document, str]]:
    """Queries of the tasks that its command takes, each with why it does not take another.

    A task's own command wins: what a colleague's task runs is not for the worker to say.
    """
    if template is None:
        told = "the worker names no command, and the task has none of its own"
        return [({"cmd": {"$exists": True}}, told)]
    own = "it has its own command, which a worker without COMMAND runs (--override-cmd: this one)"
    wanted = (fitting(template, allow_extra=allow_extra), _wanted(template, extra=allow_extra))
    return [*[({"cmd": {"$exists": False}}, own)] * (not override), wanted]


def _wanted(template: Template, *, extra: bool) -> str:
    """What args the worker takes, for the person whose task it did not take."""
    keys = ", ".join(key if must else f"{key} (or not)" for key, must in template.keys.items())
    least = "at least" if extra or template.takes_any else "exactly"
    return f"the worker's command takes {least} the args {keys}"
