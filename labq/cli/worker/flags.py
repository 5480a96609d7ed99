"""The options of `labq worker run`."""

from __future__ import annotations

from typing import Annotated

import typer

Words = Annotated[list[str] | None, typer.Argument(metavar="[-- COMMAND...]", show_default=False)]
Shell = Annotated[
    str | None, typer.Option("-c", metavar="TEXT", help="A shell command instead of COMMAND.")
]
AllowExtra = Annotated[
    bool,
    typer.Option("--allow-extra", help="Take tasks that have more args than placeholders, too."),
]
OverrideCmd = Annotated[
    bool,
    typer.Option(
        "--override-cmd", help="Take tasks that have a command of their own, too, and run COMMAND."
    ),
]
Forever = Annotated[
    bool, typer.Option("--forever", help="Wait for more when the queue is drained.")
]
IdleTimeout = Annotated[
    str | None,
    typer.Option(metavar="DURATION", help="Wait for more, but end after so long without work."),
]
TimeLimit = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="End by then: take no task whose timeout is longer than what is left.",
    ),
]
MaxTasks = Annotated[int | None, typer.Option(min=1, metavar="N", help="Run at most N tasks.")]
MaxFailures = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Claim no more after N failed attempts.")
]
MaxConsecutiveFailures = Annotated[
    int,
    typer.Option(
        min=0, metavar="N", help="The same, after N tasks in a row that failed; 0 is no limit."
    ),
]
MaxStartFailures = Annotated[
    int,
    typer.Option(min=1, metavar="N", help="The same, after N in a row that could not start."),
]
Slots = Annotated[
    int | None,
    typer.Option(min=1, max=1000, metavar="N", help="Run N tasks at a time.", show_default="1"),
]
Gpus = Annotated[
    str | None,
    typer.Option(
        metavar="all|N|IDS",
        help="GPUs for tasks: all, the first N, or these: 0,2 or 0-3; a slot for each share.",
    ),
]
GpuIds = Annotated[
    str | None, typer.Option(metavar="IDS", help="The same by ids only: 2 is the third, not two.")
]
GpusPerTask = Annotated[
    int, typer.Option(min=0, metavar="N", help="GPUs of a task that does not say.")
]
Cpus = Annotated[
    str | None,
    typer.Option(metavar="N", help="CPUs for tasks.", show_default="the machine's"),
]
Memory = Annotated[
    str | None,
    typer.Option(metavar="AMOUNT", help="Memory for tasks: 16Gi.", show_default="the machine's"),
]
Label = Annotated[
    list[str] | None,
    typer.Option(metavar="KEY=VALUE", help="What a task may --require; again for more."),
]
Grace = Annotated[
    str,
    typer.Option(
        metavar="DURATION",
        help="From SIGTERM to SIGKILL, when a job is stopped; 0 kills it at once.",
    ),
]
Lease = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="How long a task stays this worker's when nobody hears of it (LABQ_LEASE).",
        show_default="60s",
    ),
]
OnLost = Annotated[
    str,
    typer.Option(
        metavar="retry|cancel", help="What becomes of its tasks where the worker is lost."
    ),
]
OnFinish = Annotated[
    str | None,
    typer.Option(
        metavar="COMMAND",
        help="Run this, no shell, for each task that ends: notify.sh {task.number} {task.status}.",
    ),
]
Heartbeat = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="How often it is heard of (LABQ_HEARTBEAT).",
        show_default="10s, or a sixth of the lease",
    ),
]
Checkout = Annotated[
    bool,
    typer.Option(
        "--checkout", help="Run each task in the tree that it came from (labq guide source)."
    ),
]
Venv = Annotated[
    bool,
    typer.Option("--venv", help="Run each task with the packages that it was submitted with."),
]
