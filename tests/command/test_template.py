from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labq.command.fitting import MAX_OPTIONAL, fits, fitting
from labq.command.template import Placeholder, parse_command, parse_shell, with_raw
from labq.command.words import flat, signature
from labq.errors import ExitCode, TemplateError
from labq.filters import matcher

ARGS = {"lr": 0.1, "model": {"name": "a b", "depth": 3}, "on": True, "no": None, "l": [1, True]}


def refusal(call, *args, **options):
    with pytest.raises(TemplateError) as caught:
        call(*args, **options)
    assert caught.value.exit_code is ExitCode.USAGE
    return str(caught.value)


# list commands


RENDERED = [
    (["%(lr)"], ["0.1"]),
    (["--lr=%(lr)", "x%(model.depth)y%(lr)"], ["--lr=0.1", "x3y0.1"]),
    (["%(model.name)"], ["a b"]),
    (["%(on)", "%(no)", "%(l)"], ["True", "None", "[1, true]"]),
    (["%(model)"], ['{"name": "a b", "depth": 3}']),
    (["%(args)"], [json.dumps(ARGS)]),
    (["%(lr:5)", "%(seed:0)", "%(seed:)", "%(seed:a:b c%%)"], ["0.1", "0", "", "a:b c%%"]),
    (["%%(lr)", "%%", "100%", "%d", "%(lr)"], ["%(lr)", "%", "100%", "%d", "0.1"]),
    (["%(lr)%%", "%%%(lr)"], ["0.1%", "%0.1"]),
    (["(%(lr))"], ["(0.1)"]),
]


@pytest.mark.parametrize(("command", "argv"), RENDERED)
def test_a_placeholder_is_filled_within_its_item(command, argv):
    assert parse_command(["run", *command]).render(ARGS) == ["run", *argv]


def test_without_a_placeholder_the_args_are_appended_as_flags():
    template = parse_command(["python", "train.py", "50%%"])
    assert template.render({"b": {"c": 1}, "a": True}) == [
        *("python", "train.py", "50%"),
        *("--a", "--b.c", "1"),
    ]
    assert template.render({}) == ["python", "train.py", "50%"]


@given(st.text(), st.text())
def test_a_value_is_one_item_whatever_it_holds(value, around):
    command = ["run", around.replace("%", "%%") + "%(x)", "end"]
    assert parse_command(command).render({"x": value}) == ["run", around + value, "end"]


PLACEHOLDERS = [
    (["a"], (), {}),
    (["%(a)", "%(b.c:1)"], (Placeholder("a"), Placeholder("b.c", "1")), {"a": True, "b.c": False}),
    (["%(a:)%(a)"], (Placeholder("a", ""), Placeholder("a")), {"a": True}),
    (["%(args)", "%(a)"], (Placeholder("args"), Placeholder("a")), {"a": True}),
]


@pytest.mark.parametrize(("command", "placeholders", "keys"), PLACEHOLDERS)
def test_placeholders_in_reading_order(command, placeholders, keys):
    template = parse_command(command)
    assert template.placeholders == placeholders
    assert template.keys == keys


BAD_COMMANDS = [
    ([], "the command is empty: write it after --"),
    ([""], "the command is empty: write it after --"),
    (["a", "%(lr"], "%(lr: the placeholder is not closed (%% is a plain %)"),
    (
        ["%(" + "x" * 50],
        "%(xxxxxxxxxxxxxxxxxxx...: the placeholder is not closed (%% is a plain %)",
    ),
    (["x%{n...}"], "%{n...} is several words: it stands for itself alone"),
    (["%()"], "%(): the key is empty"),
    (["%(:1)"], "%(): the key is empty"),
    (["%(a..b)"], "%(a..b): 'a..b' has an empty key beside a dot"),
    (["%($a)"], "%($a): the key '$a' begins with $, which MongoDB keeps to itself"),
]


