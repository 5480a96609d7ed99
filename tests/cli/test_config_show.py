"""`labq config show`, and what a wrong store says through the command line."""

from __future__ import annotations

import json
import time

import pytest
import servers


def test_every_setting_with_where_it_comes_from(run, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "labq.yaml").write_text("# ours\nmax_retries: 3\n")
    monkeypatch.setenv("LABQ_QUEUE", "night")
    out = run("config", "show", "--uri", "sqlite:x.db").out
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()}
    assert rows == {
        "uri": [f"sqlite:{tmp_path}/x.db", "--uri"],
        "queue": ["night", "LABQ_QUEUE"],
        "home": [f"{tmp_path}/data/labq", "default"],
        "max_retries": ["3", f"{tmp_path}/labq.yaml:2"],
        "retry_delay": ["1s", "default"],
        "lease": ["60s", "default"],
        "heartbeat": ["10s", "default"],
        "source": ["true", "default"],
    }


def test_json_and_no_password(run, monkeypatch):
    monkeypatch.setenv("LABQ_URI", "mongodb://ann:s3cret@db/lab?tlsCertificateKeyFilePassword=hush")
    out = run("config", "show", "--json").out
    shown = json.loads(out)["uri"]
    assert shown["from"] == "LABQ_URI"
    assert "***" in shown["value"]
    assert "s3cret" not in out
    assert "hush" not in out


@pytest.mark.parametrize(
    ("uri", "code", "told"),
    [
        (
            "postgres://a:s3cret@h/x",
            2,
            "is not a store (write sqlite:PATH, mongodb://HOST/DATABASE or mongodb+srv://HOST/DATABASE)",
        ),
        ("sqlite:", 2, "names no file"),
        ("sqlite:/proc/no/labq.db", 4, "there is no store sqlite:/proc/no/labq.db yet"),
        ("mongodb://ann:s3cret@h:99999/x", 2, "is not a MongoDB URI"),
    ],
)
def test_a_store_that_cannot_be_is_told_in_a_line_without_the_password(run, uri, code, told):
    result = run("task", "ls", "--uri", uri)
    assert (result.code, result.out) == (code, "")
    assert told in result.err
    assert result.err.count("\n") == 1
    assert "s3cret" not in result.err


ODD = ["s3cr@tPart/x", "s3cr/tPart", "s3cr?tPart=x@", "1234/tPart", "s3:cr@t#Part", "s3 cr/tPart"]


@pytest.mark.parametrize("scheme", ["mongodb", "mongodb+srv"])
@pytest.mark.parametrize("password", ODD)
def test_a_password_that_is_not_escaped_is_neither_told_nor_taken_for_a_host(run, scheme, password):
    uri = f"{scheme}://root:{password}@127.0.0.1/db"
    for words in (["task", "ls", "--uri", uri], ["task", "ls", f"--urii={uri}"], ["task", uri]):
        result = run(*words)
        assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
        for part in ("s3", "cr", "tPart", "1234", "Part"):
            assert part not in result.err.replace("secret", "").replace("described", "")
    told = run("task", "ls", "--uri", uri).err
    assert told.startswith(f"labq: {scheme}://root:***@127.0.0.1/db is not a MongoDB URI: ")


def test_what_a_password_must_not_hold_is_said(run):
    assert run("task", "ls", "--uri", "mongodb://root:s3cr@tPart/x@127.0.0.1/db").err == (
        "labq: mongodb://root:***@127.0.0.1/db is not a MongoDB URI: in a user's name or a "
        "password write / ? & @ : # % as %2F %3F %26 %40 %3A %23 %25\n"
    )


@pytest.mark.parametrize(
    "command",
    [["task", "submit"], ["task", "ls"], ["worker", "run", "--", "true"], ["queue", "ls"]],
)
def test_a_store_that_is_down_answers_within_5_seconds(run, command):
    port = servers.free_port()
    down = f"mongodb://ann:s3cret@127.0.0.1:{port}/x"
    began = time.monotonic()
    result = run(*command[:2], "--uri", down, *command[2:])
    assert time.monotonic() - began < 5
    assert result.code == 4
    assert result.err.startswith(f"labq: cannot reach MongoDB at 127.0.0.1:{port}: ")
    assert "s3cret" not in result.err
