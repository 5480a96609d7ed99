"""The editor: a text into $VISUAL or $EDITOR and back, until it can be taken or is given up."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TypeVar

from labq.errors import LabqError, UsageError

Read = TypeVar("Read")
MOST_TRIES = 20  # an $EDITOR that is a script may break the text anew each time
MARK = "#! "  # begins the lines that tell of an error; they are taken out again


def edited(text: str, read: Callable[[str], Read]) -> Read | None:
    """What `read` makes of the edited text; None where it was left as it is, or emptied.

    A text that `read` refuses is opened again with the error above it. One that is refused twice
    unchanged or MOST_TRIES times, or whose editor fails, is given up: it is kept in the file that
    the error names.

    Raises:
        UsageError: there is no editor, it failed, or the text was given up.
        LabqError: whatever else `read` raises; the text is kept.
    """
    command = _command()
    path = _new_file()
    shown, refused = text, ""
    for tries in count(1):
        path.write_text(shown, encoding="utf-8")
        _run(command, path, text)
        saved = _saved(path)
        if saved == text or not saved.strip():
            path.unlink(missing_ok=True)
            return None
        try:
            found = read(saved)
        except UsageError as error:
            if saved == refused or tries == MOST_TRIES:
                told = str(error).splitlines()[0]
                raise UsageError(
                    f"{told}; nothing is changed, your text is kept in {path}"
                ) from None
            refused = saved
            marks = "".join(f"{MARK}{line}\n" for line in str(error).splitlines())
            shown = f"{marks}{MARK}Mend it, or empty the file to change nothing.\n{saved}"
        except LabqError as error:
            raise type(error)(f"{error}; your text is kept in {path}") from None
        else:
            path.unlink()
            return found
    return None


def _command() -> list[str]:
    """The words of the person's editor command."""
    given = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        words = shlex.split(given)
    except ValueError as error:
        raise UsageError(f"the editor {given!r} (VISUAL or EDITOR): {str(error).lower()}") from None
    return words or ["vi"]


def _new_file() -> Path:
    """An empty file that its owner alone can read."""
    try:
        handle, name = tempfile.mkstemp(prefix="labq-", suffix=".yaml")
    except OSError as error:
        raise UsageError(f"no file for the editor can be made: {error.strerror}") from None
    os.close(handle)
    return Path(name)


def _saved(path: Path) -> str:
    """The text that the editor left, without the marked lines; empty where it left no file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}; nothing is changed") from None
    except UnicodeError:
        raise UsageError(
            f"the text is not UTF-8; nothing is changed, it is kept in {path}"
        ) from None
    return "".join(line for line in lines if not line.startswith(MARK))


def _run(command: list[str], path: Path, text: str) -> None:
    """Opens the file in the editor and waits for its end; a Ctrl-C meanwhile is the editor's own.

    Raises:
        UsageError: it cannot be started, or failed; an untouched file is removed.
    """
    try:
        process = os.posix_spawnp(command[0], [*command, str(path)], os.environ)
        code = os.waitstatus_to_exitcode(_wait(process))
        what = f"the editor {command[0]!r} ended with {code}"
        hint = ""
    except OSError as error:
        code = 1
        what = f"no editor {command[0]!r} ({error.strerror})"
        hint = ": set VISUAL or EDITOR, or give the edit with -u FIELD=VALUE"
    if not code:
        return
    kept = f"; nothing is changed, your text is kept in {path}"
    if path.exists() and _saved(path) == text:
        path.unlink()
        kept = "" if hint else "; nothing is changed"
    raise UsageError(f"{what}{hint}{kept}")


def _wait(process: int) -> int:
    status = None
    while status is None:
        with suppress(KeyboardInterrupt):
            status = os.waitpid(process, 0)[1]
    return status
