from __future__ import annotations

import argparse
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labq.command.grammar import bindings, bound
from labq.command.words import (
    MAX_DEPTH,
    flat,
    key_path,
    leaves,
    normalised,
    parse_document,
    parse_value,
    signature,
    text_of,
    to_flags,
)
from labq.errors import ArgsError, ExitCode
from labq.values.text import shortened

AS_TEXT = """to keep it as text, quote it twice: '"..."'"""


def same(left, right):
    """Equal, with equal types: 1, 1.0 and True differ, -0.0 is not 0.0."""
    return repr(left) == repr(right)


def refusal(call, *args):
    with pytest.raises(ArgsError) as caught:
        call(*args)
    assert caught.value.exit_code is ExitCode.USAGE
    return str(caught.value)


def read(tokens):
    return bound(list(bindings(tokens))).args


DEEP_KEY = ".".join("a" * (MAX_DEPTH + 1))
KEYS_REFUSED = [
    ("a..b", "--a: 'a..b' has an empty key beside a dot"),
    (".a", "--a: '.a' has an empty key beside a dot"),
    ("a.", "--a: 'a.' has an empty key beside a dot"),
    ("", "--a: the key is empty"),
    ("$a", "--a: the key '$a' begins with $, which MongoDB keeps to itself"),
    ("a.$b", "--a: the key '$b' begins with $, which MongoDB keeps to itself"),
    ("a\0b", "--a: the text holds a NUL character, which no command line can carry"),
    ("a\udcff", "--a: the text is not valid UTF-8"),
    (DEEP_KEY, "--a: nested too deeply (at most 80 levels)"),
]


@pytest.mark.parametrize(("key", "message"), KEYS_REFUSED)
def test_a_key_that_cannot_be_stored(key, message):
    assert refusal(key_path, key, "--a") == message
    if key and key.isprintable():  # its words are words and no more
        assert read([f"--{key}", "1", "--ok", "2"]) == {"ok": 2}


