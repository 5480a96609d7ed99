"""What the commands on groups share: which group is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from labq.cli import options

if TYPE_CHECKING:
    from labq.queue import Queue

Ref = Annotated[
    str,
    typer.Argument(
        metavar="GROUP",
        help="Its name, its id or the start of it, or the number of a task in it.",
        show_default=False,
    ),
]


def opened(ref: str, queue: str | None, uri: str | None) -> tuple[Queue, str]:
    """The queue, and the group in it that `ref` names."""
    here = options.open_queue(uri, queue)
    return here, here.group(ref)
