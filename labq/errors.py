"""The error tree: one class per thing that goes wrong, its exit code beside it."""

from __future__ import annotations

from enum import IntEnum
from typing import NoReturn


class ExitCode(IntEnum):
    """What the process `labq` ends with; the README prints this table."""

    OK = 0  # done
    FAILED = 1  # labq could not do it
    USAGE = 2  # the command line, a filter, an argument or the configuration is wrong
    NOT_FOUND = 3  # no such task or queue
    UNREACHABLE = 4  # the store cannot be reached, opened or written
    CONFLICT = 5  # the task is not in a state that allows it, or changed meanwhile
    NOT_ENDED = 124  # what was waited for has not ended in time, as timeout(1) has it
    INTERRUPTED = 130  # stopped by Ctrl-C, as shells have it (143 by SIGTERM, 129 by SIGHUP)


class Terminated(BaseException):
    """A signal has told this command to end."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
        self.exit_code = 128 + number  # as shells have it


def terminate(number: int, _frame: object) -> NoReturn:
    """The handler of a signal that ends the command in order."""
    raise Terminated(number)


class LabqError(Exception):
    """labq could not do what was asked."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or type(self).__doc__)


class UsageError(LabqError):
    """The command line is wrong."""

    exit_code = ExitCode.USAGE


class ArgsError(UsageError):
    """The task's arguments cannot be stored."""


class TemplateError(UsageError):
    """The command's placeholders are wrong."""


class ConfigError(UsageError):
    """The configuration is wrong."""


class TextError(UsageError):
    """A text that a person wrote is wrong.

    `source` is the text and `span` the half-open range of characters at fault; `str()` draws the
    line with carets below that range.
    """

    def __init__(self, message: str, source: str = "", span: tuple[int, int] = (0, 0)) -> None:
        self.message, self.source, self.span = message, source, span
        super().__init__("\n".join((message, *self._drawing())))

    @property
    def lines(self) -> list[str]:
        """What `str()` has, line by line; the message is one."""
        return [self.message, *self._drawing()]

    def _drawing(self) -> list[str]:
        """The line at fault with carets under the span."""
        start, end = self.span
        if not self.source or end <= start:
            return []
        first = self.source.rfind("\n", 0, start) + 1
        last = self.source.find("\n", start)
        line = self.source[first : last if last >= 0 else None]
        carets = " " * (start - first) + "^" * max(1, min(end - first, len(line)) - (start - first))
        return [f"  {line}", f"  {carets}"]


class FilterError(TextError):
    """The filter is wrong."""


class ArrayError(TextError):
    """The array is wrong."""


class NotFoundError(LabqError):
    """There is no such thing."""

    exit_code = ExitCode.NOT_FOUND


class TaskNotFound(NotFoundError):  # noqa: N818 - what its users call it
    """There is no such task."""


class StoreError(LabqError):
    """The store cannot be reached."""

    exit_code = ExitCode.UNREACHABLE


class UnusableError(StoreError):
    """The store cannot be used as it is: somebody has to mend that, and no waiting does."""


class NewerStoreError(UnusableError):
    """The store was made by a newer labq."""


class AuthError(UnusableError):
    """The store refuses this user."""


class ConflictError(LabqError):
    """The task's state does not allow this."""

    exit_code = ExitCode.CONFLICT


class QuotaExceeded(ConflictError):  # noqa: N818 - what its users call it
    """The queue holds as many tasks as it may."""

    def __init__(self, message: str | None = None, over: int = 0) -> None:
        self.over = over  # how many of the new tasks are too many
        super().__init__(message)


class NotEndedError(LabqError):
    """What was waited for has not ended in time."""

    exit_code = ExitCode.NOT_ENDED
