from __future__ import annotations

import os
import signal
import uuid
import zlib
from contextlib import ExitStack
from pathlib import Path

import pytest
import servers
import shells
from hypothesis import HealthCheck, settings

from labq.queue import Queue
from labq.store import open_store

# Of hypothesis's own default by name: where CI is set, it would take them from a profile "ci".
PLAIN = settings.get_profile("default")
settings.register_profile(
    "labq", PLAIN, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile(
    "long", PLAIN, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "labq")
settings.load_profile(PROFILE)
IS_LONG = PROFILE == "long" or not os.environ.keys().isdisjoint(
    ("LABQ_TEST_TASKS", "LABQ_TEST_PAIRS", "LABQ_TEST_ALL")
)
HERE = Path(__file__).parent


MONGODS = ("lone", "replica")
BOTH = ("store", "queue", "chaos")  # what the two answer differently is the stores' own business


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A long form takes as long as it takes, and runs all on both kinds of mongod.

    Otherwise a test above the stores and the queue meets one of the two: its name says which.
    """
    if IS_LONG:
        for item in items:
            item.add_marker(pytest.mark.timeout(0))
        return
    left = [item for item in items if not _is_doubled(item)]
    config.hook.pytest_deselected(items=[item for item in items if _is_doubled(item)])
    items[:] = left


def _is_doubled(item: pytest.Item) -> bool:
    spec = getattr(item, "callspec", None)
    kind = spec.params.get("uri") if spec else None
    room = item.path.relative_to(HERE).parts[0]
    if kind not in MONGODS or room in BOTH:
        return False
    name = f"{item.path.name} {item.nodeid.partition('::')[2].replace(kind, '', 1)}"
    return kind != MONGODS[zlib.crc32(name.encode()) % 2]


def pytest_configure(config: pytest.Config) -> None:
    # A shell ignores SIGINT and SIGQUIT in the background, nohup SIGHUP, in all that starts from here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    if servers.SHARED not in os.environ:  # the process that begins the run, not one of its workers
        stack = ExitStack()
        stack.enter_context(servers.serving())
        config.add_cleanup(stack.close)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for shell in shells.MISSING:
        terminalreporter.write_line(f"{shell} is not installed: no example was run in it")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    """No setting of the person's own reaches a test: no LABQ_*, a home of the test's own."""
    for name in list(os.environ):
        if name.startswith("LABQ_") and not name.startswith("LABQ_TEST_"):
            monkeypatch.delenv(name)
    for name in ("VISUAL", "EDITOR", "PAGER", "COLUMNS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture(scope="session")
def lone_mongod() -> str:
    return servers.shared_uri("lone")


@pytest.fixture(scope="session")
def replica_mongod() -> str:
    return servers.shared_uri("replica")


@pytest.fixture(params=["sqlite", "lone", "replica"])
def uri(request, tmp_path):
    """The URI of an empty store, one of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:{tmp_path / 'labq.db'}"
        return
    server = request.getfixturevalue(f"{request.param}_mongod")
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield servers.with_database(server, name)
    with servers.MongoClient(server) as client:
        client.drop_database(name)


@pytest.fixture
def queue(uri):
    """The queue `default` of that store."""
    store = open_store(uri)
    yield Queue(store, "default")
    store.close()
