"""Which indexes an array has, and what is refused."""

from __future__ import annotations

import pytest

from labq.errors import ArrayError
from labq.model.arrays import array_of, merged, parse_array, parse_indexes

GIVEN = [
    ("10", "0-9"),
    ("1", "0"),
    (" 3 ", "0-2"),
    ("010", "0-9"),
    ("1000000", "0-999999"),
    ("1,3-8,9,12-19", "1,3-9,12-19"),
    ("5-5", "5"),
    ("0-0", "0"),
    ("7,5", "5,7"),
    ("1,1,1-3,2-5", "1-5"),
    (" 1 , 3-4 ", "1,3-4"),
    ("2147483647,0", "0,2147483647"),
    ("999999-1999998", "999999-1999998"),
]


@pytest.mark.parametrize(("text", "indexes"), GIVEN)
def test_a_number_alone_is_a_count_and_all_else_names_indexes(text, indexes):
    array = parse_array(text)
    assert str(array) == indexes
    assert array.count == sum(1 for _ in array)


def test_indexes_come_once_and_ascending():
    assert list(parse_array("7,1-3,2")) == [1, 2, 3, 7]


def test_where_a_number_alone_is_an_index():
    assert str(parse_indexes("5")) == "5"
    assert str(parse_indexes("1,3-8")) == "1,3-8"


HOW = "(write 10 for 0-9, or 1,3-8,12)"
ONE = "(write 10 for 0-9, or 1,3-8,12, 5-5 for one index)"
SIZE = "an array has 1 to 1,000,000 instances"
REFUSED = [
    ("8-3", "8-3 goes down: write 3-8", "^^^"),
    ("1,12-9", "12-9 goes down: write 9-12", "  ^^^^"),
    ("5,", f"an index is missing {ONE}", "  ^"),
    (",5", f"an index is missing {ONE}", "^"),
    ("1,,2", f"an index is missing {HOW}", "  ^"),
    ("", f"an index is missing {HOW}", ""),
    ("1,3-8x", f"'3-8x' is no index and no range {HOW}", "  ^^^^"),
    ("-5", f"'-5' is no index and no range {HOW}", "^^"),
    ("3-", f"'3-' is no index and no range {HOW}", "^^"),
    ("1-2-3", f"'1-2-3' is no index and no range {HOW}", "^^^^^"),
    ("1.5", f"'1.5' is no index and no range {HOW}", "^^^"),
    ("a", f"'a' is no index and no range {HOW}", "^"),
    ("1 2", f"'1 2' is no index and no range {HOW}", "^^^"),
    ("٣,1", f"'٣' is no index and no range {HOW}", "^"),
    ("1,2147483648", "2147483648 goes past 2147483647, the highest index", "  ^^^^^^^^^^"),
    ("0", SIZE, "^"),
    ("1000001", SIZE, "^^^^^^^"),
    ("9" * 5000, SIZE, "^" * 5000),
    ("0-999999,1000001", f"{SIZE}, not 1,000,001", "^" * 16),
]


@pytest.mark.parametrize(("text", "told", "carets"), REFUSED)
def test_what_is_no_array_is_refused_with_a_caret_below_it(text, told, carets):
    with pytest.raises(ArrayError) as caught:
        parse_array(text)
    assert str(caught.value) == (f"{told}\n  {text}\n  {carets}" if carets else told)


@pytest.mark.parametrize("text", ["1,2\n", "10\n", "\n1,2", "1,\t2", "1\n,2", "3-5\r\n"])
def test_a_blank_that_is_no_space_is_refused(text):
    with pytest.raises(ArrayError, match="is no index and no range"):
        parse_array(text)


@pytest.mark.parametrize("count", [0, -1, 1_000_001])
def test_a_count_that_no_array_has(count):
    with pytest.raises(ArrayError, match=f"{SIZE}, not {count:,}"):
        array_of(count)


def test_ranges_that_touch_become_one():
    assert merged([(5, 6), (0, 1), (2, 2), (4, 5)]) == ((0, 2), (4, 6))
