"""One job: started, heard, stopped; nothing of its group survives it."""

from __future__ import annotations

import errno
import os
import signal
import stat
import sys
import threading
from contextlib import contextmanager

import pytest
from waiting import gone, until

from labq.worker.limits import ExhaustedError
from labq.worker.output import Output
from labq.worker.process import Job, StartError

ENV = {"PATH": os.environ["PATH"], "X": "1"}


def quiet(_name, _block, _over):
    pass


@pytest.fixture
def output(tmp_path):
    made = Output(tmp_path, {"_id": "abc", "attempt": 1}, quiet)
    yield made
    made.close()


def run(output, *argv, **options):
    return Job(list(argv), ENV, output, **options).wait()


def python(output, code, **options):
    return run(output, sys.executable, "-c", code, **options)


def written(output, name):
    path = f"{output.folder}/1.{name}"
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def test_exit_code_and_usage(output):
    ended = run(output, "sh", "-c", "exit 3")
    assert (ended.code, ended.signal, ended.told) == (3, None, "exit code 3")
    assert ended.wall > 0
    assert ended.rss > 0


def test_a_signal_is_told_by_name(output):
    ended = run(output, "sh", "-c", "kill -SEGV $$")
    assert (ended.code, ended.signal, ended.told) == (None, signal.SIGSEGV, "killed by SIGSEGV")


def test_a_signal_without_a_name_is_told_by_its_number(output):
    assert run(output, "sh", "-c", "kill -40 $$").told == "killed by SIGRTMIN+6"


def test_argv_environment_and_no_input(output):
    code = "import os, sys; print(sys.argv[1:], os.environ['X'], repr(sys.stdin.read()))"
    assert run(output, sys.executable, "-c", code, "a b", "", "$X", "'").code == 0
    assert written(output, "stdout") == b"['a b', '', '$X', \"'\"] 1 ''\n"


def test_the_job_leads_a_session_of_its_own_with_pythons_signals_given_back(output):
    code = (
        "import os, signal; print(os.getsid(0) == os.getpid() == os.getpgrp());"
        "text = open('/proc/self/status').read().split('SigIgn:')[1].split()[0];"
        "print(bool(int(text, 16) >> (signal.SIGPIPE - 1) & 1))"
    )
    run(output, "sh", "-c", 'exec "$0" -S -E -c "$1"', sys.executable, code)
    first, _ignored_by_python_itself = written(output, "stdout").split()
    assert first == b"True"
    trap = run(
        Output(output_home(output), {"_id": "x", "attempt": 1}, quiet), "sh", "-c", "kill -PIPE $$"
    )
    assert trap.signal == signal.SIGPIPE


def output_home(output):
    return os.path.dirname(os.path.dirname(output.folder))


def test_output_is_kept_whatever_its_bytes(output):
    code = "import sys; sys.stdout.buffer.write(bytes(range(256)) * 1000); sys.stderr.write('e')"
    python(output, code)
    assert written(output, "stdout") == bytes(range(256)) * 1000
    assert written(output, "stderr") == b"e"


def test_files_and_folder_are_their_owners_alone_and_made_when_needed(output):
    run(output, "sh", "-c", "echo out")
    assert stat.S_IMODE(os.stat(output.folder).st_mode) == 0o700
    assert stat.S_IMODE(os.stat(f"{output.folder}/1.stdout").st_mode) == 0o600
    assert written(output, "stderr") is None


def test_a_hundred_megabytes_of_output_are_kept(output):
    python(output, "import sys\nfor _ in range(100): sys.stdout.write('x' * 2**20)")
    assert os.stat(f"{output.folder}/1.stdout").st_size == 100 * 2**20


def test_a_job_that_closes_its_output_is_waited_for(output):
    ended = python(
        output, "import os, time; os.close(1); os.close(2); time.sleep(0.2); os._exit(7)"
    )
    assert ended.code == 7
    assert ended.wall > 0.2


def test_a_child_that_keeps_the_output_open_does_not_hold_up_the_end(output):
    ended = run(output, "sh", "-c", "sleep 60 & echo $!")
    assert ended.code == 0
    assert ended.wall < 30
    until(lambda: gone(int(written(output, "stdout"))))


def test_what_left_the_session_does_not_hold_up_the_end_either(output):
    code = (
        "import os, subprocess, sys;"
        "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True).pid)"
    )
    ended = python(output, code)
    stray = int(written(output, "stdout"))
    assert ended.code == 0
    os.kill(stray, signal.SIGKILL)


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (
            ["labq-no-such-command"],
            "cannot start labq-no-such-command: no such command, or it may not be run",
        ),
        (["./plain"], "cannot start ./plain: no such command, or it may not be run"),
        (["sh", "a\0b"], "cannot start sh: embedded null byte"),
        (["true", "x" * 200_000], "cannot start true: Argument list too long"),
        (["\ud800\n"], "cannot start \\ud800: no such command, or it may not be run"),
    ],
)
def test_what_cannot_start_says_why(output, argv, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plain").write_text("no program")
    with pytest.raises(StartError) as caught:
        Job(argv, ENV, output)
    assert str(caught.value) == told
    output.abandon()


def test_a_program_that_is_no_program_says_so(output, tmp_path):
    (tmp_path / "odd").write_text("\x7fELF no")
    (tmp_path / "odd").chmod(0o755)
    with pytest.raises(StartError, match=r"^cannot start .*/odd: Exec format error$"):
        Job([str(tmp_path / "odd")], ENV, output)
    output.abandon()


def test_it_runs_in_its_folder(output, tmp_path):
    (tmp_path / "it's here").mkdir()
    run(output, "pwd", folder=str(tmp_path / "it's here"))
    assert written(output, "stdout").decode() == f"{tmp_path}/it's here\n"


@pytest.mark.parametrize("name", ["no-such", "./no-such"])
def test_a_command_that_is_not_in_its_folder_cannot_start(output, tmp_path, name):
    with pytest.raises(StartError, match=r"no such command, or it may not be run$"):
        Job([name], ENV, output, folder=str(tmp_path))
    output.abandon()


@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("/no/such", "no such folder: /no/such"),
        ("/dev/null", "no such folder: /dev/null"),
        ("/" + "x" * 300, f"its folder /{'x' * 300}: File name too long"),
        ("/a\0b", "its folder /a\\x00b: embedded null byte"),
        ("/\udcff", "no such folder: /\\udcff"),
    ],
)
def test_a_folder_that_cannot_be_entered_says_so(output, folder, told):
    with pytest.raises(StartError) as caught:
        Job(["true"], ENV, output, folder=folder)
    assert str(caught.value) == f"cannot start true: {told}"
    output.abandon()


