from __future__ import annotations

import subprocess
import sys
import uuid

import pytest

from labq.errors import UsageError
from labq.model.task import (
    EDITABLE,
    FIELDS,
    NOTES,
    SETTINGS,
    TAKES,
    TYPES,
    Kind,
    Status,
    checked,
    keyed_id,
    new,
    new_id,
    status_query,
)
from labq.values.durations import LONGEST


def refusal(call, *args, **fields):
    with pytest.raises(UsageError) as caught:
        call(*args, **fields)
    return str(caught.value)


# statuses


WORDS = {
    Status.DRAFT: ["draft", "undefined", "created", "UnSubmitted"],
    Status.WAITING: ["waiting"],
    Status.PENDING: ["pending"],
    Status.RUNNING: [
        *("running", "starting", "in_progress", "PartiallyExecuting", "FullyExecuting"),
        *("UploadingResults", "DownloadingResults"),
    ],
    Status.SUCCESS: ["success", "Succeeded", "completed"],
    Status.FAILED: ["failed", "Failure"],
    Status.CANCELLED: ["cancelled", "canceled", "aborted", "stopped"],
}


def test_the_statuses():
    assert [str(status) for status in Status] == [
        *("draft", "waiting", "pending", "running", "success", "failed", "cancelled"),
    ]


@pytest.mark.parametrize("status", Status)
def test_other_systems_words_in_any_case(status):
    for word in WORDS[status]:
        for spelled in (word, word.lower(), word.upper(), f" {word} "):
            assert status_query(spelled) == {"status": status.value}


@pytest.mark.parametrize("word", ["queued", "Submitted", "PartiallyDispatched", "FullyDispatched"])
def test_what_others_have_queued_waits_or_is_pending(word):
    for spelled in (word, word.lower(), word.upper()):
        assert status_query(spelled) == {"status": {"$in": ["waiting", "pending"]}}


@pytest.mark.parametrize("word", ["published", "Sealed", "closed", "publishing"])
def test_published_is_no_status_but_a_field(word):
    assert status_query(word) == {"published_at": {"$exists": True}}


KNOWN = (
    "(there are draft, waiting, pending, running, success, failed, cancelled, published, stopping, "
    "stalled)"
)
NO_STATUS = [
    ("pendin", f"no status 'pendin': did you mean pending? {KNOWN}"),
    ("Runing", f"no status 'Runing': did you mean running? {KNOWN}"),
    ("xyz", f"no status 'xyz' {KNOWN}"),
    ("", f"no status '' {KNOWN}"),
]


@pytest.mark.parametrize(("word", "message"), NO_STATUS)
def test_an_unknown_status(word, message):
    assert refusal(status_query, word) == message


# fields


def test_what_may_be_edited_and_where():
    assert EDITABLE == NOTES | SETTINGS
    assert not NOTES & SETTINGS
    assert set(FIELDS) >= EDITABLE
    assert {"tags", "comment", "metadata", "summary"} == NOTES  # of what runs or has ended
    assert TAKES["edit"] == (Status.DRAFT, Status.WAITING, Status.PENDING)


CHECKED = [
    ("args", {"a.b": 1}, {"a": {"b": 1}}),
    ("metadata", {}, {}),
    ("summary", {"acc": 0.9}, {"acc": 0.9}),
    ("cmd", "python train.py --name 'a b'", ["python", "train.py", "--name", "a b"]),
    ("cmd", ["python", "a b"], ["python", "a b"]),
    ("tags", "night", ["night"]),
    ("tags", ["b", "a", "b"], ["b", "a"]),
    ("tags", [], []),
    ("name", "base", "base"),
    ("name", 4, "4"),
    *(("short", text, text) for text in ("a", "0a", "best-lr", "a--b", "beef", "1-2", "x" * 63)),
    ("comment", "two\nlines", "two\nlines"),
    ("priority", -5, -5),
    ("priority", 2**31 - 1, 2**31 - 1),
    ("max_retries", 0, 0),
    ("timeout", 90, 90),
    ("timeout", 0.5, 0.5),
    ("timeout", LONGEST, LONGEST),
    ("retry_delay", 0, 0),
    ("retry_delay", 2.5, 2.5),
    ("retry_delay", LONGEST, LONGEST),
    ("resources", {"gpus": 1, "memory": "4Gi"}, {"memory": 4 * 2**30, "gpus": 1}),
    ("resources", "cpus=500m", {"cpus": 0.5}),
    ("resources", {}, {}),
    ("require", "gpu=a100", [{"key": "gpu", "op": "==", "value": "a100"}]),
    ("require", [{"key": "gpu", "op": "exists"}], [{"key": "gpu", "op": "exists"}]),
    ("require", [], []),
    ("env", {"A": "1", "_b2": "x=y"}, {"A": "1", "_b2": "x=y"}),
    ("env", {"a": "two\nlines", "EMPTY": ""}, {"a": "two\nlines", "EMPTY": ""}),
    ("cwd", "/srv/a b", "/srv/a b"),
    *(("type", one, one) for one in TYPES),
    ("type", " Service", "service"),
    ("project", "vision/resnet 50", "vision/resnet 50"),
    ("retention", {"ttl": "7d", "auto_delete": True}, {"ttl": 604800.0, "auto_delete": True}),
    ("retention", {"ttl": 90}, {"ttl": 90.0}),
    ("publish_on_success", False, False),
]


