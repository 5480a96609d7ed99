"""`labq wait`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from labq.cli import options
from labq.cli.output import note, plural
from labq.cli.select import Chosen, on_tasks
from labq.cli.wait_outcome import wait_for
from labq.errors import ConflictError, LabqError, UsageError

if TYPE_CHECKING:
    from labq.model.task import Document


@on_tasks("wait for", asks=False)
def command(
    chosen: Chosen,
    timeout: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Wait no longer: 90, 10m, 1h30m.")
    ] = None,
    output_dir: Annotated[
        str | None,
        typer.Option(
            "--output-dir",
            "-o",
            metavar="DIR",
            help="Copy there what the task left on this machine; of several to DIR/NUMBER.",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write over files in DIR.")
    ] = False,
) -> None:
    """Wait until tasks have ended. The exit code is 0 where all succeeded, else 1.

    Where they have not ended within --timeout it is 124. A failure shows the end of what its job
    said on stderr. Ctrl-C ends the waiting and not the tasks.

    Examples:
      labq wait 4 && labq task show 4
      labq wait -f '"sweep" in tags' --timeout 2h
      labq wait 4 -o results
    """
    if overwrite and output_dir is None:
        raise UsageError("--overwrite is about the files of -o DIR")
    limit = None if timeout is None else options.duration("--timeout", timeout, none=True)
    ids = [task["_id"] for task in chosen.here.find(chosen.query, fields=("_id",), steady=True)]
    then = None if output_dir is None else partial(_copy, chosen, output_dir, overwrite)
    wait_for(chosen.here, ids, limit, json=chosen.json, quiet=chosen.quiet, then=then)


def _copy(chosen: Chosen, base: str, overwrite: bool, tasks: list[Document]) -> None:
    """Copies the folders of tasks.

    Raises:
        ConflictError: a file is in the way.
        LabqError: a file cannot be read or written.
    """
    from labq.client.files import fetch

    for task in tasks:
        folder = chosen.settings.home / "tasks" / task["_id"]
        if not folder.is_dir():
            told = f"task {task['number']} left nothing on this machine"
            note(f"labq: {told}: no folder {folder}")
            continue
        target = f"{base}/{task['number']}" if chosen.total > 1 else base
        try:
            copied = fetch({"": folder}, target, None, overwrite=overwrite)
        except ConflictError as error:
            raise ConflictError(str(error).replace("overwrite=True", "--overwrite")) from None
        except OSError as error:
            raise LabqError(f"cannot copy to {target}: {error.strerror or error}") from None
        if not chosen.quiet and not chosen.json:
            note(f"copied {plural(len(copied), 'file')} to {target}")
