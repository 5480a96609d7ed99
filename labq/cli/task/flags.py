"""The options of `labq task submit`."""

from __future__ import annotations

from typing import Annotated

import typer

Tokens = Annotated[list[str] | None, typer.Argument(metavar="[--] WORDS...", show_default=False)]
Args = Annotated[
    str | None, typer.Option(metavar="DICT", help="Arguments as JSON or a Python dict.")
]
File = Annotated[
    str | None,
    typer.Option(
        "--file",  # typer 0.27 takes a metavar that is the name in capitals for the option's own
        metavar="FILE",
        help="A task for each line, a dict of args laid over those given here; - reads stdin.",
    ),
]
Key = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="Add nothing if this key was submitted before."),
]
Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="A name, to find it by.")]
Short = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="A name that no other task of the queue has: 1 to 63 of a-z, 0-9 and -.",
    ),
]
Metadata = Annotated[
    str | None, typer.Option(metavar="DICT", help="Notes of yours, as JSON or a Python dict.")
]
Tag = Annotated[
    list[str] | None, typer.Option("--tag", metavar="TAG", help="A tag; again for more.")
]
Priority = Annotated[
    int | None, typer.Option(metavar="INT", help="Higher runs first.", show_default="0")
]
After = Annotated[
    list[str] | None,
    typer.Option(
        metavar="REF",
        help="Wait until this task has succeeded; cancelled if it does not. Again for more.",
    ),
]
AfterAny = Annotated[
    list[str] | None,
    typer.Option(metavar="REF", help="Wait until this task has ended, however it did."),
]
At = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Wait until then: 2026-11-21T08:00, 'tomorrow 9:00'."),
]
Delay = Annotated[str | None, typer.Option(metavar="DURATION", help="Wait for so long.")]
MaxRetries = Annotated[
    int | None,
    typer.Option(metavar="INT", help="How often a failure is tried again.", show_default="0"),
]
RetryDelay = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="Wait before the first retry, doubled for each after it; 0 is none.",
        show_default="1s",
    ),
]
Timeout = Annotated[
    str | None,
    typer.Option(metavar="DURATION", help="Longest run of one attempt: 90, 10m, 1h30m."),
]
Ttl = Annotated[
    str | None,
    typer.Option(metavar="DURATION", help="Remove the task so long after it has ended."),
]
AutoDelete = Annotated[
    bool,
    typer.Option("--auto-delete", help="Let it go, once it has ended, where its queue is full."),
]
Array = Annotated[
    str | None,
    typer.Option(
        metavar="COUNT|LIST",
        help="A task for each index: 10 is 0-9, or 1,3-8,12. $LABQ_INDEX tells a job its own.",
    ),
]
Group = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="The group it belongs to, to look at as one."),
]
Cmd = Annotated[
    str | None,
    typer.Option(metavar="COMMAND", help="The command in one text, in front of the WORDS."),
]
Cwd = Annotated[
    str | None, typer.Option(metavar="DIR", help="Where to run it; - is the worker's folder.")
]
Env = Annotated[
    list[str] | None,
    typer.Option("--env", "-e", metavar="KEY=VALUE", help="A variable for it; again for more."),
]
Resource = Annotated[
    list[str] | None,
    typer.Option(
        "--resource",
        "--resources",
        metavar="KEY=AMOUNT",
        help="What it needs: cpus=2,memory=4Gi,gpus=1; again for more.",
    ),
]
Require = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LABEL", help="A label that its worker must have: 'vram>=40Gi'; again for more."
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="What profiles: in labq.yaml says of NAME, where nothing else is said here.",
    ),
]
NoSource = Annotated[
    bool,
    typer.Option("--no-source", help="Do not record which code it is of (labq guide source)."),
]
Draft = Annotated[
    bool, typer.Option("--draft", help="Keep it as a draft: labq task enqueue sets it going.")
]
Publish = Annotated[bool, typer.Option("--publish-on-success", help="Seal it once it succeeds.")]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="REF",
        help="Its parent, whose reported values are variables for its job: $model_path.",
    ),
]
Type = Annotated[
    str | None,
    typer.Option("--type", metavar="TYPE", help="What it does.", show_default="training"),
]
Project = Annotated[
    str | None,
    typer.Option("--project", "-P", metavar="PATH", help="Its project, such as a/b."),
]
Comment = Annotated[str | None, typer.Option(metavar="TEXT", help="A word about it.")]
RawArgs = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="Shell text behind the command, as it is: --lr $(cat lr) | tee log. A shell runs it.",
    ),
]
Wait = Annotated[
    bool,
    typer.Option("--wait", help="Come back when it has ended, as labq wait does, with its code."),
]
