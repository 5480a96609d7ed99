"""Start-up is a feature: nothing heavy is imported before it is needed."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = {"rich", "pymongo", "bson", "prompt_toolkit", "yaml", "pydantic", "dateparser"}
RUN = """
import json, sys
from labq.cli.main import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)
"""


def modules(*args):
    """The modules that a run of labq imported, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", RUN, *args], capture_output=True, text=True, check=True
    )
    code, names = json.loads(done.stderr.splitlines()[-1])
    assert code == 0, done.stderr
    return set(names)


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["--version"],
        ["task", "--help"],
        ["task", "submit", "--help"],
        ["task", "submit", "--", "--foo.bar", "0.1"],
        ["task", "ls", "--quiet"],
        ["task", "count", "-f", "args.lr > 0.1"],
    ],
    ids=" ".join,
)
def test_none_of_the_heavy_libraries_is_imported(args):
    assert not {name.split(".")[0] for name in modules(*args)} & HEAVY


def test_help_imports_no_command_and_no_store():
    loaded = modules("--help")
    assert not [
        name for name in loaded if name.startswith(("labq.cli.task", "labq.store", "sqlite3"))
    ]


def test_a_submit_compiles_no_query():
    loaded = modules("task", "submit", "--", "--a", "1")
    assert not {"labq.store.sqlite.query", "labq.queue.edits", "labq.queue.claims"} & loaded


def test_labq_itself_imports_nothing_of_its_own():
    code = (
        "import sys, labq; print(sorted(name for name in sys.modules if name.startswith('labq')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['labq']\n"
