"""A clone of what `labq.init` and `labq run` recorded, where their Python is not."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from books import statuses

SHOW = "import sys, labq\nlabq.init()\nprint(sys.executable, *sys.argv[1:])\n"


@pytest.fixture
def away(tmp_path, monkeypatch, uri):
    """Another Python, with all that this one has, until it is `moved`; we are beside train.py."""
    place = tmp_path / "away"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    (site,) = (place / "lib").glob("python*/site-packages")
    (site / "all.pth").write_text("\n".join(path for path in sys.path if os.path.isdir(path)))
    (tmp_path / "train.py").write_text(SHOW)
    tool = place / "bin" / "train"
    tool.write_text(f"#!{place}/bin/python\n{SHOW}")
    tool.chmod(0o755)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.delenv("CONDA_PREFIX", raising=False)
    monkeypatch.chdir(tmp_path)
    return place


def output(tmp_path, queue, ref):
    return (tmp_path / "home" / "tasks" / queue.get(ref)["_id"] / "1.stdout").read_text()


@pytest.mark.parametrize(
    "words",
    [
        ["{away}/python", "train.py"],
        ["{away}/python3", "-u", "train.py"],
        ["{away}/python", "-m", "train"],
        ["{away}/python", "-c", SHOW],
    ],
)
@pytest.mark.parametrize("offline", [False, True])
def test_a_clone_of_a_program_runs_with_the_workers_python(
    labq, queue, away, tmp_path, words, offline
):
    words = [word.format(away=away / "bin") for word in words]
    environment = {**os.environ, "LABQ_OFFLINE": "1" if offline else ""}
    subprocess.run([*words, "--lr", "1"], check=True, env=environment, capture_output=True)
    if offline:
        (folder,) = (tmp_path / "home" / "offline").iterdir()
        assert labq("import", "-q", folder).code == 0
    assert queue.get("1")["cmd"][0] == words[0]
    away.rename(tmp_path / "moved")
    labq("task", "clone", "-q", "--enqueue", "1")
    labq("worker", "run", "-q")
    assert statuses(queue) == ["success"] * 2
    assert output(tmp_path, queue, "2") == f"{sys.executable} --lr 1\n"
    assert queue.get("2")["attempts"][0]["argv"][0] == sys.executable


def test_a_clone_of_an_installed_program_is_that_beside_the_workers_python(
    labq, queue, away, tmp_path, monkeypatch
):
    subprocess.run([str(away / "bin" / "train")], check=True, capture_output=True)
    away.rename(tmp_path / "moved")
    monkeypatch.setenv("PATH", f"{tmp_path}/moved/bin:{os.environ['PATH']}")
    monkeypatch.setenv("VIRTUAL_ENV", f"{tmp_path}/moved")
    tool = tmp_path / "moved" / "bin" / "train"
    tool.write_text("#!/bin/sh\necho moved\n")
    labq("task", "clone", "-q", "--enqueue", "1")
    labq("worker", "run", "-q")
    assert output(tmp_path, queue, "2") == "moved\n"


def test_a_clone_of_a_run_starts_where_its_python_is_not(labq, queue, away, tmp_path):
    labq("run", "-q", "--", away / "bin" / "python", "train.py", "--lr", "1")
    labq("task", "clone", "-q", "--enqueue", "1")
    labq("worker", "run", "-q")
    assert output(tmp_path, queue, "2") == f"{away}/bin/python --lr 1\n"  # as it was typed
    away.rename(tmp_path / "moved")
    labq("task", "clone", "-q", "--enqueue", "1")
    labq("task", "submit", "-q", "--cmd", f"{away}/bin/python train.py")
    labq("worker", "run", "-q")
    assert output(tmp_path, queue, "3") == f"{sys.executable} --lr 1\n"
    assert statuses(queue) == ["success"] * 3 + ["failed"]
    assert queue.get("4")["reason"].startswith(f"cannot start {away}/bin/python: ")


def test_without_a_source_the_python_has_no_path(labq, queue, away, tmp_path, monkeypatch):
    monkeypatch.setenv("LABQ_SOURCE", "false")
    subprocess.run([str(away / "bin" / "python"), "train.py"], check=True, capture_output=True)
    assert queue.get("1")["cmd"] == ["python", "train.py"]