@pytest.mark.parametrize(("command", "message"), BAD_COMMANDS)
def test_a_bad_command_is_refused(command, message):
    assert refusal(parse_command, command) == message


def test_a_task_that_lacks_a_key_cannot_be_rendered():
    template = parse_command(["%(model.size)"])
    assert refusal(template.render, {"model": {"name": 1}, "lr": 2}) == (
        "%(model.size): the task has no such arg (it has lr, model.name)"
    )
    assert refusal(template.render, {}) == ("%(model.size): the task has no such arg (it has none)")


# shell commands


def ran(text, args, tmp_path):
    """What the shell text printed, run with nothing but its argv."""
    argv = parse_shell(text).render(args)
    assert argv[:2] == ["/bin/sh", "-c"]
    environment = {"PATH": os.environ["PATH"], "SHOW": SHOW, "PY": sys.executable}
    done = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode(errors="surrogateescape")


SHOW = "import sys, json; print(json.dumps(sys.argv[1:]))"
HOSTILE = [
    *("", " ", "a  b", "'", '"', "''", '"\'"', "\\", "\\'", "a\\", "\n", "a\nb\n", "\ttab"),
    *("$(touch pwned)", "`touch pwned`", "; touch pwned;", "| touch pwned", "& touch pwned &"),
    *("'; touch pwned; '", '"; touch pwned; "', "$(touch pwned", "\n touch pwned\n", "> pwned"),
    *("$HOME", "${HOME}", "$1", "$@", "$$", "*", "?", "[a-z]*", "~", "~root", "{a,b}", "!!", "#c"),
    *("-n", "--", "%(lr)", "%%", "=", "a=b", "\x1b[31m", "ü", "\u2028", "\\n", "$'\\n'", "()"),
]
PLACES = [
    '"$PY" -c "$SHOW" %(x)',
    'f() { "$PY" -c "$SHOW" %(x); }; f other words',
    'set -- other words; "$PY" -c "$SHOW" %(x)',
    '(cd . && "$PY" -c "$SHOW" %(x))',
    'out=$("$PY" -c "$SHOW" %(x)); printf %%s "$out"',
    'printf %%s "$("$PY" -c "$SHOW" %(x))"',
    '"$PY" -c "$SHOW" %(x) # and %%(x)',
    'true # it\'s\n"$PY" -c "$SHOW" %(x)',
    'v=%(x)\n"$PY" -c "$SHOW" "$v"',
    'for v in %(x); do "$PY" -c "$SHOW" "$v"; done',
    'case a in a) "$PY" -c "$SHOW" %(x);; esac',
    'echo it\\\'s >/dev/null; "$PY" -c "$SHOW" %(x)',
    '"$PY" -c "$SHOW" ${NONE:-%(x)}',
]


@pytest.mark.parametrize("text", PLACES)
def test_a_value_reaches_the_program_as_one_argument_and_runs_nothing(text, tmp_path):
    (tmp_path / "a.txt").touch()
    for value in ("'; touch pwned; '", '$(touch pwned) `touch pwned`\n* ~ "\\', ""):
        assert json.loads(ran(text, {"x": value}, tmp_path)) == [value]
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_every_hostile_value_arrives_unchanged(tmp_path):
    (tmp_path / "a.txt").touch()
    args = {f"k{place}": value for place, value in enumerate(HOSTILE)}
    text = '"$PY" -c "$SHOW" ' + " ".join(f"%({key})" for key in args)
    assert json.loads(ran(text, args, tmp_path)) == HOSTILE
    joined = '"$PY" -c "$SHOW" ' + " ".join(f"--x=%({key}).z" for key in args)
    assert json.loads(ran(joined, args, tmp_path)) == [f"--x={value}.z" for value in HOSTILE]
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_without_a_placeholder_hostile_flags_are_appended_each_as_it_is(tmp_path):
    args = {f"k{place:02}": value for place, value in enumerate(HOSTILE)}
    flags = parse_command(["run"]).render(args)[1:]
    assert json.loads(ran('cd . && "$PY" -c "$SHOW"\n', args, tmp_path)) == flags
    assert list(tmp_path.iterdir()) == []


