"""What a Python expression becomes before it becomes a query.

condition := And | Or | Not | Compare | OneOf | Member | Pattern | Exists | AnyOf
operand   := Path | Value | Arith | Length
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from labq.filters.tokens import Span


@dataclass(frozen=True)
class Path:
    """A field of the task, or of the variable of an `any(...)`; an int is a subscript."""

    parts: tuple[str | int, ...]
    span: Span
    variable: str = ""  # empty: the task itself
    kind: str = ""  # of a top-level field: text, int, number, date or json

    @property
    def dotted(self) -> str:
        return ".".join(map(str, self.parts))


@dataclass(frozen=True)
class Value:
    """A JSON value or an aware datetime."""

    value: Any
    span: Span


@dataclass(frozen=True)
class Length:
    """`len(field)`: of a list; unknown for anything else."""

    path: Path
    span: Span


@dataclass(frozen=True)
class Arith:
    """`sign` is one of + - * / // % **; every operand must be a number, or it is unknown."""

    sign: str
    left: Operand
    right: Operand
    span: Span


@dataclass(frozen=True)
class Elapsed:
    """The seconds from one date to another; each is a date field or a date."""

    start: Path | Value
    end: Path | Value
    span: Span


Operand: TypeAlias = "Path | Value | Length | Arith | Elapsed"


@dataclass(frozen=True)
class Compare:
    """`sign` is one of == != < <= > >=; at least one side holds a path."""

    sign: str
    left: Operand
    right: Operand
    span: Span


@dataclass(frozen=True)
class OneOf:
    """The field is one of the values."""

    path: Path
    values: tuple[Any, ...]
    span: Span


@dataclass(frozen=True)
class Member:
    """The item, a value or a field, is an element of the list in the field."""

    item: Value | Path
    path: Path
    span: Span


@dataclass(frozen=True)
class Pattern:
    """The text in the field has a match of the regular expression."""

    path: Path
    pattern: str
    options: str
    span: Span


@dataclass(frozen=True)
class Exists:
    """The field is there, be it null; never unknown."""

    path: Path
    span: Span


@dataclass(frozen=True)
class AnyOf:
    """An element of the list in the field, called `variable`, fulfils the condition."""

    path: Path
    variable: str
    condition: Condition
    span: Span


@dataclass(frozen=True)
class Not:
    """Unknown stays unknown."""

    condition: Condition


@dataclass(frozen=True)
class And:
    """Kleene's and."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Or:
    """Kleene's or."""

    conditions: tuple[Condition, ...]


Condition: TypeAlias = "Compare | OneOf | Member | Pattern | Exists | AnyOf | Not | And | Or"
