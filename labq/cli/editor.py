"""The editor: a text into $VISUAL or $EDITOR and back, until it can be taken or is given up."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from labq.errors import ArgsError, ConflictError, LabqError, UsageError

Read = TypeVar("Read")
MARK = "#! "  # begins the lines that tell of an error; they are taken out again


def edited(text: str, read: Callable[[str], Read]) -> Read | None:
    """What `read` makes of the edited text; None where it was left as it is, or emptied.

    A text that `read` refuses is opened again with the error above it. One that is refused twice
    unchanged, or whose editor fails, is given up; it is kept in the file that the error names.

    Raises:
        UsageError: there is no editor, it failed, or the text was given up.
    """
    handle, name = tempfile.mkstemp(prefix="labq-", suffix=".yaml")
    os.close(handle)
    path = Path(name)
    shown, refused = text, ""
    while True:
        path.write_text(shown, encoding="utf-8")
        _run(path)
        saved = _without_marks(path.read_text(encoding="utf-8", errors="replace"))
        if saved == text or not saved.strip():
            path.unlink()
            return None
        try:
            found = read(saved)
        except (UsageError, ArgsError) as error:
            if saved == refused:
                raise UsageError(f"{_first_line(error)}; nothing is changed, your text is kept in {path}") from None
            refused = saved
            marks = "".join(f"{MARK}{line}\n" for line in str(error).splitlines())
            shown = f"{marks}{MARK}Mend it, or empty the file to change nothing.\n{saved}"
        except ConflictError as error:
            raise ConflictError(f"{error}; your text is kept in {path}") from None
        else:
            path.unlink()
            return found


def _first_line(error: LabqError) -> str:
    return str(error).splitlines()[0]


def _without_marks(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(MARK))


def _run(path: Path) -> None:
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    words = [*shlex.split(command), str(path)]
    try:
        code = os.spawnvp(os.P_WAIT, words[0], words)  # noqa: S606 - the person's own editor
    except OSError:
        code = 127
    if code == 127:  # noqa: PLR2004 - what spawn and shells say of a missing program
        raise UsageError(f"no editor {words[0]!r}: set VISUAL or EDITOR, or give the edit with -u FIELD=VALUE")
    if code:
        raise UsageError(f"the editor {words[0]!r} ended with {code}: nothing is changed, your text is in {path}")
