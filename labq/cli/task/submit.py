"""`labq task submit`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from labq.cli import options
from labq.cli.output import json_line, line, note
from labq.cli.task import flags
from labq.command.words import parse_document, parse_tokens
from labq.errors import UsageError
from labq.model.task import Document, Status, new

if TYPE_CHECKING:
    from labq.config import Settings
    from labq.model.arrays import Array
    from labq.queue import Queue


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
    """Store a task: an argument set to run. Prints its id.

    Dots nest: --model.name a is {"model": {"name": "a"}}. A value that is a Python literal
    becomes it, anything else is text; a flag without a value is True.

    Examples:
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
    parsed, warnings = parse_tokens(tokens or [], base)
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
    task = _task(parsed, said, settings)
    if group is not None:
        task["group"] = _group(group)
    if draft:
        task["status"] = _draft(wait=wait)
    indexes = _indexes(array, file, task)
    if file is None:
        _check_cmd(task)
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
    return capture(here.store.blobs, settings.home, folder, task.get("cmd"), run=run)


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
    if cwd := said.get("cwd"):
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


def _check_cmd(task: Document) -> None:
    """Refuses a command that its own task cannot fill."""
    if "cmd" not in task:
        return
    from labq.command.template import fits, parse_command
    from labq.errors import TemplateError

    if why := fits(parse_command(task["cmd"]), task["args"], allow_extra=True):
        raise TemplateError(f"--cmd does not fit: the task {why}")


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