def test_a_shell_command_stays_as_it_was_typed(tmp_path):
    text = "printf '%%s|' \"a $((1 + 2)) b\" 'c' && echo 100%%"
    assert ran(text, {}, tmp_path) == "a 3 b|c|100%\n"


def test_a_default_and_all_args_in_a_shell_command(tmp_path):
    text = '"$PY" -c "$SHOW" %(seed:a b) %(args)'
    args = {"x": "it's"}
    assert json.loads(ran(text, args, tmp_path)) == ["a b", '{"x": "it\'s"}']


WITHIN = [
    ("echo '%(x)'", "quotes"),
    ('echo "%(x)"', "quotes"),
    ('echo "a $(b "%(x)") c"', "quotes"),
    ('echo "a $(b $((1)) "%(x)") c"', "quotes"),
    ('echo "${v:-%(x)}"', "quotes"),
    ("echo 'a'\\''%(x)'", "quotes"),
    ("echo `b %(x)`", "backquotes"),
    ('echo "`b %(x)`"', "backquotes"),
    ("echo $((1 + %(x)))", "$((...))"),
    ("echo $(( (%(x)) ))", "$((...))"),
    ("echo a # %(x)", "a comment"),
    ("# it's\n# %(x)", "a comment"),
    ("echo \\%(x)", "a backslash's reach"),
]


@pytest.mark.parametrize(("text", "where"), WITHIN)
def test_a_placeholder_where_the_shell_would_take_it_apart_is_refused(text, where):
    assert refusal(parse_shell, text) == (
        f"%(x) stands within {where}: take it out, labq makes the value one word"
    )


WORDS = [
    "echo %(x)",
    "echo a#b %(x)",
    "echo $# ${#v} ${v#a} %(x)",
    "echo 'a' \"b\" %(x)",
    'echo "it\'s" %(x)',
    "echo 'say \"' %(x)",
    'echo "\\"" %(x)',
    "echo \\' %(x)",
    "echo $((1 + (2))) %(x)",
    'echo "$((1)) $(echo "a" (b))" %(x)',
    "echo `date` %(x)",
    "%(x)#a %(x)",
    "# it's a comment\necho %(x)",
]


@pytest.mark.parametrize("text", WORDS)
def test_a_placeholder_that_is_a_word_is_taken(text):
    assert parse_shell(text).keys == {"x": True}


BAD_SHELLS = [
    ("", "the shell command is empty"),
    (" \n", "the shell command is empty"),
    ("echo %(x", "%(x: the placeholder is not closed (%% is a plain %)"),
    ("echo %(a..b)", "%(a..b): 'a..b' has an empty key beside a dot"),
    (
        "cat <<END\n%(x)\nEND",
        "%(x) beside a here-document: write it without one, or as a script",
    ),
    ("run # note", "the shell command ends within a comment: no args can be appended"),
    ("run 'a", "the shell command ends within quotes: no args can be appended"),
    ("run \\", "the shell command ends within a backslash's reach: no args can be appended"),
]


@pytest.mark.parametrize(("text", "message"), BAD_SHELLS)
def test_a_bad_shell_command_is_refused(text, message):
    assert refusal(parse_shell, text) == message


# which tasks fit


