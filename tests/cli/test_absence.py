"""What is not there: a store, a queue, a status, a name; nobody makes it by looking for it."""

from __future__ import annotations

import os
import shlex
import subprocess
from contextlib import closing
from functools import partial

import pytest
import servers

from labq import Client
from labq.errors import FilterError, StoreError, TaskNotFound
from labq.store import find_store, open_store

READERS = [
    *("task ls", "task ls --json", "task ls -q", "task count", "task show 5", "task diff 4 5"),
    *("task compare 4 5", "task compare -f {}", "task source 5", "task group ls"),
    *("task group show 5", "wait -f {}", "wait 5", "events", "events --json", "queue ls"),
    *("queue show", "worker ls", "worker ls -a", "worker show w", "queue sweep"),
    *("task cancel -f {}", "task delete -f {} --yes", "task update -f {} -u priority=1"),
    *("task requeue 5", "task reset -f {} --yes", "task enqueue -f {}", "task tag -f {} +a"),
    *(
        "task clone -f {}",
        "worker stop --all",
        "queue update --max-tasks 5",
        "queue delete default",
    ),
    *("queue resume", "queue rename default new", "task report 5 a=1", "worker run -- true"),
]
REFUSED = ["task submit --after 1 -- --a 1", "task submit --from 1", "task clone 1", "task start 1"]


@pytest.fixture
def is_made(uri, tmp_path):
    """Whether there is anything of the store."""

    def look():
        if uri.startswith("sqlite:"):
            return sorted(path.name for path in tmp_path.iterdir()) != []
        with servers.MongoClient(uri) as client:
            return client.get_default_database().list_collection_names() != []

    return look


def test_what_puts_nothing_in_makes_no_store(labq, is_made):
    for words in READERS:
        assert labq(*shlex.split(words)).code in (0, 3, 5), words
        assert not is_made(), words


def test_what_is_refused_makes_no_store_either(labq, is_made):
    for words in REFUSED:
        assert labq(*shlex.split(words)).code == 3, words
        assert not is_made(), words


def test_a_store_that_is_typed_must_be_there(labq, uri, is_made):
    told = f"labq: there is no store {uri} yet (labq task submit makes it)\n"
    for words in READERS:
        typed = shlex.split(words.replace(" -- true", f" --uri {uri} -- true"))
        result = labq(*typed, *(() if "--uri" in typed else ("--uri", uri)))
        assert (result.code, result.out, result.err) == (4, "", told), words
        assert not is_made(), words


def test_a_new_store_that_a_setting_names_is_empty_and_says_so(labq, uri):
    why = f"there is no store {uri} yet (labq task submit makes it)\n"
    assert labq("task", "ls").err == f"no tasks in queue default: {why}"
    assert labq("task", "ls").code == 0
    assert labq("task", "count").err == f"labq: {why}"
    assert labq("task", "count").out == "0\n"
    assert labq("worker", "run", "--", "true").err == f"labq: nothing to run: {why}"
    assert labq("task", "submit").code == 0
    assert labq("task", "count").err == ""


def test_a_folder_that_is_not_there_is_not_made(run, tmp_path, monkeypatch):
    monkeypatch.setenv("LABQ_HOME", str(tmp_path / "home"))
    assert run("task", "ls", "--uri", "sqlite:deep/x.db").code == 4
    assert run("task", "ls").code == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [("task", "submit"), ("queue", "create", "q")])
def test_what_puts_something_in_makes_the_store_that_is_typed(labq, uri, is_made, command):
    assert labq(*command, "--uri", uri).code == 0
    assert is_made()


def test_a_client_that_looks_makes_no_store(uri, is_made, tmp_path, monkeypatch):
    monkeypatch.setenv("LABQ_HOME", str(tmp_path / "home"))
    with Client(uri) as client:
        assert list(client.tasks()) == []
        assert client.count() == 0
        client.delete(filter={})
        with pytest.raises(
            TaskNotFound, match=r"^no task '5' in queue 'default': there is no store .* yet"
        ):
            client.get(5)
        assert not is_made()
        client.submit({"lr": 1})
        assert client.count() == 1


