"""The rooms of the house: who may import whom, and which library belongs to which room."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "labq"
FILES = sorted(PACKAGE.rglob("*.py"))

# Each row may import the rows below it, and its own.
ROWS = [
    {"cli", "shell"},
    {"client", "worker", "job"},
    {"queue", "offline", "source"},
    {"store"},
    {"filters"},
    {
        "model",
        "task",
        "resources",
        "words",
        "args",
        "template",
        "interpreters",
        "config",
        "clock",
        "errors",
        "stops",
        "private",
    },
]
ROW = {room: at for at, row in enumerate(ROWS) for room in row}
LOWEST = [
    "model",
    "task",
    "resources",
    "template",
    "interpreters",
    "config",
    "words",
    "args",
    "clock",
    "errors",
    "stops",
    "private",
]  # each may import those after it

# A library -> the places that may import it.
OWNERS = {
    "rich": ("cli/render.py",),
    "typer": ("cli/",),
    "sqlite3": ("store/sqlite",),
    "pymongo": ("store/mongodb",),
    "bson": ("store/mongodb",),
    "prompt_toolkit": ("shell/",),
    "dateparser": ("filters/",),
    "yaml": ("config.py", "cli/yaml_text.py"),
    "ast": ("filters/", "args.py"),
    "subprocess": ("worker/", "source/git.py"),
    "signal": ("worker/", "job/stopping.py", "__main__.py"),
}
FREE = {"__init__", "__main__", "demo"}  # the package's own door, and the demo's script


def place(path):
    return path.relative_to(PACKAGE).as_posix()


def room(path):
    return place(path).split("/")[0].removesuffix(".py")


def imports(path):
    """Every module that a file imports, wherever in it, and whether only for types."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.module == "labq":
                yield from (f"labq.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("path", FILES, ids=place)
def test_imports_go_one_way(path):
    here = room(path)
    if here in FREE:
        return
    for module in imports(path):
        if not module.startswith("labq."):
            continue
        there = module.split(".")[1]
        if there in ("__version__", "guide", "demo"):
            continue
        assert ROW[there] >= ROW[here], f"{place(path)} imports {module}, a room above its own"
        if ROW[there] == ROW[here] == 1:
            assert there == here, f"{place(path)} imports {module}, its neighbour"
        if here in LOWEST and there != here:
            assert LOWEST.index(there) > LOWEST.index(here), f"{place(path)} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=place)
def test_a_library_stays_in_its_room(path):
    if room(path) == "demo":
        return
    for module in imports(path):
        owners = OWNERS.get(module.split(".")[0])
        assert owners is None or place(path).startswith(owners), f"{place(path)} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=place)
def test_wall_time_is_read_by_the_clock_alone_and_print_is_the_scripts(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            name = f"{node.value.id}.{node.attr}"
            if name in (
                "time.time",
                "time.time_ns",
                "datetime.now",
                "datetime.utcnow",
                "date.today",
            ):
                assert place(path) == "clock.py", f"{place(path)} reads {name}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print" or room(path) == "demo", f"{place(path)} prints"


def test_every_room_has_its_tests():
    tests = Path(__file__).parent
    for name in ("filters", "store", "queue", "source", "worker", "job", "cli"):
        assert list((tests / name).glob("test_*.py")), name
    for name in ("args", "resources", "template", "config", "task", "clock", "errors"):
        assert (tests / f"test_{name}.py").exists(), name


@pytest.mark.parametrize("path", FILES, ids=place)
def test_no_module_is_past_400_lines(path):
    assert len(path.read_text().splitlines()) <= 400