FITS = [  # command, args, why not: exactly; why not: with --allow-extra
    (["run"], {"a": 1}, "", ""),
    (["%(args)"], {"a": 1}, "", ""),
    (["%(args)"], {}, "", ""),
    (["%(a)"], {"a": None}, "", ""),
    (["%(a)"], {}, "lacks a", "lacks a"),
    (["%(a)"], {"a": 1, "b": 2, "c": 3}, "has besides b, c", ""),
    (["%(a)", "%(b)"], {"c": 1}, "lacks a, b; has besides c", "lacks a, b"),
    (["%(a.b)"], {"a": {"b": 1}}, "", ""),
    (["%(a)"], {"a": {"b": 1}}, "lacks a; has besides a.b", ""),
    (["%(a)"], {"a": {}}, "", ""),
    (["%(a.b)"], {"a": 1}, "lacks a.b; has besides a", "lacks a.b"),
    (["%(a)", "%(b:1)"], {"a": 1}, "", ""),
    (["%(a)", "%(b:1)"], {"a": 1, "b": 2}, "", ""),
    (["%(b:1)"], {}, "", ""),
    (["%(b:1)"], {"a": 1}, "has besides a", ""),
    (["%(args)", "%(a)"], {"a": 1, "b": 2}, "", ""),
    (["%(args)", "%(a)"], {"b": 2}, "lacks a", "lacks a"),
]


def taken(template, args, *, allow_extra):
    document = {"args_signature": signature(flat(args))}
    return matcher(fitting(template, allow_extra=allow_extra))(document)


@pytest.mark.parametrize(("command", "args", "exactly", "extra"), FITS)
def test_which_tasks_fit_and_why_others_do_not(command, args, exactly, extra):
    template = parse_command(command)
    assert fits(template, args) == exactly
    assert fits(template, args, allow_extra=True) == extra
    assert taken(template, args, allow_extra=False) == (not exactly)
    assert taken(template, args, allow_extra=True) == (not extra)


KEYS = st.sampled_from(["a", "b", "c", "aa", "ab", 'a"', '"a', "a\\", "a,", "ü", "a b", "[a", "*"])
NESTED = st.dictionaries(
    KEYS,
    st.recursive(st.just(1), lambda inner: st.dictionaries(KEYS, inner, max_size=2)),
    max_size=4,
)
PATHS = st.lists(KEYS, min_size=1, max_size=2).map(".".join)


@given(NESTED, st.lists(st.tuples(PATHS, st.booleans()), max_size=4), st.booleans(), st.booleans())
def test_the_query_takes_exactly_the_tasks_that_fit(args, named, whole, allow_extra):
    command = ["run", *(f"%({key}:0)" if default else f"%({key})" for key, default in named)]
    template = parse_command(command + ["%(args)"] * whole)
    fit = not fits(template, args, allow_extra=allow_extra)
    assert taken(template, args, allow_extra=allow_extra) == fit
    if fit:
        assert parse_command(command).render(args)


QUERIES = [
    (["run"], False, {}),
    (["%(args)"], False, {}),
    (["%(b)", "%(a.c)"], False, {"args_signature": '["a.c","b"]'}),
    (["%(b)", "%(a:1)"], False, {"args_signature": {"$in": ['["b"]', '["a","b"]']}}),
    (["%(b)"], True, {"$and": [{"args_signature": {"$regex": '[[,]"b[".]'}}]}),
    (["%(b:1)"], True, {}),
]


@pytest.mark.parametrize(("command", "allow_extra", "query"), QUERIES)
def test_exactly_these_keys_is_an_equality(command, allow_extra, query):
    assert fitting(parse_command(command), allow_extra=allow_extra) == query


def test_too_many_defaults():
    template = parse_command([f"%(k{place}:0)" for place in range(MAX_OPTIONAL + 1)])
    assert refusal(fitting, template) == (
        "11 placeholders have defaults, at most 10 may (--allow-extra lifts this)"
    )
    assert fitting(template, allow_extra=True) == {}


@pytest.mark.parametrize(
    ("argv", "shell", "raw", "whole"),
    [
        (["echo", "a b"], False, "| cat", ["/bin/sh", "-c", "echo 'a b' | cat"]),
        (
            ["/bin/sh", "-c", 'run "$@" ', "labq", "--n"],
            True,
            "$x",
            ["/bin/sh", "-c", 'run "$@" $x', "labq", "--n"],
        ),
    ],
)
def test_raw_text_stands_behind_a_command_as_it_is(argv, shell, raw, whole):
    assert with_raw(argv, raw, shell=shell) == whole
