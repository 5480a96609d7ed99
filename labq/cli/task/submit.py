"""`labq task submit`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand

from labq.cli import options
from labq.cli.output import json_line, line, note
from labq.cli.task import flags
from labq.command.words import parse_document
from labq.errors import UsageError
from labq.model.task import Document, Status, new

if TYPE_CHECKING:
    from labq.config import Settings
    from labq.model.arrays import Array
    from labq.queue import Queue

HERE = "-"  # --cwd: the folder of the worker


class Command(TyperCommand):
    """Takes what follows the first word for the task's: `labq task submit python a.py --lr 1`."""

    allow_interspersed_args = False


def command(
    tokens: flags.Tokens = None,
    args: flags.Args = None,
    file: flags.File = None,
    key: flags.Key = None,
    name: flags.Name = None,
    short: flags.Short = None,
    kind: flags.Type = None,
    project: flags.Project = None,
    comment: flags.Comment = None,
    metadata: flags.Metadata = None,
    tag: flags.Tag = None,
    parent: flags.From = None,
    priority: flags.Priority = None,
    after: flags.After = None,
    after_any: flags.AfterAny = None,
    at: flags.At = None,
    delay: flags.Delay = None,
    max_retries: flags.MaxRetries = None,
    retry_delay: flags.RetryDelay = None,
    timeout: flags.Timeout = None,
    ttl: flags.Ttl = None,
    auto_delete: flags.AutoDelete = False,
    array: flags.Array = None,
    group: flags.Group = None,
    draft: flags.Draft = False,
    publish_on_success: flags.Publish = False,
    wait: flags.Wait = False,
    cmd: flags.Cmd = None,
    raw_args: flags.RawArgs = None,
    cwd: flags.Cwd = None,
    env: flags.Env = None,
    resource: flags.Resource = None,
    require: flags.Require = None,
    profile: flags.Profile = None,
    no_source: flags.NoSource = False,
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Store a task: a command, or arguments for the command of a worker. Prints its id.

    The words go to the program as they are typed; --lr 0.1, -lr 0.1 and lr=0.1 are args besides,
    to find and to edit the task by. Dots nest: --model.name a is {"model": {"name": "a"}}. A value
    that is a Python literal becomes it, anything else is text; a flag without a value is True.

    A command runs in the folder that it was submitted from.

    Examples:
      labq task submit python train.py --lr 0.1 --layers 64 64 32 data=cifar
      labq task submit -- --lr 0.1 --model.name resnet
      labq task submit --name base --tag night --args '{"lr": 0.1}' -- --seed 3
      labq task submit --after base --cmd 'python evaluate.py'
      labq task submit --after "$(labq task ls -q -s running)" --cmd 'python report.py'
      labq task submit --file runs.jsonl --key sweep-1 --max-retries 2 --resources gpus=1
      labq task submit --array 10 --group sweep --cmd 'python train.py'
      labq task submit --from 4 --type service --cmd 'sh serve.sh' --wait
      labq task submit --profile big-gpu -- --lr 0.1
      labq task submit --short baseline -- --lr 0.1
    """
    settings = options.settings(uri, queue)
    base = parse_document(args, "--args") if args is not None else {}
    said: dict[str, Any] = {
        "name": name,
        "short": short,
        "type": kind,
        "project": project,
        "comment": comment,
        "metadata": parse_document(metadata, "--metadata") if metadata is not None else None,
        "tags": tag,
        "priority": priority,
        "max_retries": max_retries,
        "retry_delay": _seconds("--retry-delay", retry_delay),
        "timeout": _seconds("--timeout", timeout),
        "cmd": cmd,
        "raw_args": raw_args,
        "cwd": cwd,
        "env": _variables(env) if env else None,
        "resources": _amounts(resource) if resource else None,
        "require": require or None,
        "ttl": _seconds("--ttl", ttl),
        "auto_delete": auto_delete or None,
        "publish_on_success": publish_on_success or None,
    }
    if profile is not None:
        from labq.client.profiles import under

        said = under(profile, said)
    found, warnings = _typed(said, tokens or [], base)
    task = _task(found, said, settings)
    if group is not None:
        task["group"] = _group(group)
    if draft:
        task["status"] = _draft(wait=wait)
    indexes = _indexes(array, file, task)
    here = options.queue_of(settings, at_once=False)
    if any(value is not None for value in (after, after_any, at, delay)):
        from labq.cli.task.waits import waiting_for

        fields, late = waiting_for(here, after, after_any, at, delay)
        task, warnings = {**task, **fields}, [*warnings, *late]
    if parent is not None:
        task["parent"] = here.get(parent)["_id"]
    if settings.source and not no_source:
        task["source"] = source_of(here, settings, task)
    ids = _stored(here, task, file, key, indexes, json=json, quiet=quiet)
    tell_unrecorded(settings, task, quiet=quiet or json or not ids)
    for warning in () if quiet else warnings:
        note(f"labq: warning: {warning}")
    if wait:
        from labq.cli.wait_outcome import wait_for

        wait_for(here, ids, None, json=json, quiet=quiet)


def _stored(
    here: Queue,
    task: Document,
    file: str | None,
    key: str | None,
    indexes: Array | None,
    *,
    json: bool,
    quiet: bool,
) -> list[str]:
    """Stores the task, or those like it, and tells of them; returns their ids."""
    if file is None and key is None and indexes is None:
        (number,) = here.submit([task])
        _tell(here, task, number, json=json, quiet=quiet)
        return [task["_id"]]
    from labq.cli.task import bulk

    return bulk.submit(here, task, file, key, indexes, json=json, quiet=quiet)


def _typed(said: dict[str, Any], words: list[str], base: Document) -> tuple[Document, list[str]]:
    """The args of what was typed, and warnings; notes in `said` what it says besides."""
    if said.get("cmd") is not None:
        from labq.command.template import split_command

        words = [*split_command(said["cmd"]), *words]
    said["cmd"] = None
    if not words:
        return base, []
    from labq.command.line import fields

    found, args, warnings = fields(words, base)
    env = {**found.pop("env", {}), **(said.get("env") or {})} or None
    said |= {**found, "env": env, "cwd": said.get("cwd") or found.get("cwd")}
    return args, warnings


def _draft(*, wait: bool) -> str:
    if wait:
        raise UsageError("give --draft or --wait, not both: nobody runs a draft")
    return Status.DRAFT.value


def _variables(texts: list[str]) -> dict[str, str]:
    """The environment that KEY=VALUE texts make; the first = parts them, a later text wins."""
    for text in texts:
        if "=" not in text:
            raise UsageError(f"--env {text}: write KEY=VALUE")
    return dict(text.split("=", 1) for text in texts)


def source_of(here: Queue, settings: Settings, task: Document, *, run: bool = False) -> Document:
    """Where the task comes from, noted once for all tasks of a submit; `run` as of `capture`."""
    from labq.source.capture import capture

    folder = task.get("cwd") or os.getcwd()  # noqa: PTH109 - fast
    words = task.get("cmd")
    if words is not None:
        words = [*words, *task.get("words", {}).get("typed", ())]
    return capture(here.store.blobs, settings.home, folder, words, run=run)


def tell_unrecorded(settings: Settings, task: Document, *, quiet: bool) -> None:
    """Says why the code of a task that has a source is not in it, once for a folder."""
    if quiet or "source" not in task:
        return
    from labq.source.notice import unrecorded

    if told := unrecorded(settings.home, task["source"], task.get("cwd") or os.getcwd()):  # noqa: PTH109
        note(f"labq: {told}")


def _task(args: Document, said: dict[str, Any], settings: Settings) -> Document:
    """The new task: what was said of it, and the settings where nothing was."""
    ttl, auto_delete = said.pop("ttl", None), said.pop("auto_delete", False)
    if said.get("max_retries") is None:
        said["max_retries"] = settings.max_retries
    if said["max_retries"] > 0 and said.get("retry_delay") is None:
        said["retry_delay"] = settings.retry_delay
    if (cwd := said.get("cwd")) == HERE:
        said["cwd"] = None
    elif cwd:
        said["cwd"] = os.path.abspath(os.path.expanduser(cwd))  # noqa: PTH100, PTH111 - fast
    task = new(args, **said)
    if ttl is not None or auto_delete:
        from labq.queue.retention import retention

        task["retention"] = retention(ttl, auto_delete=auto_delete)
    return task


def _group(name: str) -> str:
    from labq.queue.groups import checked_group

    return checked_group(name)


def _indexes(text: str | None, file: str | None, task: Document) -> Array | None:
    """The array that was asked for, by itself or by the replicas of the task's resources."""
    if text is not None:
        from labq.model.arrays import parse_array

        if file is not None:
            raise UsageError("give --array or --file, not both")
        return parse_array(text)
    if file is not None or "resources" not in task or task["status"] == Status.DRAFT.value:
        return None
    from labq.model.arrays import array_of
    from labq.queue.groups import replicas

    count = replicas(task)
    return array_of(count) if count > 1 else None


def _seconds(option: str, text: str | None) -> float | None:
    none = option == "--retry-delay"  # which may be no delay at all
    return None if text is None else options.duration(option, text, none=none)


def _amounts(texts: list[str]) -> dict[str, Any]:
    from labq.resources import parse_resources

    return parse_resources(texts)


def _tell(here: Queue, task: Document, number: int, *, json: bool, quiet: bool) -> None:
    if json:
        json_line({"_id": task["_id"], "number": number, "queue": here.name})
        return
    line(task["_id"])
    if quiet:
        return
    fate = ""
    if any(field in task for field in ("after", "after_any", "available_at")):
        from labq.cli.task.waits import fate_of

        fate = fate_of(here, task["_id"])
    note(f"task {number} in queue {here.name} ({here.store.address}){fate}")
