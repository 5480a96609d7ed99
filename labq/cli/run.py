"""`labq run`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from labq.cli import options
from labq.cli.output import json_line, note
from labq.cli.task import flags
from labq.cli.task.submit import _variables, source_of
from labq.cli.worker.report import say, teller
from labq.command.grammar import parse_line
from labq.command.line import typed
from labq.command.words import parse_document
from labq.errors import StoreError, UsageError
from labq.model.task import Document, new
from labq.values.paths import merged

if TYPE_CHECKING:
    from labq.config import Settings
    from labq.queue import Claim
    from labq.worker import Finished, Options


class Command(TyperCommand):
    """Takes what follows the command's first word for the command's."""

    allow_interspersed_args = False


def command(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="-- COMMAND...", show_default=False)
    ] = None,
    name: flags.Name = None,
    project: flags.Project = None,
    kind: flags.Type = None,
    args: flags.Args = None,
    metadata: flags.Metadata = None,
    tag: flags.Tag = None,
    comment: flags.Comment = None,
    timeout: flags.Timeout = None,
    cwd: flags.Cwd = None,
    env: flags.Env = None,
    grace: Annotated[
        str,
        typer.Option(metavar="DURATION", help="Between SIGTERM and SIGKILL; 0 kills it at once."),
    ] = "10s",
    no_source: flags.NoSource = False,
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Keep the record in a folder (LABQ_OFFLINE=1); see import."),
    ] = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Run a command here and now, recorded as a task like any other.

    The words are those of labq task submit: what they bind are the task's args, and --args are
    noted besides. The exit code is the command's. Ctrl-C is passed on to it, and the task is
    cancelled then; again, it is stopped; a third time, killed.

    Examples:
      labq run python train.py --lr 0.1 data=cifar
      labq run --name base --tag night -- ./train.sh
    """
    if not words:
        raise UsageError("run what? Write the command after --: labq run -- python train.py")
    folder = os.path.abspath(os.path.expanduser(cwd or "."))  # noqa: PTH100, PTH111 - as submit does
    line = parse_line(words)
    words = [*line.command, *line.words]
    _check(words, folder)
    settings = options.settings(uri, queue)
    base = parse_document(args, "--args") if args is not None else {}
    stored, found, _ = typed(line, {}, style="none")
    task = new(
        merged(base, found, "--args"),
        name=name,
        project=project,
        type=kind,
        comment=comment,
        metadata=parse_document(metadata, "--metadata") if metadata is not None else None,
        tags=tag,
        timeout=None if timeout is None else options.duration("--timeout", timeout),
        cmd=line.command,
        words=stored,
        cwd=folder,
        env={**line.env, **(_variables(env) if env else {})} or None,
    )
    recorded = settings.source and not no_source
    run = _run_offline if offline or _offline() else _run
    allowed = options.duration("--grace", grace, none=True)
    code = run(settings, task, words, allowed, recorded, json=json, quiet=quiet)
    if code:
        raise typer.Exit(code)


def _offline() -> bool:
    from labq.spool import wanted

    return wanted()


def _check(words: Sequence[str], folder: str) -> None:
    """Refuses a command that cannot be started: nothing is recorded then.

    Raises:
        UsageError: there is no such folder or program.
    """
    if not os.path.isdir(folder):  # noqa: PTH112 - the same
        raise UsageError(f"--cwd {folder}: no such folder")
    local = os.path.join(folder, words[0]) if "/" in words[0] else words[0]  # noqa: PTH118
    if shutil.which(local) is None:
        raise UsageError(f"no command {words[0]!r}: it is not on the PATH, or may not be run")


def _run(
    settings: Settings,
    task: Document,
    words: Sequence[str],
    grace: float,
    recorded: bool,
    *,
    json: bool,
    quiet: bool,
) -> int:
    """Runs the command as the task; its exit code, as shells have it."""
    from labq.worker.single import Single

    chosen = _options(settings, grace, follow=not (quiet or json))
    try:
        here = options.queue_of(settings)
        here.store.now()
    except StoreError as error:  # nothing has begun yet
        told = f"{error} (labq run --offline keeps the record in a folder)"
        raise type(error)(told) from None
    if recorded:
        task["source"] = source_of(here, settings, {**task, "cmd": words}, run=True)
    ends: list[Finished] = []
    tell = teller(json=json, quiet=quiet, over=lambda: single.stopping)

    def began(claim: Claim) -> None:
        if not quiet and not json:
            note(f"labq: task {claim.task['number']} in queue {here.name} ({here.store.address})")

    def ended(finished: Finished) -> None:
        ends.append(finished)
        tell(finished)

    single = Single(here, task, chosen, began, ended, say)
    tally = single.run()
    code = ends[0].code if ends else None
    return code if code is not None else 128 + tally.stopped_by if tally.stopped_by else 1


def _options(settings: Settings, grace: float, *, follow: bool, **more: Any) -> Options:
    from labq.worker.own import own_options

    streams = {"stdout": sys.stdout.buffer, "stderr": sys.stderr.buffer} if follow else {}
    return own_options(settings, grace=grace, follow=streams, **more)


def _run_offline(
    settings: Settings,
    task: Document,
    words: Sequence[str],
    grace: float,
    recorded: bool,
    *,
    json: bool,
    quiet: bool,
) -> int:
    """As `_run`, without the store."""
    from labq.worker.offline import Offline

    chosen = _options(settings, grace, follow=not (quiet or json))
    run = Offline(settings.queue, task, chosen, lambda text: note(f"labq: {text}"))
    if recorded:
        run.spool.record(settings.home, words)
    finished = run.run(words)
    folder = run.spool.folder
    if json:
        json_line({"_id": task["_id"], "status": finished.became, "folder": str(folder)})
    elif not quiet:
        reason = f": {finished.reason}" if finished.reason else ""
        note(f"labq: {finished.became} in {finished.wall:.1f} s{reason}")
        note(f"labq: the record is {folder} (labq import {folder})")
    return finished.code if finished.code is not None else 1