@pytest.mark.parametrize("below", ["", "/below"])
def test_a_folder_that_others_keep_to_themselves_says_so(output, tmp_path, below):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs").chmod(0)
    folder = f"{tmp_path}/theirs{below}"
    with nobody(), pytest.raises(StartError) as caught:
        Job(["true"], ENV, output, folder=folder)
    assert str(caught.value) == f"cannot start true: its folder {folder}: Permission denied"
    output.abandon()


@pytest.mark.parametrize("name", ["", "A=B", "A\0"])
def test_an_environment_that_cannot_be_given_says_so(output, name):
    with pytest.raises(StartError, match=r"^cannot start true: "):
        Job(["true"], {**ENV, name: "1"}, output)
    output.abandon()


@contextmanager
def nobody():
    """One who may not do everything, even where root runs the tests."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(user)


def started(output, job):
    """Waits, in another thread, for a job that prints a line when it is ready; (line, thread, ends)."""
    ends = []
    thread = threading.Thread(target=lambda: ends.append(job.wait()))
    thread.start()
    return until(lambda: written(output, "stdout")), thread, ends


def test_stop_asks_the_whole_group_to_end(output):
    job = Job(["sh", "-c", "sleep 60 & echo $!; wait"], ENV, output, grace=30)
    line, thread, ends = started(output, job)
    job.stop("because")
    job.stop("later")
    thread.join(20)
    assert ends[0].told == "because"
    assert ends[0].signal == signal.SIGTERM
    until(lambda: gone(int(line)))


def test_what_ignores_the_asking_is_killed_after_the_grace_with_its_children(output):
    code = "trap '' TERM; sleep 60 & echo $!; while :; do wait; done"
    job = Job(["sh", "-c", code], ENV, output, grace=0.1)
    line, thread, ends = started(output, job)
    job.stop("because")
    while thread.is_alive():
        job.tick()
        thread.join(0.01)
    assert (ends[0].signal, ends[0].stopped) == (signal.SIGKILL, "because")
    until(lambda: gone(int(line)))


def test_a_stopped_process_ends_too(output):
    job = Job(["sh", "-c", "echo ready; kill -STOP $$; sleep 60"], ENV, output, grace=30)
    _, thread, ends = started(output, job)
    job.stop("because")
    thread.join(20)
    assert ends[0].signal == signal.SIGTERM


def test_a_timeout_stops_it(output):
    job = Job(["sleep", "60"], ENV, output, timeout=0.05)
    thread = threading.Thread(target=job.wait)
    thread.start()
    while thread.is_alive():
        job.tick()
        thread.join(0.01)
    assert job._stopped == "timeout after 0.05 s"


def test_stopping_what_has_ended_does_nothing(output):
    job = Job(["true"], ENV, output)
    assert job.wait().code == 0
    job.stop("late")
    job.kill("late")
    assert job._stopped == ""


@pytest.mark.parametrize(
    "late",
    [
        lambda job: job.stop("late"),
        lambda job: job.kill("late"),
        lambda job: job.pass_on(signal.SIGTERM, "late"),
        lambda job: job.tick(),
    ],
    ids=["stop", "kill", "pass_on", "timeout"],
)
@pytest.mark.parametrize("code", [0, 3])
def test_what_has_exited_is_stopped_no_more_though_nobody_has_reaped_it(output, code, late):
    job = Job(["sh", "-c", f"sleep 60 & echo $!; exit {code}"], ENV, output, timeout=0.001)
    until(lambda: gone(job.pid))
    late(job)
    ended = job.wait()
    assert (ended.code, ended.signal, ended.stopped) == (code, None, "")
    until(lambda: gone(int(written(output, "stdout"))))  # its group goes as ever


def test_a_job_that_cannot_be_watched_cannot_start(output, monkeypatch):
    seen = []

    def full(pid):
        seen.append(pid)
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "pidfd_open", full)
    with pytest.raises(
        ExhaustedError, match=r"^all .* file descriptors of this process are in use"
    ):
        Job(["sleep", "60"], ENV, output)
    assert gone(seen[0])
    output.abandon()


def test_a_job_leaves_no_descriptor_open(output, tmp_path):
    before = set(os.listdir("/proc/self/fd"))
    for at in range(5):
        made = Output(tmp_path, {"_id": "abc", "attempt": at}, quiet)
        Job(["sh", "-c", "echo x; echo y >&2"], ENV, made).wait()
        made.close()
    assert set(os.listdir("/proc/self/fd")) <= before
