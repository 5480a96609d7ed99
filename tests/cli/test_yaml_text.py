from __future__ import annotations

import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labq.cli.yaml_text import dump, load_all
from labq.errors import ExitCode, UsageError

ODD = [
    *("", " ", " x ", "a ", " a", "~", "-", "--", "---"),
    *("...", "?", ":", ",", "&a", "*a", "!a", "|", ">"),
    *("no", "No", "on", "off", "yes", "y", "n", "true"),
    *("True", "false", "null", "Null", "None", "nan", ".nan"),
    *("1", "-1", "+1", "1.0", "1e-05", "1e5", ".5", "5."),
    *("0x10", "0o17", "017", "1_000", ".inf", "inf"),
    *("12:30:45", "12:30", "2026-11-21", "2026-11-21 08:00:00"),
    *("=", "<<", "a: b", "a:", ": a", "# c", "a # c"),
    *("a\nb", "a\nb\n", "a\n\n\n", "\na", "\n", "\n\n", " a\nb"),
    *("a\n b", "a \nb", "a\n  b\n\tc\n", "\ta", "a\tb"),
    *("a\r\nb", "\r", "\0", "\x1b[0m", "\x7f", "\x85"),
    *("\u2028", "\ufeff", "\ufeffa", "\u00a0", "ü", "日本", "😀"),
    *("'", '"', "''", "'a'", '"a"', "\\", "\\n", "{", "}"),
    *("[", "]", "{a: 1}", "[1]", "%a", "@a", "`a", "#! a"),
    *(
        "x" * 500,
        "a b " * 500,
        "ü\n" * 50,
        "---\na",
        "a\n---\nb\n...\n",
        "- a",
        "? a",
        "key: [1, 2]\n- b",
    ),
]
TEXT = (
    st.sampled_from(ODD)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.text(" \n\t:#-'\"a1.e{}[]|>&*!%@`,?~\\", max_size=12)
)
FLOATS = st.sampled_from([1e-05, -0.0, 1e300, 1e16, 5e-324, 0.1, 1.0, 123456789.123]) | st.floats(
    allow_nan=False, allow_infinity=False
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | FLOATS | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
TASKS = st.dictionaries(TEXT, VALUES, max_size=4)


def exactly(left, right):
    """Equal with equal types, the order of keys and the sign of zero."""
    return repr(left) == repr(right)


@pytest.mark.parametrize("text", ODD)
def test_an_odd_text_comes_back_wherever_it_stands(text):
    for value in (text, [text], {text: text}, {"a": {text: [text, {text: text}]}}):
        assert exactly(load_all(dump(value)), [value])


@given(VALUES.filter(lambda value: value is not None))
def test_every_json_value_comes_back_exactly(value):
    assert exactly(load_all(dump(value)), [value])


@given(st.lists(TASKS, min_size=1, max_size=3))
def test_documents_keep_apart(tasks):
    assert exactly(load_all("# first\n" + "---\n".join(map(dump, tasks))), tasks)


@given(st.text(st.characters(exclude_categories=["Cs"])) | st.text(string.printable))
def test_a_text_is_read_or_refused_in_one_line(text):
    message = ""
    try:
        load_all(text)
    except UsageError as error:
        message = str(error)
    assert message == "" or message.startswith("not YAML: ")
    assert "\n" not in message


WRITTEN = [
    ({}, "{}\n"),
    ({"lr": 1e-05, "n": 3, "on": True, "x": None}, "lr: 1e-05\nn: 3\non: true\nx: null\n"),
    ({"a": "no", "b": "on", "c": "12:30:45"}, "a: no\nb: on\nc: 12:30:45\n"),
    ({"a": "1e-05", "b": "null", "c": ""}, "a: '1e-05'\nb: 'null'\nc: ''\n"),
    (
        {"b": 1, "a": {"y": [1, {"z": 2}], "e": []}},
        "b: 1\na:\n  y:\n    - 1\n    - z: 2\n  e: []\n",
    ),
    ({"note": "two\nlines\n"}, "note: |\n  two\n  lines\n"),
    ({"note": "tab\there\r"}, 'note: "tab\\there\\r"\n'),
    ({"größe": "日本 😀"}, "größe: 日本 😀\n"),
]


@pytest.mark.parametrize(("value", "text"), WRITTEN)
def test_what_a_person_sees(value, text):
    assert dump(value) == text


def test_equal_values_are_written_out_each_time():
    shared = [1, 2]
    assert dump({"a": shared, "b": shared}) == "a:\n  - 1\n  - 2\nb:\n  - 1\n  - 2\n"


TYPED = [
    ("1e-05", 1e-05),
    ("1E5", 1e5),
    ("-.5", -0.5),
    ("5.", 5.0),
    ("-0.0", -0.0),
    ("0x10", 16),
    ("0o17", 15),
    ("017", 17),
    ("+1", 1),
    ("-9223372036854775808", -(2**63)),
    ("true", True),
    ("False", False),
    ("[~, null, '']", [None, None, ""]),
    ("{a: }", {"a": None}),
    ("None", "None"),
    ("no", "no"),
    ("on", "on"),
    ("12:30:45", "12:30:45"),
    ("2026-11-21", "2026-11-21"),
    ("1_000", "1_000"),
    (".inf", ".inf"),
    (".nan", ".nan"),
    ("1,5", "1,5"),
    ("'1'", "1"),
    ("!!str 1", "1"),
    ("!!float 1", 1.0),
    ("<<: {a: 1}", {"<<": {"a": 1}}),
    ("{=: 1}", {"=": 1}),
    ("|\n  two\n  lines\n", "two\nlines\n"),
    (">\n  one\n  line\n", "one line\n"),
    ("{a: {b: 1}, c: {b: 1}}", {"a": {"b": 1}, "c": {"b": 1}}),
]


@pytest.mark.parametrize(("text", "value"), TYPED)
def test_what_a_person_types(text, value):
    assert exactly(load_all(text), [value])


def test_a_float_past_its_range_is_infinite_and_left_to_those_who_store():
    assert load_all("1e999") == [math.inf]


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n---\n# nothing\n", "null\n"])
def test_empty_documents_are_left_out(text):
    assert load_all(text) == []
    assert load_all(f"{text}\n---\na: 1\n---\n") == [{"a": 1}]


REFUSED = [
    ("a: 1\nb: [", "line 2: expected the node content, but found '<stream end>'"),
    ("a: b: c", "line 1: mapping values are not allowed here"),
    ("a: 1\n b: 2", "line 2: mapping values are not allowed here"),
    ("a: 'x", "line 1: found unexpected end of stream"),
    ("a:\n\t- b", "line 2: found character '\\t' that cannot start any token"),
    ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' is given twice"),
    ("args:\n  lr: 1\n  'lr': 2\n", "line 3: the key 'lr' is given twice"),
    ("- {a: 1, a: 1}", "line 1: the key 'a' is given twice"),
    ("1: a\n0x1: b", "line 2: the key '1' is given twice"),
    ("<<: 1\n<<: 2", "line 2: the key '<<' is given twice"),
    ("[a]: 1", "line 1: found unhashable key"),
    ("a: *b", "line 1: an alias cannot stand here"),
    ("a: " + "9" * 5000, f"line 1: {'9' * 27}... is not an integer of 64 bits"),
    ("a: !!int x", "line 1: x is not an integer of 64 bits"),
    ("a: !!float x", "line 1: x is not a number"),
    ("a: !mine x", "line 1: could not determine a constructor for the tag '!mine'"),
    (
        "\n!!python/name:a []",
        "line 2: could not determine a constructor for the tag 'tag:yaml.org,2002:python/name:a'",
    ),
    (
        "a: !!timestamp x",
        "line 1: could not determine a constructor for the tag 'tag:yaml.org,2002:timestamp'",
    ),
    ("a\x01", "unacceptable character #x0001: special characters are not allowed"),
    ("[" * 5000, "nested too deeply"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_cannot_be_read_names_its_line(text, message):
    with pytest.raises(UsageError) as caught:
        load_all(text)
    assert str(caught.value) == f"not YAML: {message}"
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("text", ["a\x85b\nc", "a\u2028\n", "\x0c\n", "a\n\x00"])
def test_line_ends_that_yaml_would_fold_come_back(text):
    assert load_all(dump({"k": text, text: 1})) == [{"k": text, text: 1}]


@pytest.mark.parametrize(
    "text", ["a: !!bool [1]", "a: !!int [1]", "a: !!float {b: 1}", "a: !!bool 3"]
)
def test_a_tag_on_what_it_is_not_for_is_refused(text):
    with pytest.raises(UsageError, match=r"^not YAML: line 1: "):
        load_all(text)
