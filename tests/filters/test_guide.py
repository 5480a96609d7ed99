"""The page of `labq guide filters`: each example compiles, each operator is named."""

from __future__ import annotations

from pathlib import Path

import pytest

import labq
from labq.clock import now
from labq.filters import compile_filter, matcher, to_json
from labq.filters.calls import FUNCTIONS
from labq.filters.operators import EXPRESSION, FIELD, TOP
from labq.model.task import FIELDS
from labq.store.sqlite.query import compile_where

PAGE = (Path(labq.__file__).parent / "guide" / "filters.md").read_text(encoding="utf-8")
EXAMPLES = [line.strip() for line in PAGE.splitlines() if line.startswith("    ")]


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_compiles_and_reads_back(text):
    query = compile_filter(text, FIELDS, now)
    assert compile_filter(to_json(query), FIELDS, now) == query
    assert matcher(query)({}) in (True, False)
    compile_where(query)


def test_every_operator_and_function_is_on_the_page():
    words = PAGE.replace("`", " ").split()
    assert [name for name in sorted(FIELD | TOP | EXPRESSION.keys()) if name not in words] == []
    assert [name for name in FUNCTIONS if f"{name}(" not in PAGE] == []