def test_a_loop_over_a_store_that_is_named_and_not_there_says_so(uri, is_made):
    import labq

    with pytest.raises(
        StoreError, match=r"^there is no store .* yet \(labq task submit makes it\)"
    ):
        list(labq.loop(uri=uri))
    assert not is_made()


def test_a_loop_over_a_store_that_a_setting_names_is_empty_and_says_so(
    uri, is_made, monkeypatch, caplog
):
    import labq

    monkeypatch.setenv("LABQ_URI", uri)
    assert list(labq.loop()) == []
    assert labq.loop()(print)().by_status == {}
    told = f"labq.loop: there is no store {open_store_name(uri)} yet (labq task submit makes it)"
    assert [record.getMessage() for record in caplog.records] == [told, told]
    assert not is_made()


def open_store_name(uri):
    with closing(find_store(uri)) as store:
        return store.address


def test_a_store_that_comes_later_is_seen_by_who_looked_before(uri):
    with closing(find_store(uri)) as early:
        assert (early.exists(), early.counts(), early.delete({})) == (False, {}, 0)
        watch = early.watch("q")
        with closing(open_store(uri)) as store:
            store.queues.put("q", labq_change())
        assert watch.wait(10)
        assert [record["_id"] for record in early.queues.find()] == ["q"]
        assert early.exists()


def labq_change():
    from labq.store import Change

    return Change(set={"description": "here"})


# queues, names, projects, statuses


@pytest.fixture
def two(labq):
    labq("task", "submit", "--queue", "night", "--name", "base", "--project", "vision/resnet")
    labq("task", "submit")


@pytest.mark.parametrize(
    ("words", "out", "err"),
    [
        ("task ls", "", "no tasks in queue nigth: {why}\n"),
        ("task ls -q", "", "labq: {why}\n"),
        ("task ls --json", "", "labq: {why}\n"),
        ("task count", "0\n", "labq: {why}\n"),
        ("events", "", "no events in queue nigth: {why}\n"),
        ("queue ls", "", "labq: {why}\n"),
        ("worker ls", "", "no workers in queue nigth (labq worker run starts one)\nlabq: {why}\n"),
        ("worker drain --all", "", "no workers in queue nigth\nlabq: {why}\n"),
    ],
)
def test_a_queue_that_is_not_there_is_empty_and_the_nearest_is_named(labq, two, words, out, err):
    result = labq(*words.split(), "--queue", "nigth")
    why = "no queue 'nigth': did you mean night? (there are default, night)"
    assert (result.code, result.out, result.err) == (0, out, err.format(why=why))


def test_a_worker_of_a_queue_that_is_not_there_says_so(labq, two, caplog, uri):
    import labq as package

    ran = labq("worker", "run", "--queue", "nigth", "--", "true")
    why = "no queue 'nigth': did you mean night? (there are default, night)"
    assert ran.code == 0
    assert ran.err.startswith(f"labq: {why}\nlabq: nothing to run in ")
    assert list(package.loop(uri=uri, queue="nigth")) == []
    assert f"labq.loop: {why}" in caplog.text


@pytest.mark.parametrize(
    "words", ["wait -f {}", "task delete -f {} -y", "task cancel -s pending", "task update -f {}"]
)
def test_a_verb_in_a_queue_that_is_not_there_is_refused(labq, two, words):
    result = labq(*shlex.split(words), "--queue", "x")
    told = "labq: no queue 'x' (there are default, night)\n"
    assert (result.code, result.out, result.err) == (3, "", told)