@pytest.mark.parametrize(("field", "value", "stored"), CHECKED)
def test_a_field_as_it_is_stored(field, value, stored):
    assert repr(checked(field, value)) == repr(stored)


SECONDS = "timeout must be seconds above zero, at most 3153600000"
DELAY = "retry_delay must be seconds of 0 or more, at most 3153600000"
NO_NAME = "not a variable's name (letters, digits and _, no digit first)"
TYPE_LIST = (
    "(there are training, testing, inference, data_processing, application, monitor, controller,"
    " optimizer, service, qc, custom)"
)
NO_PROJECT = "project must be a path such as vision/resnet, not"
REFUSED = [
    ("type", "trainig", f"no type 'trainig': did you mean training? {TYPE_LIST}"),
    ("type", "", f"no type '' {TYPE_LIST}"),
    ("type", None, f"no type 'None' {TYPE_LIST}"),
    *(("project", one, f"{NO_PROJECT} '{one}'") for one in ("/a", "a/", "a//b", "a/ b", "../a")),
    ("project", "", "project must not be empty"),
    ("project", "a\nb", "project must be one line of text, not 'a b'"),
    ("retention", 5, "retention must be a dict such as {'ttl': '7d'}, not '5'"),
    ("retention", {"tl": 5}, "retention must be a dict such as {'ttl': '7d'}, not '{\"tl\": 5}'"),
    ("retention", {"auto_delete": 1}, "auto_delete must be True or False, not '1'"),
    ("publish_on_success", "yes", "publish_on_success must be True or False, not 'yes'"),
    ("args", 1, "args must be a dict, not '1'"),
    ("args", None, "args must be a dict, not 'None'"),
    ("metadata", [1], "metadata must be a dict, not '[1]'"),
    ("summary", "x" * 99, f"summary must be a dict, not '{'x' * 57}...'"),
    ("args", {"$a": 1}, "args: the key '$a' begins with $, which MongoDB keeps to itself"),
    ("cmd", "", "cmd must be a command, not ''"),
    ("cmd", [], "cmd must be a command, not '[]'"),
    ("cmd", ["a", 1], "cmd must be a command, not '[\"a\", 1]'"),
    ("cmd", 4, "cmd must be a command, not '4'"),
    ("cmd", "echo 'a", 'cmd: no closing quotation in "echo \'a"'),
    (
        "cmd",
        ["a\0"],
        "cmd: the text holds a NUL character, which no command line can carry",
    ),
    ("tags", [1], "tags must be a list of words, not '[1]'"),
    ("tags", [""], "tags must be a list of words, not '[\"\"]'"),
    ("tags", "", "tags must be a list of words, not ''"),
    ("tags", {"a": 1}, "tags must be a list of words, not '{\"a\": 1}'"),
    ("name", "", "name must not be empty"),
    ("comment", " \n", "comment must not be empty"),
    ("name", "a\nb", "name must be one line of text, not 'a b'"),
    ("name", "a\x1b", "name must be one line of text, not 'a\\\\x1b'"),
    ("cwd", "", "cwd must not be empty"),
    ("cwd", "a\nb", "cwd must be one line of text, not 'a b'"),
    ("env", ["A=1"], "env must be a dict of texts, not '[\"A=1\"]'"),
    ("env", {"A": 1}, "env must be a dict of texts, not '{\"A\": 1}'"),
    ("env", {"1A": ""}, f"'1A' is {NO_NAME}"),
    ("env", {"A-B": ""}, f"'A-B' is {NO_NAME}"),
    ("env", {"É": ""}, f"'É' is {NO_NAME}"),
    ("env", {"": ""}, f"'' is {NO_NAME}"),
    ("env", {"LABQ_URI": ""}, "LABQ_URI is labq's own to set for a job"),
    ("env", {"A": "\0"}, "env A: the text holds a NUL character, which no command line can carry"),
    ("name", "a\0", "name: the text holds a NUL character, which no command line can carry"),
    ("priority", 1.5, "priority must be a whole number, not '1.5'"),
    ("priority", "high", "priority must be a whole number, not 'high'"),
    ("priority", True, "priority must be a whole number, not 'True'"),
    ("priority", 2**31, "priority must be a whole number, not '2147483648'"),
    ("max_retries", -1, "max_retries must be a whole number of 0 or more, not '-1'"),
    ("max_retries", "2", "max_retries must be a whole number of 0 or more, not '2'"),
    ("timeout", 0, f"{SECONDS}, not '0'"),
    ("timeout", -1.5, f"{SECONDS}, not '-1.5'"),
    ("timeout", "10m", f"{SECONDS}, not '10m'"),
    ("timeout", True, f"{SECONDS}, not 'True'"),
    ("timeout", float("inf"), f"{SECONDS}, not 'inf'"),
    ("timeout", float("nan"), f"{SECONDS}, not 'nan'"),
    ("timeout", LONGEST + 1, f"{SECONDS}, not '3153600001.0'"),
    ("retry_delay", -1, f"{DELAY}, not '-1'"),
    ("retry_delay", "10s", f"{DELAY}, not '10s'"),
    ("retry_delay", False, f"{DELAY}, not 'False'"),
    ("retry_delay", float("nan"), f"{DELAY}, not 'nan'"),
    ("retry_delay", LONGEST + 1, f"{DELAY}, not '3153600001.0'"),
    ("resources", 1, "resources must be a dict such as {'cpus': 2}, not '1'"),
    ("resources", {"gpus": -1}, "gpus must be a whole number of 0 or more, not '-1'"),
    ("require", {"gpu": "a100"}, 'require must be a list of requirements, not \'{"gpu": "a100"}\''),
    (
        "require",
        ["gpu>"],
        "'gpu>' is not a requirement (write gpu, gpu==a100, gpu!=a100 or vram>=40Gi)",
    ),
]


