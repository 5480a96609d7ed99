"""`labq task tag`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from labq.cli.select import Chosen, on_tasks
from labq.cli.task.moving import Verb, move
from labq.errors import UsageError

TAG = Verb("tag", "tagged", "Tag {tasks}?")
SHORT = ("-s", "-P", "-f", "-q", "-y")  # options of its own, and no tags to take away

Add = Annotated[
    list[str] | None, typer.Option("--add", metavar="TAG", help="The same as +TAG; again for more.")
]
Remove = Annotated[
    list[str] | None,
    typer.Option("--remove", metavar="TAG", help="The same as -TAG; again for more."),
]


class Command(TyperCommand):
    """Reads +TAG and -TAG, which are no options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As typer does."""
        return super().parse_args(ctx, spelled_out(args))


def spelled_out(words: list[str]) -> list[str]:
    """The words with `--add=a` for `+a` and `--remove=b` for `-b`."""
    told: list[str] = []
    value = False  # whether the word before takes this one as its value
    for word in words:
        sign = "" if value or word in ("", "-") else word[0]
        if sign == "+":
            told.append(f"--add={word[1:]}")
        elif sign == "-" and word[1] != "-" and word not in SHORT:
            told.append(f"--remove={word[1:]}")
        else:
            told.append(word)
        value = not value and word in (*SHORT[:3], "--queue", "--uri", "--name", "--status")
    return told


@on_tasks("tag")
def command(chosen: Chosen, add: Add = None, remove: Remove = None) -> None:
    """Add tags to tasks with +TAG, take tags away with -TAG.

    A tag of one letter that is an option too, such as f, goes away with --remove f.

    Examples:
      labq task tag 4 +best -night
      labq task tag -f 'summary.acc > 0.9' +good
    """
    if not add and not remove:
        raise UsageError("tag them with what? Give +TAG or -TAG")
    more, less = add or [], remove or []
    if both := sorted(set(more) & set(less)):
        raise UsageError(f"+{both[0]} and -{both[0]}: give one of them")

    def tagged() -> int:
        from labq.queue import lifecycle

        report = lifecycle.tag(chosen.here.store, chosen.query, more, less)
        return report.changed + report.same

    move(chosen, TAG, tagged)
