"""The page of `labq guide job`: its examples are a job that runs, and it names what there is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import labq
from labq import job
from labq.model.task import new

PAGE = (Path(labq.__file__).parent / "guide" / "job.md").read_text(encoding="utf-8")
BLOCKS = [
    text.replace("\n    ", "\n").strip() for text in re.findall(r"\n\n((?:    .*\n+)+)", PAGE)
]
SHELL = [block for block in BLOCKS if block.startswith("labq ")]
CODE = "\n".join(block for block in BLOCKS if block not in SHELL)


@pytest.fixture
def script(tmp_path, monkeypatch, uri):
    """The page's program; its folder is the working directory."""
    monkeypatch.setenv("LABQ_URI", uri)
    monkeypatch.setenv("LABQ_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(CODE)
    return tmp_path / "train.py"


def test_the_examples_are_a_job(queue, script):
    queue.submit([new({"lr": 0.3, "batch_size": 8, "model": {"name": "large"}})])
    command = [sys.executable, "-m", "labq", "worker", "run", "--", sys.executable, "train.py"]
    subprocess.run(command, check=True, capture_output=True)
    task = queue.get("1")
    assert (task["status"], task["progress"]) == ("success", 100)
    assert task["summary"] == {
        "loss": pytest.approx(0.1),
        "model": {"path": "model.pt"},
        "config": {"epochs": 3},
    }


def test_the_examples_in_a_shell_are_a_job_too(queue, script):
    (labq_here := script.parent / "labq").write_text(f'#!/bin/sh\n{sys.executable} -m labq "$@"\n')
    labq_here.chmod(0o700)
    queue.submit([new({})])
    words = ["-m", "labq", "worker", "run", "--", "sh", "-ec", "\n".join(SHELL), "sh"]
    path = {**os.environ, "PATH": f"{script.parent}:{os.environ['PATH']}"}
    subprocess.run([sys.executable, *words], check=True, capture_output=True, env=path)
    task = queue.get("1")
    assert (task["status"], task["progress"], task["summary"]) == ("success", 50, {"loss": 0.1})


def test_without_labq_the_script_runs_as_it_is(script):
    done = subprocess.run(
        [sys.executable, script], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stderr.count("UserWarning") == 1
    assert "UserWarning: labq.connect: this process is not a labq task" in done.stderr


def test_the_guide_names_all_that_there_is_inside_a_job():
    words = set(re.findall(r"\w+", PAGE))
    assert set(job.__all__) - words == {"CurrentTask"}  # which current_task() gives
