"""The rooms of the house: who may import whom, and which library belongs to which room."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "labq"
FILES = sorted(PACKAGE.rglob("*.py"))

# Each room may import those after it. `labq` itself, the door for users, stands above them all.
ROOMS = [
    *("labq", "cli", "shell", "client", "inprocess", "worker", "job", "spool", "source", "queue"),
    *("store", "model", "resources", "command", "filters", "config", "values", "private", "clock"),
    "errors",
]
FREE = ("__init__.py", "__main__.py", "demo/")  # what stands outside of the rooms
ABOUT_ITSELF = {"labq.__version__"}  # what any room may ask the package for

# The doors: what is imported from inside these rooms by others is named here.
INSIDE = {
    "store.sqlite": ("store/__init__.py",),
    "store.mongodb": ("store/__init__.py",),
    "filters.match": ("filters/__init__.py",),
}

# Modules that import each other, and are still to be parted; never another one.
CIRCLES = [
    {"filters.calls", "filters.parser"},
    {"queue.presence", "queue.selection"},
    {
        *("client.beside", "client.bulk", "client.client", "client.config_view"),
        *("client.instances", "client.local_copy", "client.origin", "client.run", "client.task"),
        *("client.verbs", "client.waits"),
    },
    {"store.sqlite.connection", "store.sqlite.schema"},
]

# A library -> the places that may import it.
OWNERS = {
    "rich": ("cli/render.py",),
    "typer": ("cli/",),
    "sqlite3": ("store/sqlite/",),
    "pymongo": ("store/mongodb/",),
    "bson": ("store/mongodb/",),
    "prompt_toolkit": ("shell/",),
    "dateparser": ("values/dates.py",),
    "yaml": ("config.py", "cli/yaml_text.py"),
    "ast": ("filters/", "command/"),
    "subprocess": ("worker/", "source/git.py"),
    "signal": ("worker/", "inprocess/", "job/stop.py", "__main__.py"),
}
WALL_TIME = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "date.today"}


def place(path):
    return path.relative_to(PACKAGE).as_posix()


def module(path):
    """`store.sqlite.codec` of labq/store/sqlite/codec.py, `store` of labq/store/__init__.py."""
    return place(path).removesuffix(".py").replace("/", ".").removesuffix(".__init__")


MODULES = {module(path) for path in FILES}


def imports(path):
    """Every module that a file imports, wherever in it, for types too: `labq.store.base`."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                known = whole.removeprefix("labq.") in MODULES or whole in ABOUT_ITSELF
                yield whole if known else node.module


def imports_of_labq():
    """Pairs of a file and the module of labq that it imports: `store.base`, or `labq` itself."""
    for path in FILES:
        for name in set(imports(path)) - ABOUT_ITSELF:
            if name.split(".")[0] == "labq":
                yield path, name.removeprefix("labq.")


def test_imports_go_one_way_between_rooms():
    def row(name):
        return ROOMS.index(name.split(".")[0])

    assert [
        f"{place(path)} imports {name}"
        for path, name in imports_of_labq()
        if not place(path).startswith(FREE) and row(name) < row(module(path))
    ] == []


def test_nothing_reaches_past_the_door_of_a_room():
    assert [
        f"{place(path)} imports {name}"
        for path, name in imports_of_labq()
        for room, doors in INSIDE.items()
        if name.startswith(room) and not place(path).startswith((*doors, room.replace(".", "/")))
    ] == []


def test_no_module_is_imported_by_what_it_imports():
    graph = {}
    for path, name in imports_of_labq():
        graph.setdefault(module(path), set()).add(name)

    def reached(start):
        seen, ahead = set(), [start]
        while ahead:
            for name in graph.get(ahead.pop(), set()) - seen:
                seen.add(name)
                ahead.append(name)
        return seen

    circles = {name: {other for other in reached(name) if name in reached(other)} for name in graph}
    assert [sorted(circle) for circle in circles.values() if circle and circle not in CIRCLES] == []
    assert [circle for circle in CIRCLES if circle not in circles.values()] == []


def test_a_library_stays_in_its_room():
    assert [
        f"{place(path)} imports {name}"
        for path in FILES
        for name in imports(path)
        if not place(path).startswith(OWNERS.get(name.split(".")[0], ""))
        and "demo/" not in place(path)
    ] == []


def test_wall_time_is_read_by_the_clock_alone_and_print_is_the_scripts():
    offenders = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                name = f"{node.value.id}.{node.attr}"
                if name in WALL_TIME and place(path) != "clock.py":
                    offenders.append(f"{place(path)} reads {name}")
            prints = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
            if prints and not place(path).startswith("demo/"):
                offenders.append(f"{place(path)} prints")
    assert offenders == []


def test_every_room_has_its_tests():
    tests = Path(__file__).parent
    for name in sorted({path.relative_to(PACKAGE).parts[0] for path in FILES}):
        if name.endswith(".py"):
            assert (
                name in ("__init__.py", "__main__.py", "spool.py")
                or (tests / f"test_{name}").exists()
            ), name
        else:
            assert (
                name == "demo"
                or list(tests.glob(f"{name}/**/test_*.py"))
                or (tests / f"test_{name}.py").exists()
            ), name


def test_no_module_is_past_400_lines():
    assert [place(path) for path in FILES if len(path.read_text().splitlines()) > 400] == []
