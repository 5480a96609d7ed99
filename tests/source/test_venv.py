"""The packages of a task in an environment of their own, from wheels on this disk."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest

from labq.source import venv
from labq.source.git import GitError

HERE = ".".join(map(str, sys.version_info[:2]))


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """The package `greet` 1.0, and a pip that looks nowhere else."""
    with zipfile.ZipFile(tmp_path / "greet-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("greet.py", "word = 'hello'\n")
        info = "greet-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: greet\nVersion: 1.0\n")
        tags = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{info}/WHEEL", tags)
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))


@pytest.fixture
def source(blobs):
    """What a task with these packages recorded."""

    def made(packages, python=f"{HERE}.1"):
        return {"python": python, "packages": {"blob": blobs.put(packages.encode())}}

    return made


def test_a_job_finds_the_packages_and_labq(wheels, source, blobs, tmp_path, monkeypatch):
    recorded = source("greet==1.0\nlabq==0.0.0\npip==99.9\n")
    variables = venv.build(tmp_path, recorded, blobs)
    code = "import greet, labq, sys; print(greet.word, sys.prefix)"
    done = subprocess.run(
        ["python", "-c", code], env=variables, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"hello {variables['VIRTUAL_ENV']}\n"
    monkeypatch.setattr(venv, "run", None)  # nothing is made a second time
    assert venv.build(tmp_path, recorded, blobs) == variables


def test_one_that_was_not_finished_is_made_anew(wheels, source, blobs, tmp_path):
    with pytest.raises(GitError, match="the requirement nothing==1"):
        venv.build(tmp_path, source("nothing==1.0\n"), blobs)
    (folder,) = (path for path in (tmp_path / "venvs").iterdir() if path.is_dir())
    (folder / "junk").touch()
    with pytest.raises(GitError):
        venv.build(tmp_path, source("nothing==1.0\n"), blobs)
    assert not (folder / "junk").exists()


def test_what_there_is_not_is_said(source, blobs, tmp_path):
    with pytest.raises(GitError, match=r"^its packages were not recorded$"):
        venv.build(tmp_path, {}, blobs)
    with pytest.raises(GitError, match=r"^there is no Python 2\.1 here$"):
        venv.build(tmp_path, source("", python="2.1.0"), blobs)


def test_it_ends_when_it_is_stopped(source, blobs, tmp_path):
    with pytest.raises(GitError, match=r"^venv was stopped$"):
        venv.build(tmp_path, source(""), blobs, lambda: True)
