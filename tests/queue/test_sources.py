"""Edits of a task's source: what they take, and what is kept of it."""

from __future__ import annotations

import pytest
from making import task

from labq.errors import UsageError
from labq.model.task import Status
from labq.queue import parse_edit
from labq.queue.edits import applied, edit

PATCH = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n"
QUERY = {"queue": "q"}


def edited(text, source=None):
    return applied({"source": source or {"commit": "a" * 40, "host": "h"}}, [parse_edit(text)])


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("source.commit=1234567", "commit", "1234567"),
        ("source.commit= ABCDEF0 ", "commit", "abcdef0"),
        (f"source.commit={'b' * 64}", "commit", "b" * 64),
        ("source.branch=1.0", "branch", "1.0"),
        ("source.entry_point=-m lab.train", "entry_point", "-m lab.train"),
        ("source.cwd=sub/folder", "cwd", "sub/folder"),
        ("source.python=3.12", "python", "3.12"),
        ("source.url=https://ann:s3cr@tPart/x@h/lab", "url", "https://h/lab"),
    ],
)
def test_a_text_is_taken_as_it_is_typed(text, key, value):
    assert edited(text)["source"] == {"commit": "a" * 40, "host": "h", key: value}


KNOWN = (
    "(what can be edited: url, branch, commit, cwd, entry_point, python, packages, diff, untracked, "
    "bundle)"
)
REFUSED = [
    ("source.commit=main", "source.commit must be 7 to 64 hex digits, not 'main'"),
    ("source.commit=123456", "source.commit must be 7 to 64 hex digits, not '123456'"),
    ("source.commit=", "source.commit must be 7 to 64 hex digits, not ''"),
    ("source.python=three", "source.python must be a version such as 3.11, not 'three'"),
    ("source.branch=", "source.branch must be one line of text, not ''"),
    ("source.cwd=/etc", "source.cwd must be a folder of the repository, not '/etc'"),
    ("source.cwd=../x", "source.cwd must be a folder of the repository, not '../x'"),
    ("source.comit=1234567", f"no source.comit: did you mean source.commit? {KNOWN}"),
    ("source.host=h", f"no source.host {KNOWN}"),
    ("source.packages.blob=x", "source.packages is edited as a whole"),
    ("source.untracked=x", "source.untracked can only be taken away: source.untracked=None"),
    ('source={"commit": "x"}', "source is edited key by key: source.commit=1a2b3c4"),
    ("source.diff=x", "source.diff must be what git diff prints (@FILE reads it; None is none)"),
    ("source.diff=@/dev/zero", "source.diff: /dev/zero is larger than 50 MiB"),
    ("source.diff=@/no/file", "source.diff: /no/file: No such file or directory"),
    ("source.packages=", "source.packages names no package (None takes the record away)"),
    (
        "source.packages=-r other.txt",
        (
            "source.packages: '-r other.txt' is no requirement such as numpy>=1.26 (a line each; "
            "@FILE reads them)"
        ),
    ),
    (
        "source.packages=numpy=1.26",
        (
            "source.packages: 'numpy=1.26' is no requirement such as numpy>=1.26 (a line each; @FILE "
            "reads them)"
        ),
    ),
    (
        "source.packages=lab @ https://ann:s3cret@h/lab.whl",
        (
            "source.packages: lab @ https://***@h/lab.whl has a password, which whoever reads the "
            "store would see: let pip take it from the worker's own settings"
        ),
    ),
]


@pytest.mark.parametrize(("text", "told"), REFUSED)
def test_what_no_source_can_hold_is_refused(text, told):
    with pytest.raises(UsageError) as caught:
        edited(text)
    assert str(caught.value) == told


@pytest.mark.parametrize(
    "line",
    [
        *("numpy", "numpy==1.26.4", "torch>=2,<3", "ruamel.yaml (>=0.17)", "lab[a,b]~=1.0"),
        *("lab @ https://h/lab.whl", "lab[x]@ file:///srv/lab", "torch==2.1+cu118"),
        "tomli>=1; python_version < '3.11'",
    ],
)
def test_packages_are_requirements(line):
    assert edited(f"source.packages={line}")["source"]["packages"]["count"] == 1


def test_contents_are_kept_by_their_hash_and_those_before_them_are_collected(queue, tmp_path, uri):
    from making import age

    old = queue.store.blobs.put(b"old==1\n")
    queue.submit([task(source={"commit": "a" * 40, "packages": {"blob": old, "count": 1}})])
    (tmp_path / "list").write_text("# ours\nnumpy>=1.26  # fast\n\ntorch\n")
    (tmp_path / "patch").write_bytes(PATCH.encode() + b"+\xff\n")
    edits = [
        parse_edit(f"source.packages=@{tmp_path}/list"),
        parse_edit(f"source.diff=@{tmp_path}/patch"),
    ]
    report = edit(queue.store, QUERY, edits)
    assert (report.changed, report.same) == (1, 0)
    source = queue.get("1")["source"]
    found = {part: queue.store.blobs.get(source[part]["blob"]) for part in ("packages", "diff")}
    assert found == {"packages": b"numpy>=1.26\ntorch\n", "diff": PATCH.encode() + b"+\xff\n"}
    assert (source["packages"]["count"], source["diff"]["files"]) == (2, 1)
    assert edit(queue.store, QUERY, edits).same == 1
    age(uri)
    assert queue.sweep().contents == 1
    assert queue.store.blobs.renew([old]) == [old]
    edit(queue.store, QUERY, [parse_edit("source.diff=None")])
    assert "diff" not in queue.get("1")["source"]


@pytest.mark.parametrize("status", [Status.RUNNING, Status.SUCCESS])
def test_what_ran_is_not_rewritten(queue, status):
    queue.store.insert("q", [task(source={"commit": "a" * 40}, status=status.value)])
    report = edit(queue.store, QUERY, [parse_edit("source.commit=1234567")])
    assert report.changed == 0
    (reason,) = report.refused
    assert reason.startswith(f"{status}, its source cannot change")


def test_a_task_without_a_source_gets_one(queue):
    queue.submit([task()])
    assert edit(queue.store, QUERY, [parse_edit("source.commit=1234567")]).changed == 1
    assert queue.get("1")["source"] == {"commit": "1234567"}
    edit(queue.store, QUERY, [parse_edit("source=None")])
    assert "source" not in queue.get("1")