def test_a_reference_in_a_queue_that_is_not_there_names_the_queue(labq, two, monkeypatch):
    monkeypatch.setenv("LABQ_QUEUE", "nigth")
    why = "no queue 'nigth': did you mean night? (there are default, night)"
    told = f"labq: no task '1' in queue 'nigth': {why}\n"
    assert (labq("task", "show", "1").code, labq("task", "show", "1").err) == (3, told)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("-P vison/resnet", "no task has the project 'vison/resnet': did you mean vision/resnet?"),
        ("--name basse", "no task has the name 'basse': did you mean base? (there is base)"),
    ],
)
def test_a_name_that_no_task_has_is_told_with_the_nearest(labq, two, words, why):
    result = labq("task", "ls", "--queue", "night", *words.split())
    assert (result.code, result.out) == (0, "")
    assert result.err.startswith(f"no tasks in queue night match: {why}")
    assert labq("task", "count", "--queue", "night", "-P", "vision").err == ""


STATUSES = "(there are draft, waiting, pending, running, success, failed, cancelled)"


@pytest.mark.parametrize(
    ("text", "told", "at"),
    [
        ('status == "sucess"', f"status is never 'sucess'; did you mean \"success\"? {STATUSES}", '"sucess"'),
        ('"sucess" != status', f"status is never 'sucess'; did you mean \"success\"? {STATUSES}", '"sucess"'),
        ('status in ["failed", "runing"]', "status is never 'runing'; did you mean \"running\"?", '"runing"'),
        ('status not in ["Failed"]', "status is never 'Failed'; did you mean \"failed\"?", '"Failed"'),
        ('args.a > 1 and not status == "completed"', "status is never 'completed'; did you mean \"success\"?", '"completed"'),
        ('status == "queued"', "status is never 'queued'; did you mean \"waiting\" or \"pending\"?", '"queued"'),
        ('status == "published"', "status is never 'published'; did you mean exists(published_at)?", '"published"'),
        ('status == "stopping"', "status is never 'stopping'; did you mean exists(stop_requested)?", '"stopping"'),
        ("status == 3", f"status is a text {STATUSES}", "3"),
        ('outcome == "succes"', "outcome is never 'succes'; did you mean \"success\"? (there are success, failed, cancelled)", '"succes"'),
        ('type == "trainning"', "type is never 'trainning'; did you mean \"training\"? (there are training, ", '"trainning"'),
        ('{"status": "sucess"}', "status is never 'sucess'; did you mean \"success\"?", '"sucess"'),
        ('{"$or": [{"status": {"$in": ["failed", "zzz"]}}]}', f"status is never 'zzz' {STATUSES}", '"zzz"'),
        ('{"status": {"$not": {"$ne": "zzz"}}}', f"status is never 'zzz' {STATUSES}", '"zzz"'),
    ],
)  # fmt: skip
def test_a_word_that_a_field_never_holds_is_refused_at_its_place(labq, two, text, told, at):
    result = labq("task", "ls", "-f", text)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"labq: {told}")
    _, line, carets = result.err.splitlines()
    assert line[carets.index("^") : carets.rindex("^") + 1] == at


def test_words_that_a_field_may_hold_stay(labq, two):
    for text in (
        'status == "pending"',
        'status != "success" and status in ["pending", "failed"]',
        "status != None",
        'startswith(status, "pend")',
        'status < "q"',
        '{"status": {"$regex": "^pend"}, "type": {"$ne": "qc"}}',
    ):
        assert labq("task", "count", "-f", text).out == "1\n", text


def test_a_client_is_refused_the_same_word(uri):
    with Client(uri) as client:
        for wrong in ("status == 'sucess'", {"status": "sucess"}):
            with pytest.raises(FilterError, match=r"^status is never 'sucess'; did you mean"):
                list(client.tasks(filter=wrong))


# which task digits are


def test_a_number_that_is_another_tasks_name_says_so(labq):
    for name in ("a", "1", "1"):
        labq("task", "submit", "--name", name)
    shown = labq("task", "show", "1", "--json")
    assert shown.lines[0]["name"] == "a"
    assert (
        shown.err
        == "labq: 1 is the number of a task; tasks 2, 3 are named 1, too: write a number\n"
    )
    labq("task", "submit", "--name", "2")
    for words in ("task tag 2 +x", "task cancel 2", "task source 2", "wait 2", "task diff 2 3"):
        told = "labq: 2 is the number of a task; task 4 is named 2, too: write 4 for it\n"
        assert labq(*words.split()).err.startswith(told), words
    assert labq("task", "show", "3", "4").err == ""


