"""Filters: text -> nodes -> MongoDB query document, and what such a document matches.

The compiler and the matcher are imported when they are first called: a command without a filter
pays for neither. Of labq, only `errors` is imported here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from labq.filters.closed import Closed

__all__ = ["compile_filter", "current_word", "matcher", "sorted_by", "suggest", "to_json"]


def compile_filter(
    text: str,
    fields: Mapping[str, Any] | Collection[str],
    now: Callable[[], datetime],
    closed: Mapping[str, Closed] | None = None,
) -> dict[str, Any]:
    """The MongoDB query document of a filter.

    Args:
        text: a Python expression, or a MongoDB query as JSON or as a Python dict.
        fields: the task's fields; a mapping gives their kinds (`labq.model.task.FIELDS`), so that
            text beside a date field is read as a date.
        now: the clock that `date(...)` and `ago(...)` count from.
        closed: the fields that hold one of a few words, which nothing else equals.

    Returns:
        JSON values and aware UTC datetimes, ready for pymongo.

    Raises:
        FilterError: whatever is wrong with the text; nothing else is ever raised.
    """
    from labq.filters.compiler import compile_text

    return compile_text(text, fields, now, closed or {})


def to_json(query: Mapping[str, Any]) -> str:
    """The query as JSON that `-f` reads back; dates as `{"$date": "...Z"}` (see `json_text.py`)."""
    from labq.filters.json_text import to_json as render

    return render(query)


def matcher(query: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], bool]:
    """The predicate of a query document over task documents, deciding as mongod does."""
    from labq.filters.match.matcher import matcher as compiled

    return compiled(query)


def sorted_by(documents: Iterable[Mapping[str, Any]], sort: Sequence[tuple[str, int]]) -> list[Any]:
    """The documents in mongod's order of `[(field, 1 or -1), ...]`; equal ones keep theirs."""
    from labq.filters.match.sort import sorted_by as in_order

    return in_order(documents, sort)


def suggest(text_before_cursor: str, fields: Collection[str]) -> list[str]:
    """Every word that may replace `current_word(text_before_cursor)`.

    `fields` are the task's fields and the dotted keys seen in the queue, such as `args.lr`.
    """
    from labq.filters.completion import suggest as completed

    return completed(text_before_cursor, fields)


def current_word(text_before_cursor: str) -> str:
    """The word at the cursor, which a suggestion replaces."""
    from labq.filters.completion import current_word as word

    return word(text_before_cursor)
