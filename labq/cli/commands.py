"""The command tree: each command's place, summary and module, which is imported when it is run."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from inspect import cleandoc, get_annotations
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup, TyperOption
from typer.main import get_command as command_of

from labq.errors import UsageError
from labq.values.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Entry:
    """A command (with a module, whose function `command` it is) or a group of them."""

    summary: str
    module: str = ""
    entries: dict[str, Entry] = field(default_factory=dict)


TREE = Entry(
    "A task queue for experiments: submit argument sets, run them anywhere, find what happened.",
    entries={
        "demo": Entry("Run a real sweep in a queue of its own.", "labq.cli.demo"),
        "run": Entry("Run a command here and now, recorded as a task.", "labq.cli.run"),
        "import": Entry("Bring in runs that were recorded offline.", "labq.cli.import_"),
        "task": Entry(
            "Submit, find, edit, cancel and remove tasks.",
            entries={
                "submit": Entry("Store a task: an argument set to run.", "labq.cli.task.submit"),
                "start": Entry("Run a draft, or an entry of labq.yaml.", "labq.cli.task.start"),
                "ls": Entry("List tasks.", "labq.cli.task.ls"),
                "show": Entry("Show all of a task.", "labq.cli.task.show"),
                "source": Entry("Show which code a task is of.", "labq.cli.task.source"),
                "count": Entry("Count tasks.", "labq.cli.task.count"),
                "update": Entry("Edit tasks, by value or in your editor.", "labq.cli.task.update"),
                "diff": Entry("Show where two tasks differ.", "labq.cli.task.diff"),
                "compare": Entry("Show tasks side by side.", "labq.cli.task.compare"),
                "clone": Entry("Copy a task into a new draft.", "labq.cli.task.clone"),
                "tag": Entry("Add tags to tasks, take them away.", "labq.cli.task.tag"),
                "enqueue": Entry("Set drafts going.", "labq.cli.task.enqueue"),
                "dequeue": Entry("Make drafts of pending tasks.", "labq.cli.task.dequeue"),
                "cancel": Entry("End tasks, running ones too.", "labq.cli.task.cancel"),
                "requeue": Entry("Run ended tasks again.", "labq.cli.task.requeue"),
                "reset": Entry(
                    "Make drafts of ended tasks, their output deleted.", "labq.cli.task.reset"
                ),
                "publish": Entry("Seal tasks, for good.", "labq.cli.task.publish"),
                "delete": Entry("Remove tasks.", "labq.cli.task.delete"),
                "group": Entry(
                    "Look at arrays and other groups, end them, run them again.",
                    entries={
                        "ls": Entry("List the groups of a queue.", "labq.cli.task.group.ls"),
                        "show": Entry("Show how a group stands.", "labq.cli.task.group.show"),
                        "cancel": Entry("End the tasks of a group.", "labq.cli.task.group.cancel"),
                        "requeue": Entry(
                            "Run ended tasks of a group again.", "labq.cli.task.group.requeue"
                        ),
                    },
                ),
                "report": Entry(
                    "Report results, such as acc=0.93, from a job.", "labq.cli.task.report"
                ),
                "progress": Entry("Say how much of a task is done.", "labq.cli.task.progress"),
            },
        ),
        "wait": Entry("Wait until tasks have ended.", "labq.cli.wait"),
        "worker": Entry(
            "Run tasks, see and direct the workers.",
            entries={
                "run": Entry(
                    "Claim tasks and run them, until there are none.", "labq.cli.worker.run"
                ),
                "ls": Entry("List the workers.", "labq.cli.worker.ls"),
                "show": Entry("Show all of a worker.", "labq.cli.worker.show"),
                "stop": Entry("End workers and give their tasks back.", "labq.cli.worker.stop"),
                "drain": Entry(
                    "Let workers finish what they run, and end.", "labq.cli.worker.drain"
                ),
                "pause": Entry("Keep workers from taking tasks.", "labq.cli.worker.pause"),
                "resume": Entry("Let paused workers take tasks again.", "labq.cli.worker.resume"),
            },
        ),
        "queue": Entry(
            "See, make, pause and tidy the queues.",
            entries={
                "ls": Entry("List the queues and what is in them.", "labq.cli.queue.ls"),
                "show": Entry("Show all of a queue.", "labq.cli.queue.show"),
                "create": Entry("Make a queue, with a limit or not.", "labq.cli.queue.create"),
                "update": Entry("Change what is said of a queue.", "labq.cli.queue.update"),
                "rename": Entry("Give a queue another name.", "labq.cli.queue.rename"),
                "delete": Entry("Remove a queue with its tasks.", "labq.cli.queue.delete"),
                "pause": Entry("Keep workers from taking a queue's tasks.", "labq.cli.queue.pause"),
                "resume": Entry("Let a paused queue go on.", "labq.cli.queue.resume"),
                "sweep": Entry("Put right what nobody finished.", "labq.cli.queue.sweep"),
            },
        ),
        "events": Entry("Show what became of the tasks, and follow it.", "labq.cli.events"),
        "config": Entry(
            "See the settings.",
            entries={
                "show": Entry(
                    "Show the settings and where each comes from.", "labq.cli.config.show"
                )
            },
        ),
        "guide": Entry("Read about a topic, such as filters.", "labq.cli.guide"),
        "completion": Entry(
            "TAB completion for your shell.",
            entries={
                "show": Entry("Print the completion script.", "labq.cli.completion.show"),
                "install": Entry(
                    "Install the completion script for yourself.", "labq.cli.completion.install"
                ),
            },
        ),
    },
)


CODES = (
    "Exit codes: 0 done, 1 labq could not do it, 2 the command line is wrong, 3 no such task, 4 the"
    " store cannot be reached, 5 the task's state does not allow it, 124 not ended in time (labq"
    " wait), 130 Ctrl-C."
)


class LazyGroup(TyperGroup):
    """A group that knows its commands by their entries and imports the one that is asked for."""

    def __init__(self, entry: Entry, **attrs: Any) -> None:
        super().__init__(help=entry.summary, no_args_is_help=False, rich_markup_mode=None, **attrs)
        self.entry = entry

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's signature
        """The names, in the order of the table."""
        return list(self.entry.entries)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the same
        """The command of that name, imported now; None where there is none."""
        entry = self.entry.entries.get(cmd_name)
        return build(cmd_name, entry) if entry else None

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the same
        """The table in `--help`, without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, entry.summary) for name, entry in self.entry.entries.items()]
            )

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As typer does.

        Raises:
            UsageError: no command was named; it names them.
        """
        if not args:
            raise UsageError(f"{ctx.command_path} what? ({', '.join(self.entry.entries)})")
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that `args` begins with.

        Raises:
            UsageError: there is none; it names the nearest.
        """
        if args and args[0] not in self.entry.entries and not args[0].startswith("-"):
            raise UsageError(f"no command {args[0]!r} in {ctx.command_path}: {self._hint(args[0])}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """As typer does, which would forget what a KeyboardInterrupt says."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interruption:
            raise typer.Abort from interruption

    def _hint(self, word: str) -> str:
        """Where the word is a command after all, the nearest there is, or all that there are."""
        entries = self.entry.entries
        if groups := [name for name, entry in entries.items() if word in entry.entries]:
            return f"did you mean {groups[0]} {word}?"
        near = nearest(word, entries)
        return f"did you mean {near}?" if near else f"there are {', '.join(entries)}"


def build(name: str, entry: Entry) -> Any:
    """The typer command of an entry; its help is the docstring, with the examples' lines kept."""
    if entry.entries:
        return LazyGroup(entry, name=name)
    module = import_module(entry.module)
    function = module.command
    # typer would read each annotation's text four times, a millisecond in all
    function.__annotations__ = get_annotations(function, eval_str=True)
    text = cleandoc(function.__doc__ or entry.summary).replace("Examples:\n", "\b\nExamples:\n")
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.command(name, cls=getattr(module, "Command", None), help=text)(function)
    return command_of(app)


def root() -> LazyGroup:
    """The `labq` command itself."""
    version = TyperOption(
        param_decls=["--version"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_version,
        help="Show the version and exit.",
    )
    return LazyGroup(TREE, name="labq", params=[version], epilog=CODES)


def _version(_context: Any, _option: Any, wanted: bool) -> None:
    if wanted:
        from labq import __version__

        typer.echo(f"labq {__version__}")
        raise typer.Exit


def commands(
    entry: Entry = TREE, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Entry]]:
    """Every command and group below an entry, with the words that lead to it."""
    for name, child in entry.entries.items():
        yield (*path, name), child
        yield from commands(child, (*path, name))
