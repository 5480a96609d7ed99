from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pytest

from labq.cli.editor import MOST_TRIES, edited
from labq.errors import ConflictError, UsageError

TEXT = "args:\n  lr: 0.1\n"


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The folder that temporary files go to."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def editor(monkeypatch, files):
    """Makes a shell script the editor; $1 is the file, $N the how-manieth opening this is."""

    def install(script, variable="EDITOR"):
        path, times = files.parent / "my editor", files.parent / "count"
        count = f'N=$(( $(cat "{times}" 2>/dev/null || echo 0) + 1 ))\n'
        path.write_text(f'#!/bin/sh\n{count}echo $N >"{times}"\n{script}\n')
        path.chmod(0o755)
        monkeypatch.setenv(variable, f"'{path}'")
        return path

    return install


def only(folder):
    (path,) = folder.iterdir()
    return path


def fussy(saved):
    """Takes no text that says bad."""
    if "bad" in saved:
        raise UsageError("line 1: bad is bad\nsecond line")
    return saved


def refusal(read=fussy, kind=UsageError):
    with pytest.raises(kind) as caught:
        edited(TEXT, read)
    return str(caught.value)


UNCHANGED = ["true", ": >$1", "printf '\\n  \\n' >$1", "rm $1", 'touch "$1"']


@pytest.mark.parametrize("script", UNCHANGED)
def test_a_text_left_as_it_is_or_emptied_changes_nothing(script, editor, files):
    editor(script)
    assert edited(TEXT, pytest.fail) is None
    assert list(files.iterdir()) == []


def test_a_changed_text_is_read(editor, files):
    editor("sed -i.bak s/0.1/0.2/ $1 && rm $1.bak")
    assert edited(TEXT, lambda saved: [saved]) == ["args:\n  lr: 0.2\n"]
    assert list(files.iterdir()) == []


def test_an_editor_that_replaces_the_file_is_followed(editor, files):
    editor('echo "new: ü" >$1.new && mv $1.new $1')
    assert edited(TEXT, fussy) == "new: ü\n"
    assert list(files.iterdir()) == []


def test_the_file_is_yaml_by_name_and_its_owners_alone(editor, tmp_path, files):
    editor(f'ls -l $1 >"{tmp_path}/listed"; cp $1 "{tmp_path}/seen"')
    assert edited(TEXT, fussy) is None
    listed = (tmp_path / "listed").read_text()
    assert listed.startswith("-rw-------")
    assert listed.rstrip().endswith(".yaml")
    assert str(files) in listed
    assert (tmp_path / "seen").read_text() == TEXT


def test_a_refused_text_is_opened_again_with_the_error_above_it(editor, tmp_path, files):
    editor(f'cp $1 "{tmp_path}/seen$N"; [ $N = 1 ] && echo bad: 1 >$1 || echo good: 1 >$1')
    assert edited(TEXT, fussy) == "good: 1\n"
    assert (tmp_path / "seen1").read_text() == TEXT
    assert (tmp_path / "seen2").read_text() == (
        "#! line 1: bad is bad\n"
        "#! second line\n"
        "#! Mend it, or empty the file to change nothing.\n"
        "bad: 1\n"
    )
    assert list(files.iterdir()) == []


def test_the_error_is_that_of_the_last_save(editor, tmp_path, files):
    saves = "case $N in 1) echo bad: 1;; 2) echo bad: 2;; *) echo a: 3;; esac"
    editor(f'cp $1 "{tmp_path}/seen$N"; {saves} >$1')
    assert edited(TEXT, fussy) == "a: 3\n"
    assert (tmp_path / "seen3").read_text().count("line 1: bad is bad") == 1
    assert (tmp_path / "seen3").read_text().endswith("nothing.\nbad: 2\n")
    assert list(files.iterdir()) == []


@pytest.mark.parametrize("second", [": >$1", f"printf '{TEXT}' >$1"])
def test_after_a_refusal_the_person_may_still_change_nothing(second, editor, files):
    editor(f"[ $N = 1 ] && echo bad: 1 >$1 && exit; {second}")
    assert edited(TEXT, fussy) is None
    assert list(files.iterdir()) == []


