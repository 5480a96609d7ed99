from __future__ import annotations

import pytest

from labq import errors
from labq.errors import ExitCode, FilterError, LabqError

CODES = [
    (ExitCode.OK, 0),
    (ExitCode.FAILED, 1),
    (ExitCode.USAGE, 2),
    (ExitCode.NOT_FOUND, 3),
    (ExitCode.UNREACHABLE, 4),
    (ExitCode.CONFLICT, 5),
    (ExitCode.NOT_ENDED, 124),
    (ExitCode.INTERRUPTED, 130),
]


def test_the_exit_codes_are_these_and_no_others():
    assert [(code, int(code)) for code in ExitCode] == CODES


TREE = [
    (errors.LabqError, ExitCode.FAILED, "labq could not do what was asked."),
    (errors.UsageError, ExitCode.USAGE, "The command line is wrong."),
    (errors.ArgsError, ExitCode.USAGE, "The task's arguments cannot be stored."),
    (errors.TemplateError, ExitCode.USAGE, "The command's placeholders are wrong."),
    (errors.ConfigError, ExitCode.USAGE, "The configuration is wrong."),
    (errors.NotFoundError, ExitCode.NOT_FOUND, "There is no such thing."),
    (errors.TaskNotFound, ExitCode.NOT_FOUND, "There is no such task."),
    (errors.StoreError, ExitCode.UNREACHABLE, "The store cannot be reached."),
    (
        errors.UnusableError,
        ExitCode.UNREACHABLE,
        "The store cannot be used as it is: somebody has to mend that, and no waiting does.",
    ),
    (errors.NewerStoreError, ExitCode.UNREACHABLE, "The store was made by a newer labq."),
    (errors.AuthError, ExitCode.UNREACHABLE, "The store refuses this user."),
    (errors.ConflictError, ExitCode.CONFLICT, "The task's state does not allow this."),
    (errors.QuotaExceeded, ExitCode.CONFLICT, "The queue holds as many tasks as it may."),
    (
        errors.NotEndedError,
        ExitCode.NOT_ENDED,
        "What was waited for has not ended in time.",
    ),
]


@pytest.mark.parametrize(("kind", "code", "message"), TREE)
def test_an_error_without_a_message_says_what_its_class_says(kind, code, message):
    assert str(kind()) == message
    assert str(kind("the queue is on fire")) == "the queue is on fire"
    assert kind.exit_code is code
    assert issubclass(kind, LabqError)


def test_the_table_has_every_error():
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    drawn = {errors.TextError, errors.ArrayError, FilterError}
    named = {kind for kind, _, _ in TREE} | drawn
    assert {kind for kind in kinds if issubclass(kind, Exception)} == named


DRAWN = [
    ("no such field", "", (0, 0), "no such field"),
    ("odd", "abc", (1, 1), "odd"),
    ("bad sign", "a = 1", (2, 3), "bad sign\n  a = 1\n    ^"),
    ("bad name", "foo > 1", (0, 3), "bad name\n  foo > 1\n  ^^^"),
    ("ends early", "a ==", (2, 4), "ends early\n  a ==\n    ^^"),
    ("past the end", "a ==", (4, 5), "past the end\n  a ==\n      ^"),
    ("in line 2", "a > 1 or\n  b = 2\nor c", (13, 14), "in line 2\n    b = 2\n      ^"),
    ("over lines", "a in [1,\n2]", (5, 11), "over lines\n  a in [1,\n       ^^^"),
]


@pytest.mark.parametrize(("message", "source", "span", "drawn"), DRAWN)
def test_a_filter_error_draws_carets_below_what_is_wrong(message, source, span, drawn):
    error = FilterError(message, source, span)
    assert str(error) == drawn
    assert (error.message, error.source, error.span) == (message, source, span)
    assert error.exit_code is ExitCode.USAGE