@pytest.mark.parametrize(("field", "value", "message"), REFUSED)
def test_what_a_field_cannot_hold(field, value, message):
    assert refusal(checked, field, value) == message


# documents


def test_an_id_is_a_uuid4():
    ids = {new_id() for _ in range(100)}
    assert len(ids) == 100
    for one in ids:
        parsed = uuid.UUID(hex=one)
        assert (parsed.version, parsed.variant) == (4, uuid.RFC_4122)
        assert parsed.hex == one


def test_an_id_made_of_words_is_always_the_same_uuid8():
    words = [
        ("default", "k"),
        ("default", "k", "1"),
        ("default", "k1"),
        ("d", "efaultk"),
        ("é", ""),
    ]
    ids = [keyed_id(*one) for one in words]
    assert ids == [keyed_id(*one) for one in words]
    assert len(set(ids)) == len(words)
    for one in ids:
        parsed = uuid.UUID(hex=one)
        assert (parsed.version, parsed.variant) == (8, uuid.RFC_4122)
        assert parsed.hex == one


def test_a_new_task_is_pending_and_has_fields_of_the_document_alone():
    task = new({"b": {"c": 1}, "a": 2}, name="base", tags=["t"], priority=3, comment=None)
    identity = task.pop("_id")
    assert len(identity) == 32
    assert task == {
        "status": "pending",
        "args": {"b": {"c": 1}, "a": 2},
        "args_signature": '["a","b.c"]',
        "type": "training",
        "name": "base",
        "tags": ["t"],
        "priority": 3,
        "max_retries": 0,
        "retries": 0,
        "attempt": 0,
        "rev": 0,
    }
    assert set(task) <= set(FIELDS)
    assert type(task["status"]) is str


def test_a_new_task_may_ask_for_things():
    task = new({}, resources={"gpus": 1}, require=["nvlink"], retry_delay=30)
    assert task["resources"] == {"gpus": 1}
    assert task["require"] == [{"key": "nvlink", "op": "exists"}]
    assert task["retry_delay"] == 30


def test_a_task_that_asks_for_nothing_is_made_without_the_room_of_resources():
    code = "import sys, labq.model.task as t; t.new({}); print('labq.resources' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_new_task_with_a_bad_field_is_refused():
    assert refusal(new, {}, priority="x") == "priority must be a whole number, not 'x'"


def test_times_are_dates():
    assert {name for name, kind in FIELDS.items() if kind is Kind.DATE} == {
        name for name in FIELDS if name.endswith("_at")
    }


@pytest.mark.parametrize(
    "value",
    [
        *("", "-a", "a-", "A", "a_b", "a.b", "a b", "a#1", "é", "a\n", "x" * 64, 5, None, ["a"]),
        *("5", "007", "0123456789abcdef" * 2),
    ],
)
def test_a_short_name_is_a_dns_label_that_is_no_other_reference(value):
    with pytest.raises(UsageError) as caught:
        checked("short", value)
    assert str(caught.value).startswith(
        "short must be a DNS label (1 to 63 of a-z, 0-9 and -, a letter or digit first and last)"
        " that is no number and no id, not "
    )
