from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass

import pytest

from labq.cli import main as entry
from labq.cli import options
from labq.store import find_store, open_store


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def ids(self):
        return self.out.split()

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Runs `labq` in this process and in an empty folder; gives code, stdout and stderr."""
    stores = []

    def noted(opener):
        def opened(address):
            stores.append(opener(address))
            return stores[-1]

        return opened

    for opener in (open_store, find_store):
        monkeypatch.setattr(options, opener.__name__, noted(opener))
    monkeypatch.chdir(tmp_path)

    def command_line(*args):
        code = entry.main([str(arg) for arg in args])
        caught = capsys.readouterr()
        return Result(int(code), caught.out, caught.err)

    yield command_line
    for store in stores:
        store.close()


@pytest.fixture
def labq(run, uri, monkeypatch, tmp_path):
    """`run` on an empty store, one of each kind; a retry follows at once unless it says."""
    monkeypatch.setenv("LABQ_RETRY_DELAY", "0")
    monkeypatch.setenv("LABQ_URI", uri)
    monkeypatch.setenv("LABQ_HOME", str(tmp_path / "home"))
    return run


@pytest.fixture
def process(uri, tmp_path):
    """Starts `labq` as a process of its own, on the same store; those that run still are killed."""
    started = []

    def start(*args, **options):
        environment = {**os.environ, "LABQ_URI": uri, "LABQ_HOME": str(tmp_path / "home")}
        environment.update(options.pop("env", {}))
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
        command = [sys.executable, "-m", "labq", *args]
        started.append(subprocess.Popen(command, env=environment, cwd=tmp_path, **options))
        return started[-1]

    yield start
    for one in started:
        with one:
            one.kill()