REFUSED = [
    (r"'\0'", "--a: the text holds a NUL character, which no command line can carry"),
    ("9223372036854775808", f"--a: 9223372036854775808 is past 64 bits; {AS_TEXT}"),
    ("-9223372036854775809", f"--a: -9223372036854775809 is past 64 bits; {AS_TEXT}"),
    ("9" * 5000, f"--a: {'9' * 27}... is past 64 bits; {AS_TEXT}"),
    ("[-" + "9" * 5000 + "]", f"--a: [-{'9' * 25}... is past 64 bits; {AS_TEXT}"),
    ("0x" + "f" * 5000, f"--a: 0x{'f' * 25}... is past 64 bits; {AS_TEXT}"),
    ("1e999", f"--a: inf is not a finite number; {AS_TEXT}"),
    ("[-1e999]", f"--a: -inf is not a finite number; {AS_TEXT}"),
    ("{'b': 1, 'b': 2}", "--a: the key 'b' is given twice"),
    ("{'b.c': 1, 'b': {'c': 2}}", "--a: the key 'b.c' is given twice"),
    (
        "{'b': 1, 'b.c': 2}",
        "--a: b and b.c clash: one path cannot hold a value and nested keys",
    ),
    ("{'': 1}", "--a: the key is empty"),
    ("[" * 100 + "]" * 100, "--a: nested too deeply (at most 80 levels)"),
    ("[" * 300 + "]" * 300, "--a: nested too deeply (at most 80 levels)"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_a_value_that_cannot_be_stored_as_its_type_is_refused_and_stays_text_in_words(
    text, message
):
    assert refusal(parse_value, text, "--a") == message
    assert read(["--a", text]) == {"a": text}


def test_text_that_is_no_utf_8_is_refused_in_words_too():
    assert refusal(read, ["--a", "\udcff"]) == "a: the text is not valid UTF-8"


# one value


LITERALS = [
    ("1", 1),
    ("-1", -1),
    ("+1", 1),
    ("0x10", 16),
    ("0b11", 3),
    ("0o17", 15),
    ("1_000", 1000),
    ("9223372036854775807", 2**63 - 1),
    ("-9223372036854775808", -(2**63)),
    ("0.1", 0.1),
    (".5", 0.5),
    ("5.", 5.0),
    ("1e-3", 0.001),
    ("-0.0", -0.0),
    ("1e300", 1e300),
    ("True", True),
    ("False", False),
    ("None", None),
    ("'a b'", "a b"),
    ('"1"', "1"),
    ("'''a\nb'''", "a\nb"),
    ("u'ü'", "ü"),
    (r"'\d'", r"\d"),
    ("[]", []),
    ("[1, 2]", [1, 2]),
    ("[1, [None, True, 'x']]", [1, [None, True, "x"]]),
    ("[1,\n 2]", [1, 2]),
    ("{}", {}),
    ("{'a': {'b': 1}}", {"a": {"b": 1}}),
]
TEXTS = [
    *("", "a", "true", "false", "null", "none", "nan", "inf", "-inf", "NaN", "Infinity"),
    *("1,2", "1, 2", "007", "0777", "3j", "1+2j", "1+1", "--1", "1__0", "0x", "1e", "\uff11"),
    *("(1)", "(1, 2)", "5 # five", "1;2", "1 2", " 1", "1 ", "1\n", "1.2.3", "12:30:45"),
    *("[1, 2] # c", " [1]", "[1] ", "[1", "[(1, 2)]", "[true]", "[a]"),
    *("{1}", "{1: 2}", "{'a'", "{[]: 1}", "'a", "b'a'", "f'{1}'", "r", "u", "R2", "Trueish"),
    *("None.", "...", "-", "+", ".", "2026-11-21", "/tmp/x", "a\nb"),
]


@pytest.mark.parametrize(("text", "value"), LITERALS)
def test_a_whole_literal_becomes_its_value(text, value):
    assert same(parse_value(text, "--x"), value)


@pytest.mark.parametrize("text", TEXTS)
def test_anything_else_stays_text(text):
    assert same(parse_value(text, "--x"), text)


PLAIN_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
KEYS = PLAIN_TEXT.filter(lambda key: key and "." not in key and not key.startswith("$"))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | PLAIN_TEXT
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
ARGS = st.dictionaries(KEYS, VALUES, max_size=5)


@given(VALUES)
def test_the_literal_of_a_value_is_read_back(value):
    assert same(parse_value(repr(value), "--x"), value)


@given(PLAIN_TEXT)
def test_a_text_is_a_literal_or_itself_and_never_an_error_of_pythons(text):
    try:
        value = parse_value(text, "--x")
    except ArgsError:
        return
    assert value == text or same(value, eval(text, {}))  # noqa: S307 - a literal, by then


# --args


DOCUMENTS = [
    ("{}", {}),
    ('{"a": 1, "b": {"c": [true, null, 1.5, "x"]}}', {"a": 1, "b": {"c": [True, None, 1.5, "x"]}}),
    ("{'a': True, 'b': (1, 2)}", {"a": True, "b": [1, 2]}),
    (' {"a": 1}\n', {"a": 1}),
    ("  {'a': 1}\n", {"a": 1}),
    ('{"a.b": 1, "a": {"c": 2}}', {"a": {"b": 1, "c": 2}}),
    ("{'a.b.c': 1, 'a.b.d': 2}", {"a": {"b": {"c": 1, "d": 2}}}),
    ('{"a": {}}', {"a": {}}),
]


@pytest.mark.parametrize(("text", "args"), DOCUMENTS)
def test_args_takes_json_or_a_python_dict(text, args):
    assert same(parse_document(text, "--args"), args)


BAD_DOCUMENTS = [
    ("", "--args: not a JSON object or a Python dict: "),
    ("[1]", "--args: not a JSON object or a Python dict: [1]"),
    ("{lr: 1}", "--args: not a JSON object or a Python dict: {lr: 1}"),
    ('{"a": NaN}', '--args: not a JSON object or a Python dict: {"a": NaN}'),
    ("{" + "a" * 80, f"--args: not a JSON object or a Python dict: {{{'a' * 56}..."),
    ("{1: 2}", "--args: the key 1 is not text"),
    ("{'a': {1}}", "--args: no store holds a value of type set"),
    ("{'a': b'x'}", "--args: no store holds a value of type bytes"),
    ("{'a': 1j}", "--args: no store holds a value of type complex"),
    ('{"a": 1, "a": 2}', "--args: the key 'a' is given twice"),
    ('{"b": {"a": 1, "a": 2}}', "--args: the key 'a' is given twice"),
    ("{'a': 1, 'a': True}", "--args: the key 'a' is given twice"),
    ('{"a.b": 1, "a": {"b": 2}}', "--args: the key 'a.b' is given twice"),
    ('{"a": 9223372036854775808}', f"--args: 9223372036854775808 is past 64 bits; {AS_TEXT}"),
    ('{"a": 1e999}', f"--args: inf is not a finite number; {AS_TEXT}"),
    (
        '{"a": "\\u0000"}',
        "--args: the text holds a NUL character, which no command line can carry",
    ),
    ('{"a": "\\ud800"}', "--args: the text is not valid UTF-8"),
    ('{"$a": 1}', "--args: the key '$a' begins with $, which MongoDB keeps to itself"),
    ('{"": 1}', "--args: the key is empty"),
    (
        '{"a": 1, "a.b": 2}',
        "--args: a and a.b clash: one path cannot hold a value and nested keys",
    ),
    ('{"a": ' * 100 + "1" + "}" * 100, "--args: nested too deeply (at most 80 levels)"),
    ('{"a": ' * 9999 + "1" + "}" * 9999, "--args: nested too deeply (at most 80 levels)"),
]


@pytest.mark.parametrize(("text", "message"), BAD_DOCUMENTS)
def test_a_bad_document_is_refused(text, message):
    assert refusal(parse_document, text, "--args") == message


@given(ARGS)
def test_args_as_json_or_as_python_are_the_same(args):
    assert same(parse_document(json.dumps(args), "--args"), args)
    assert same(parse_document(repr(args), "--args"), args)


@given(ARGS)
def test_what_is_normalised_stays_as_it_is(args):
    assert same(normalised(args, "args"), args)


DEEP = "nested too deeply (at most 80 levels)"


@given(st.integers(1, MAX_DEPTH - 1), st.data())
def test_depth_counts_dots_and_brackets_together(dots, data):
    key = ".".join("k" * dots)
    fitting = MAX_DEPTH - dots  # the outermost dict is the first level
    lists = data.draw(st.integers(1, fitting))
    text = "[" * lists + "]" * lists
    assert read([f"--{key}", text]) == parse_document(f'{{"{key}": {text}}}', "--args")
    lists = data.draw(st.integers(fitting + 1, 2 * MAX_DEPTH))
    text = "[" * lists + "]" * lists
    assert set(flat(read([f"--{key}", text])).values()) == {text}
    assert refusal(parse_document, f'{{"{key}": {text}}}', "--args") == f"--args: {DEEP}"


# dict -> leaves, signature, flags


FLAT = [
    ({}, {}, "[]"),
    ({"b": 1, "a": 2}, {"a": 2, "b": 1}, '["a","b"]'),
    ({"a": {"c": 1, "b": [{"x": 1}]}}, {"a.b": [{"x": 1}], "a.c": 1}, '["a.b","a.c"]'),
    ({"a": {}}, {"a": {}}, '["a"]'),
    ({"ü": {'"': None}}, {'ü."': None}, '["ü.\\""]'),
]


@pytest.mark.parametrize(("args", "dotted", "sign"), FLAT)
def test_leaves_and_signature(args, dotted, sign):
    assert list(flat(args).items()) == list(dotted.items())
    assert signature(flat(args)) == sign
    assert signature(reversed(flat(args))) == sign


@given(ARGS)
def test_flat_args_nest_to_what_they_were(args):
    assert normalised(flat(args), "args") == args
    assert {key_path(key, "args") for key in flat(args)} == {path for path, _ in leaves(args)}


FLAGS = [
    ({}, []),
    ({"lr": 0.1}, ["--lr", "0.1"]),
    ({"b": 1, "a": "x"}, ["--a", "x", "--b", "1"]),
    ({"model": {"name": "a", "depth": 3}}, ["--model.depth", "3", "--model.name", "a"]),
    ({"on": True, "off": False, "no": None}, ["--on"]),
    ({"l": [1, "ü", None, True], "e": {}}, ["--e", "{}", "--l", '[1, "ü", null, true]']),
    ({"x": ""}, ["--x", ""]),
    ({"x": -1, "y": -0.5}, ["--x", "-1", "--y", "-0.5"]),
    ({"x": -1e-05}, ["--x=-1e-05"]),
    ({"x": "-a", "y": "--b", "z": "-1"}, ["--x=-a", "--y=--b", "--z=-1"]),
    ({"x": 1e-05, "y": 1e300}, ["--x", "1e-05", "--y", "1e+300"]),
    ({"x": "a b\n'\"$(c)*"}, ["--x", "a b\n'\"$(c)*"]),
    ({"batch-size": 8}, ["--batch-size", "8"]),
]


@pytest.mark.parametrize(("args", "flags"), FLAGS)
def test_flags(args, flags):
    assert to_flags(args) == flags


FLAG_KEYS = KEYS.filter(lambda key: "=" not in key)
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
PLAIN = (
    st.just(value=True)
    | NUMBERS
    | PLAIN_TEXT.filter(lambda text: text[:1] not in "+-.0123456789'\"[{TFNrRuU")
)
NESTED = st.recursive(
    PLAIN, lambda inner: st.dictionaries(FLAG_KEYS, inner, min_size=1, max_size=3), max_leaves=6
)


@given(st.dictionaries(FLAG_KEYS, NESTED, max_size=4))
def test_the_flags_that_come_out_are_those_that_went_in(args):
    found = read(to_flags(args))
    assert found == args
    assert same(flat(found), flat(args))


@given(NUMBERS | PLAIN_TEXT)
def test_argparse_takes_each_value_for_the_value_of_its_flag(value):
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--x")
    parser.add_argument("--y")
    assert parser.parse_args(to_flags({"x": value, "y": 1})).x == text_of(value)


TOKEN_TEXTS = [
    (True, "True"),
    (None, "None"),
    (1.0, "1.0"),
    ("True", "True"),
    ({"a": None}, '{"a": null}'),
]


@pytest.mark.parametrize(("value", "text"), TOKEN_TEXTS)
def test_a_value_as_one_token(value, text):
    assert text_of(value) == text


def test_a_text_is_shortened_to_one_line_that_no_terminal_obeys():
    assert shortened("  a\n b\tc ") == "a b c"
    assert shortened("x" * 61) == "x" * 57 + "..."
    assert shortened("x" * 60) == "x" * 60
    assert shortened("red \x1b[31mü\udcff") == "red \\x1b[31mü\\udcff"
    assert shortened("x" * 9, 8) == "xxxxx..."


REPORTED = [
    (float("nan"), f"loss: nan is not a finite number; {AS_TEXT}"),
    (object(), "loss: no store holds a value of type object"),
    ({1: 2}, "loss: the key 1 is not text"),
]


@pytest.mark.parametrize(("value", "message"), REPORTED)
def test_a_value_from_python_that_no_store_holds(value, message):
    assert refusal(normalised, value, "loss") == message
