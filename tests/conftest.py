from __future__ import annotations

import os
import signal
import uuid
from contextlib import ExitStack

import pytest
import servers
from hypothesis import HealthCheck, settings

settings.register_profile(
    "labq", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
settings.register_profile(
    "long", deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "labq")
settings.load_profile(PROFILE)
IS_LONG = PROFILE == "long" or not os.environ.keys().isdisjoint(
    ("LABQ_TEST_TASKS", "LABQ_TEST_PAIRS")
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A long form takes as long as it takes."""
    for item in items if IS_LONG else ():
        item.add_marker(pytest.mark.timeout(0))


def pytest_configure(config: pytest.Config) -> None:
    # A shell in the background ignores SIGINT, nohup SIGHUP, in all that is started from here too.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if servers.SHARED not in os.environ:  # the process that begins the run, not one of its workers
        stack = ExitStack()
        stack.enter_context(servers.serving())
        config.add_cleanup(stack.close)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    """No setting of the person's own reaches a test: no LABQ_*, a home of the test's own."""
    for name in list(os.environ):
        if name.startswith("LABQ_") and not name.startswith("LABQ_TEST_"):
            monkeypatch.delenv(name)
    for name in ("VISUAL", "EDITOR", "PAGER", "COLUMNS"):
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