def test_digits_that_are_no_number_say_what_they_are_taken_for(labq):
    labq("task", "submit", "--name", "7")
    told = "labq: no task has the number 7: it is taken for task 1, whose name it is\n"
    assert labq("task", "show", "7").err == told


def test_digits_that_begin_an_id_say_so(labq, queue):
    from labq.model.task import new

    queue.submit([{**new({}), "_id": "77777777" + "a" * 24}])
    told = "labq: no task has the number 7777: it is taken for task 1, whose id begins with it\n"
    assert labq("task", "show", "7777").err == told


def test_a_short_name_that_is_another_tasks_name_says_so(labq):
    labq("task", "submit", "--short", "base")
    labq("task", "submit", "--name", "base")
    told = "labq: base is the short name of a task; task 2 is named base, too: write 2 for it\n"
    assert labq("task", "show", "base").err == told


# references from a pipe


VERBS = [
    ("task delete --yes", "deleted 2 tasks\n"),
    ("task cancel", "cancelled 2 tasks\n"),
    ("task tag +x", "tagged 2 tasks\n"),
    ("task dequeue", "dequeued 2 tasks\n"),
    ("task update -u priority=3", "changed 2 tasks\n"),
    ("task clone", "copied 2 tasks: 2 draft"),
    ("task compare", "2 tasks: nothing differs\n"),
    ("task show", ""),
    ("wait --timeout 0", ""),
]


def test_references_come_from_a_pipe(labq, process, uri):
    labq("task", "submit", "--array", "1-18")
    ids = labq("task", "ls", "-q").ids
    for words, told in VERBS if uri.startswith("sqlite:") else VERBS[:2]:
        ran = process(*words.split(), stdin=subprocess.PIPE)
        out, err = ran.communicate(f"{ids.pop()}\n{ids.pop()}\n", timeout=60)
        assert (ran.returncode, err[: len(told)]) == (124 if "wait" in words else 0, told)
        assert words != "task show" or out.count("pending") == 2


@pytest.mark.parametrize("stdin", ["pipe", "null", "closed"])
def test_an_empty_pipe_does_nothing(process, uri, stdin):
    if not uri.startswith("sqlite:"):
        return
    how = {
        "pipe": {"stdin": subprocess.PIPE},
        "null": {"stdin": subprocess.DEVNULL},
        "closed": {"preexec_fn": partial(os.close, 0)},
    }
    for words, _ in VERBS if stdin == "pipe" else VERBS[:1]:
        ran = process(*words.split(), **how[stdin])
        out, err = ran.communicate("" if stdin == "pipe" else None, timeout=60)
        assert (ran.returncode, out) == (0, ""), words
        assert err == "nothing to do: stdin names no task\n"


def test_with_a_filter_stdin_is_not_read(labq, process):
    labq("task", "submit")
    ran = process("task", "cancel", "-s", "pending", stdin=subprocess.PIPE)
    assert ran.wait(60) == 0  # though nobody closes the pipe
    assert ran.stderr.read() == "cancelled 1 task\n"


def test_workers_are_named_by_a_pipe_too(labq, process):
    labq("task", "submit")
    ran = process("worker", "stop", stdin=subprocess.PIPE)
    assert ran.communicate("", timeout=60) == ("", "nothing to do: stdin names no worker\n")
    assert ran.returncode == 0


def test_a_pipe_that_says_nothing_is_named(labq, process):
    labq("task", "submit")
    ran = process("task", "cancel", stdin=subprocess.PIPE)
    told = "labq: reads references from stdin, which says nothing yet (Ctrl-C ends it)\n"
    assert ran.stderr.readline() == told
    assert ran.communicate("1\n", timeout=60)[1] == "cancelled 1 task\n"
