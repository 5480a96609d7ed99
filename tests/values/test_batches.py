from __future__ import annotations

import pytest

from labq.values.batches import batches


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, []), (1, [[0]]), (3, [[0, 1, 2]]), (4, [[0, 1, 2], [3]]), (6, [[0, 1, 2], [3, 4, 5]])],
)
def test_all_of_them_come_in_their_order(count, expected):
    assert list(batches(range(count), 3)) == expected
    assert list(batches(iter(range(count)), 3)) == expected


def test_they_are_taken_when_they_are_asked_for():
    rest = iter(range(9))
    assert next(batches(rest, 3)) == [0, 1, 2]
    assert next(rest) == 3
