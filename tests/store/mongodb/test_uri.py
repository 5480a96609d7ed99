"""What a MongoDB URI may say: what is refused, and what counts for nothing and is said to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import warnings

import pytest
import servers

from labq.errors import StoreError, UsageError
from labq.store import open_store
from labq.store.mongodb.uri import read

WRITES = "a write waits for a majority of the nodes, on a lone mongod for its journal"
READS = "labq reads what the primary has"

REFUSED = {
    "w=0": "w=0 does not wait for any write: leave it out",
    "w=0&journal=true": "w=0 does not wait for any write: leave it out",
    "foo=1": "MongoDB has no option foo",
    "retryWrite=true": "MongoDB has no option retryWrite: did you mean retrywrites?",
    "journal=maybe": "journal: The value of journal must be 'true' or 'false'",
    "maxPoolSize=many": "maxPoolSize: ",
    "serverSelectionTimeoutMS=soon": "serverSelectionTimeoutMS: ",
    "journal=true&journal=false": "journal is given twice",
    "authMechanism=GUESS": "authMechanism: ",
    "authMechanismProperties=WORD:s3cret": "authMechanismProperties: it cannot have this value",
    "replicaSet": "its options must be NAME=VALUE&NAME=VALUE; ",
    "server_api=1": "server_api: ",
    "tls=true&ssl=false": "Can not specify conflicting values for URI options",
    "tlsInsecure=true&tlsAllowInvalidCertificates=true": "cannot be specified simultaneously",
    "heartbeatFrequencyMS=1": "heartbeatFrequencyMS",
    "directConnection=true&loadBalanced=true": "loadBalanced",
    "srvMaxHosts=2": "srvMaxHosts",
}


@pytest.mark.parametrize("options", REFUSED)
def test_an_option_that_cannot_be_is_refused_without_a_warning(options):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UsageError) as caught:
            open_store(f"mongodb://127.0.0.1:1/lab?{options}")
    assert REFUSED[options] in str(caught.value)
    assert "s3cret" not in str(caught.value)


ASIDE = {
    "w=1": WRITES,
    "w=3": WRITES,
    "w=near": WRITES,
    "readPreference=secondary": READS,
    "readPreference=nearest": READS,
    "readConcernLevel=linearizable": READS,
    "readPreferenceTags=dc:ny": READS,
    "maxStalenessSeconds=120": READS,
    "datetime_conversion=DATETIME_MS": "labq reads times as UTC",
    "tz_aware=false": "labq reads times as UTC",
    "serverSelectionTimeoutMS=0": "labq waits at most 3 s",
    "connectTimeoutMS=0": "labq waits at most 3 s",
    "socketTimeoutMS=0": "labq waits at most 60 s",
    "timeoutMS=0": "labq waits at most 60 s",
}


@pytest.mark.parametrize("option", ASIDE)
def test_what_would_lose_or_hide_a_write_counts_for_nothing_and_is_said(option):
    store = open_store(f"mongodb://127.0.0.1:1/lab?{option}")
    assert store.notes == (f"{option} in the store's URI counts for nothing: {ASIDE[option]}",)
    assert store._database.write_concern.document == {"w": "majority"}
    assert store._database.read_preference.name == "Primary"
    assert store._database.codec_options.tz_aware
    store.close()


@pytest.mark.parametrize(
    "option", ["w=majority", "readPreference=primary", "readConcernLevel=local", "appName=x"]
)
def test_what_is_so_anyway_is_not_said(option):
    assert read(f"mongodb://h/lab?{option}", "").notes == ()


def test_a_compressor_that_is_not_installed_is_said_once_and_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store = open_store("mongodb://127.0.0.1:1/lab?compressors=lz4")
    (note,) = store.notes
    assert note.startswith("compressors=lz4 in the store's URI counts for nothing: Unsupported")
    store.close()


def test_journal_false_waits_for_no_journal(lone_mongod):
    uri = servers.with_database(lone_mongod, "test_unjournaled")
    store = open_store(f"{uri}?journal=false")
    assert store.forgetful
    assert store._database.write_concern.document == {"w": "majority", "j": False}
    assert store.workers._collection.write_concern.document == {"w": "majority"}
    store.close()


@pytest.mark.parametrize("name", ["tlsCAFile", "tlsCertificateKeyFile"])
@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "cannot read {name}={path}: No such file or directory"),
        ("folder", "cannot read {name}={path}: Is a directory"),
        ("garbage", "cannot use {name}={path}: "),
    ],
)
def test_a_file_of_tls_that_cannot_be_used_is_named(tmp_path, name, content, told):
    path = tmp_path / "file.pem"
    if content == "folder":
        path.mkdir()
    elif content:
        path.write_text(content)
    with pytest.raises(UsageError) as caught:
        open_store(f"mongodb://127.0.0.1:1/lab?tls=true&{name}={path}")
    assert told.format(name=name, path=path) in str(caught.value)


def test_a_key_whose_password_is_not_given_is_refused_and_not_asked_for(tmp_path):
    path = tmp_path / "key.pem"
    path.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n")
    with pytest.raises(UsageError, match=r"is encrypted: give tlsCertificateKeyFilePassword$"):
        open_store(f"mongodb://127.0.0.1:1/lab?tls=true&tlsCertificateKeyFile={path}")


def test_a_command_says_on_stderr_what_counts_for_nothing_and_goes_on(lone_mongod, tmp_path):
    uri = servers.with_database(lone_mongod, "test_notes") + "?w=1&readPreference=secondary"
    environment = {**os.environ, "LABQ_URI": uri, "LABQ_SOURCE": "0", "LABQ_HOME": str(tmp_path)}
    argv = [sys.executable, "-m", "labq", "task", "submit", "-q"]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        f"labq: w=1 in the store's URI counts for nothing: {WRITES}",
        f"labq: readPreference=secondary in the store's URI counts for nothing: {READS}",
    ]
    assert len(done.stdout.split()) == 1
    with servers.MongoClient(lone_mongod) as client:
        client.drop_database("test_notes")


def test_a_direct_connection_to_no_primary_is_refused(tmp_path):
    pid, port = servers.start(tmp_path, "rs")
    with servers.MongoClient("127.0.0.1", port, directConnection=True) as client:
        client.admin.command("replSetStepDown", 60, force=True)
    with pytest.raises(StoreError) as caught:
        open_store(f"mongodb://127.0.0.1:{port}/lab?directConnection=true")
    os.kill(pid, signal.SIGKILL)
    told = f"MongoDB at 127.0.0.1:{port} is no primary of the replica set rs"
    assert str(caught.value).startswith(told)
    assert str(caught.value).endswith(": leave directConnection=true out of LABQ_URI")