def test_a_text_refused_twice_unchanged_is_given_up_and_kept(editor, files, tmp_path):
    editor("[ $N = 1 ] && echo bad: 1 >$1; true")
    message = refusal()
    path = only(files)
    assert message == (f"line 1: bad is bad; nothing is changed, your text is kept in {path}")
    assert path.read_text().endswith("nothing.\nbad: 1\n")
    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "count").read_text() == "2\n"


def test_a_conflict_keeps_the_text_and_is_not_asked_again(editor, files):
    def read(_saved):
        raise ConflictError("task 4 is running")

    editor("echo a: 1 >$1")
    message = refusal(read, ConflictError)
    path = only(files)
    assert message == f"task 4 is running; your text is kept in {path}"
    assert path.read_text() == "a: 1\n"


def test_bytes_that_are_no_utf_8_are_kept(editor, files):
    editor(r"printf 'a: \377\n' >$1")
    message = refusal()
    path = only(files)
    assert message == f"the text is not UTF-8; nothing is changed, it is kept in {path}"
    assert path.read_bytes() == b"a: \xff\n"


# the editor's command


HINT = "set VISUAL or EDITOR, or give the edit with -u FIELD=VALUE"
MISSING = [
    ("no-such-editor", f"no editor 'no-such-editor' (No such file or directory): {HINT}"),
    ("/dev/null -w", f"no editor '/dev/null' (Permission denied): {HINT}"),
    ("ed 'x", 'the editor "ed \'x" (VISUAL or EDITOR): no closing quotation'),
]


@pytest.mark.parametrize(("command", "message"), MISSING)
def test_no_editor(command, message, monkeypatch, files):
    monkeypatch.setenv("EDITOR", command)
    assert refusal() == message
    assert list(files.iterdir()) == []


def test_an_editor_that_fails_leaves_nothing_behind_when_nothing_was_typed(editor, files):
    path = editor("exit 3")
    assert refusal() == f"the editor '{path}' ended with 3; nothing is changed"
    assert list(files.iterdir()) == []


def test_an_editor_that_fails_loses_no_text(editor, files):
    path = editor("echo a: 1 >$1; kill -TERM $$")
    message = refusal()
    kept = only(files)
    assert message == (
        f"the editor '{path}' ended with -15; nothing is changed, your text is kept in {kept}"
    )
    assert kept.read_text() == "a: 1\n"


def test_visual_goes_before_editor(editor, monkeypatch):
    editor("echo a: visual >$1", "VISUAL")
    monkeypatch.setenv("EDITOR", "false")
    assert edited(TEXT, fussy) == "a: visual\n"


@pytest.mark.parametrize("command", [None, "", "  "])
def test_vi_is_the_editor_of_who_names_none(command, editor, monkeypatch, tmp_path):
    path = editor("echo a: vi >$1")
    path.rename(tmp_path / "vi")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("EDITOR")
    if command is not None:
        monkeypatch.setenv("EDITOR", command)
    assert edited(TEXT, fussy) == "a: vi\n"


def test_an_editor_may_have_options(editor, monkeypatch):
    path = editor('echo "$1: $2" >"$3"')
    monkeypatch.setenv("EDITOR", f"'{path}' --wait 'a b'")
    assert edited(TEXT, fussy) == "--wait: a b\n"


def test_no_place_for_the_file(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    assert refusal() == "no file for the editor can be made: No such file or directory"


def test_a_ctrl_c_within_the_editor_is_the_editors_own(editor, files):
    editor("kill -INT $PPID; echo a: 1 >$1")
    code = "from labq.cli.editor import edited; print(edited('a: 0', str.upper))"
    environment = {**os.environ, "TMPDIR": str(files)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "A: 1\n\n", "")


def test_an_editor_that_breaks_the_text_each_time_anew_is_given_up(editor, tmp_path):
    calls = tmp_path / "calls"
    editor(f'echo call >> {calls}; echo bad >> "$1"')

    def refuse(_text):
        raise UsageError("bad")

    with pytest.raises(UsageError, match=r"^bad; nothing is changed, your text is kept in "):
        edited("a: 1\n", refuse)
    assert calls.read_text().count("call") == MOST_TRIES
