"""`labq worker run`: what tasks ask of the machine, and which worker takes them."""

from __future__ import annotations

import json
import os
import sys

import pytest
from books import statuses, tasks, wait_for
from waiting import until

from labq.model.task import new

IDS = "ids: 0,2 or 0-3 or GPU-8932f937"


SMI = """#!/bin/sh
case "$1" in --query-gpu=*) printf '0, GPU-a\\n1, GPU-b\\n2, GPU-c\\n3, GPU-d\\n';; esac
"""


@pytest.fixture(autouse=True)
def cards(tmp_path, monkeypatch):
    """A machine whose nvidia-smi lists four GPUs, without the module that asks NVML."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/nvidia-smi").write_text(SMI)
    (tmp_path / "bin/nvidia-smi").chmod(0o755)
    (tmp_path / "bin/pynvml.py").write_text("raise ImportError\n")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "bin"))
    monkeypatch.setitem(sys.modules, "pynvml", None)


def ask(queue, **fields):
    return queue.submit([new({}, **fields)])[0]


def test_each_slot_sees_its_own_gpus(labq, queue, process, tmp_path):
    queue.submit([new({}) for _ in range(6)])
    show = (
        'echo "$CUDA_VISIBLE_DEVICES" >> seen; until [ $(wc -l < seen) -ge 2 ]; do sleep 0.01; done'
    )
    gpus = ("--gpus", "0,1,2,3", "--gpus-per-task", "2")
    worker = process("worker", "run", "-q", *gpus, "--", "sh", "-c", show)
    assert worker.wait(timeout=60) == 0
    seen = (tmp_path / "seen").read_text().split()
    assert set(seen[:2]) == {"0,1", "2,3"}  # two slots, each with its share
    assert set(seen) == {"0,1", "2,3"}
    assert statuses(queue) == ["success"] * 6


def test_a_task_gets_the_gpus_that_it_asks_for(labq, queue, tmp_path):
    ask(queue, resources={"gpus": 3})
    ask(queue, resources={"gpus": 0})
    show = 'echo "[$CUDA_VISIBLE_DEVICES]" >> seen'
    gpus = ("--gpus", "3,0,2", "--slots", "1")
    assert labq("worker", "run", "-q", *gpus, "--", "sh", "-c", show).code == 0
    assert (tmp_path / "seen").read_text().split() == ["[0,2,3]", "[]"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"resources": {"gpus": 1}}, "gpus=1"),
        ({"resources": {"cpus": 3}}, "cpus=3"),
        ({"resources": {"memory": "5Gi"}}, "memory=5Gi"),
        ({"require": ["arch=h100"]}, "arch==h100"),
        ({"resources": {"cpus": 1}, "require": ["vram>=40Gi"]}, "cpus=1 vram>=40Gi"),
    ],
)
def test_a_worker_passes_over_what_it_has_not_enough_for(labq, queue, fields, told):
    ask(queue, **fields)
    ask(queue, resources={"cpus": 2, "memory": "4Gi"}, require=["arch=a100", "vram!=3"])
    offer = ("--cpus", "2", "--memory", "4Gi", "--label", "arch=a100")
    done = labq("worker", "run", *offer, "--", "true")
    assert statuses(queue) == ["pending", "success"]
    why = f"passed over: {told} wanted, the worker has cpus=2 memory=4Gi arch=a100"
    assert f"labq: 1 task {why}\n" in done.err
    assert queue.get("1")["reason"] == why


def test_slots_together_use_no_more_than_there_is(labq, queue, process, tmp_path):
    queue.submit([new({}, resources={"cpus": 1}) for _ in range(8)])
    count = 'touch "r$LABQ_TASK_NUMBER"; ls r* | wc -l >> most; sleep 0.05; rm "r$LABQ_TASK_NUMBER"'
    worker = process("worker", "run", "-q", "--slots", "8", "--cpus", "2", "--", "sh", "-c", count)
    assert worker.wait(timeout=60) == 0
    assert statuses(queue) == ["success"] * 8
    assert max(map(int, (tmp_path / "most").read_text().split())) <= 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--gpus", "0-1,1"), "--gpus 0-1,1 names GPU 1 twice"),
        (("--gpus", "3-0"), f"--gpus 3-0: write all, a count, or {IDS}"),
        (("--gpus", "0,"), f"--gpus 0,: write all, a count, or {IDS}"),
        (("--gpus", "some"), f"--gpus some: write all, a count, or {IDS}"),
        (("--gpus", "99999"), "--gpus 99999: that many GPUs there are nowhere"),
        (("--gpu-ids", "all"), f"--gpu-ids all: write {IDS}"),
        (("--gpu-ids", "-1"), f"--gpu-ids -1: write {IDS}"),
        (("--gpus", "1", "--gpu-ids", "1"), "give --gpus or --gpu-ids, not both"),
        (
            ("--gpus", "1", "--gpus-per-task", "2"),
            "--gpus-per-task 2 is more than the worker's GPUs: 0",
        ),
        (("--cpus", "many"), "many"),
        (("--memory", "4 apples"), "4 apples"),
        (("--label", "=x"), "is not a label"),
        (("--lease", "1s", "--heartbeat", "1s"), "the heartbeat (1s) must be at most half"),
        (("--idle-timeout", "soon"), "--idle-timeout: 'soon' is not a duration"),
    ],
)
def test_a_wrong_offer_is_refused(labq, options, told):
    done = labq("worker", "run", *options, "--", "true")
    assert done.code == 2
    assert told in done.err
    assert len(done.err.splitlines()) == 1


def test_flags_set_the_lease_and_the_heartbeat(labq, queue, process):
    ask(queue)
    process("worker", "run", "--lease", "30s", "--heartbeat", "200ms", "--", "sleep", "600")
    wait_for(queue, "running")
    (task,) = tasks(queue)
    left = (task["lease"]["expires_at"] - task["started_at"]).total_seconds()
    assert 29 < left < 31
    first = task["lease"]["expires_at"]
    until(lambda: tasks(queue)[0]["lease"]["expires_at"] > first, seconds=5)


def test_a_worker_shows_itself_while_it_works(labq, queue, process):
    ask(queue)
    options = ("--gpus", "0,1", "--cpus", "2", "--memory", "1Gi", "--label", "arch=a100")
    process("worker", "run", *options, "--", "sleep", "600", env={"LABQ_HEARTBEAT": "100ms"})
    card = until(lambda: next((c for c in queue.store.workers.find({}) if c["tasks"]), None))
    assert (card["queue"], card["slots"], card["tasks"]) == ("default", 2, [1])
    assert card["labels"] == {"arch": "a100"}
    assert card["capacity"] == {"cpus": 2, "memory": 2**30, "gpus": 2}
    assert card["status"] == "busy"
    assert json.dumps(card["done"]) == "{}"


SEE = 'echo "$CUDA_VISIBLE_DEVICES $CUDA_DEVICE_ORDER" >> seen; until [ $(wc -l < seen) -ge 2 ]; do sleep 0.01; done'  # fmt: skip


@pytest.mark.parametrize(
    ("options", "environment", "seen"),
    [
        (["--gpus", "all", "--gpus-per-task", "2"], {}, {"0,1", "2,3"}),
        (["--gpus", "2"], {}, {"0", "1"}),
        (["--gpus", "0,2"], {}, {"0", "2"}),
        (["--gpu-ids", "1,GPU-d"], {}, {"1", "GPU-d"}),
        (["--gpus", "0,1"], {"CUDA_VISIBLE_DEVICES": "2,3"}, {"2", "3"}),
        (["--gpus", "all"], {"CUDA_VISIBLE_DEVICES": "GPU-b,GPU-c"}, {"GPU-b", "GPU-c"}),
    ],
)
def test_a_job_sees_its_share_of_the_gpus_that_are_there(
    labq, queue, process, tmp_path, options, environment, seen
):
    queue.submit([new({}), new({})])
    worker = process("worker", "run", *options, "--", "sh", "-c", SEE, env=environment)
    assert worker.wait(timeout=60) == 0
    lines = [line.split() for line in (tmp_path / "seen").read_text().splitlines()]
    assert {ids for ids, _ in lines} == seen
    assert {order for _, order in lines} == {"PCI_BUS_ID"}


def test_an_order_that_the_environment_names_is_kept_and_said(labq, queue, process, tmp_path):
    queue.submit([new({})])
    show = 'echo "$CUDA_VISIBLE_DEVICES $CUDA_DEVICE_ORDER" > seen'
    order = {"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}
    worker = process("worker", "run", "--gpu-ids", "1", "--", "sh", "-c", show, env=order)
    _, err = worker.communicate(timeout=60)
    told = "is kept: GPUs are counted in that order, not in nvidia-smi's\n"
    assert err.startswith(f"labq: CUDA_DEVICE_ORDER=FASTEST_FIRST {told}")
    assert (tmp_path / "seen").read_text() == "1 FASTEST_FIRST\n"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--gpus", "0,4"], "labq: --gpus 0,4: no GPU 4 (nvidia-smi counts 4)\n"),
        (["--gpus", "5"], "labq: --gpus 5: there are 4 (nvidia-smi counts 4)\n"),
        (["--gpu-ids", "GPU-e"], "labq: --gpu-ids GPU-e: no GPU GPU-e (nvidia-smi counts 4)\n"),
    ],
)
def test_a_gpu_that_is_not_there_is_refused(labq, queue, options, told):
    ask(queue)
    done = labq("worker", "run", *options, "--", "true")
    assert (done.code, done.err) == (2, told)
    assert statuses(queue) == ["pending"]


def test_where_no_gpu_can_be_detected_all_is_refused(labq, tmp_path):
    (tmp_path / "bin/nvidia-smi").write_text("#!/bin/sh\necho no driver >&2\nexit 9\n")
    done = labq("worker", "run", "--gpus", "all", "--", "true")
    assert done.code == 2
    assert done.err.startswith("labq: --gpus all: no GPU can be detected: no driver (name them, ")


def test_a_count_of_no_gpus_hides_all(labq, queue, tmp_path):
    ask(queue)
    show = 'echo "[$CUDA_VISIBLE_DEVICES]" > seen'
    done = labq("worker", "run", "--gpus", "0", "--", "sh", "-c", show)
    assert "labq: --gpus 0: no GPU for any task (--gpu-ids 0 is the first one)\n" in done.err
    assert (tmp_path / "seen").read_text() == "[]\n"
