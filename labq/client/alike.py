"""Methods that pass all that they are given on to another one."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")


def like(
    model: Callable[Concatenate[S, P], object],
) -> Callable[[Callable[..., T]], Callable[Concatenate[S, P], T]]:
    """Gives a method the parameters of the one that it passes them on to: `help` shows them."""

    def signed(method: Callable[..., T]) -> Callable[Concatenate[Any, P], T]:
        method.__signature__ = signature(model)  # type: ignore[attr-defined]
        return method

    return signed
