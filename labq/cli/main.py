"""The entry point: the one place that catches a LabqError, as one line and an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import typer

from labq.cli.commands import root
from labq.errors import ExitCode, LabqError, TextError


def main(args: Sequence[str] | None = None) -> int:
    """Runs `labq` with these arguments (the process's own by default); returns the exit code."""
    given = list(sys.argv[1:] if args is None else args)
    try:
        code = root().main(given or ["--help"], "labq", standalone_mode=False)
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit):  # typer ends itself where the reader has left
        _forget_stdout()
        return ExitCode.OK
    except LabqError as error:
        lines = error.lines if isinstance(error, TextError) else [str(error)]
        _say(*(_scrubbed(line, given) for line in lines))
        return error.exit_code
    except typer.TyperException as error:
        _say(_scrubbed(_one_line(error, given), given))
        return ExitCode.USAGE
    except (KeyboardInterrupt, typer.Abort) as error:
        done = str(error.__cause__ or error)  # typer makes an Abort of it
        typer.echo(f"labq: interrupted{done and f': {done}'}", err=True)
        return ExitCode.INTERRUPTED
    except (OSError, RuntimeError, MemoryError, ImportError) as error:
        typer.echo(f"labq: {_told(error)}", err=True)
        return ExitCode.FAILED
    return int(code or ExitCode.OK)


def _told(error: Exception) -> str:
    """What the system has refused: something that is used up, or else to write the output."""
    with suppress(OSError, MemoryError):  # what is used up may be what an import needs
        from labq.worker.limits import exhausted

        if not isinstance(error, BlockingIOError) and (spent := exhausted(error)):
            return str(spent)
    if not isinstance(error, OSError):
        raise error
    with suppress(OSError):
        _forget_stdout()
    return f"cannot write the output: {error.strerror or error}"


BEHIND_DASHES = {
    "labq task submit": "A task's own arguments go after --: labq task submit -- --lr 0.1",
    "labq worker run": "The command goes after --: labq worker run -- python train.py",
}


def _one_line(error: typer.TyperException, args: Sequence[str]) -> str:
    """Typer's message on one line, with what to do about it."""
    message = " ".join(error.format_message().split())
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "labq"
    if message.startswith("No such option") and command in BEHIND_DASHES and "--" not in args:
        return f"{message} {BEHIND_DASHES[command]}"
    return f"{message} (see {command} --help)"


def _say(error: str, *drawing: str) -> None:
    """A line about what went wrong; only now is it imported how such lines are written."""
    from labq.cli.output import note

    note(f"labq: {error}")
    for line in drawing:
        note(line)


def _scrubbed(message: str, args: Sequence[str]) -> str:
    """The message without the secrets of a URI that it quotes, spaces in it and all."""
    if "://" not in message:
        return message
    from labq.config import masked, masked_in

    for word in args:
        if "://" in word:
            for text in (word, " ".join(word.split())):
                message = message.replace(text, masked_in(masked(word)))
    return masked_in(message)


def _forget_stdout() -> None:
    """Points stdout nowhere: its reader has left, and the interpreter flushes it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
