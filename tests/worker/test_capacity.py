from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from making import task

from labq.filters.match.matcher import matcher
from labq.resources import checked_require, checked_resources
from labq.store import Change, open_store
from labq.worker.capacity import Capacity, Turn, machine

GI = 2**30


def asking(text="", *require, **fields):
    """A task that asks for these resources, for nothing where the text is empty."""
    asked = {"resources": checked_resources(text)} if text else {}
    required = {"require": checked_require(list(require))} if require else {}
    return task(**asked, **required, **fields)


# the machine


def test_a_machine_has_the_cpus_and_the_memory_that_this_process_may_use():
    here = machine()
    assert 0 < here["cpus"] <= os.cpu_count()
    assert 0 < here["memory"] <= os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


MAIN_MEMORY = 8 * GI
V1_MAX = "9223372036854771712\n"  # version 1 has no word for "no limit"
GROUPS = [
    ("no control groups at all", {}, 4, MAIN_MEMORY),
    (
        "version 2, in a container: its own group is the top",
        {"": "0::/", "/cpu.max": "150000 100000", "/memory.max": f"{4 * GI}"},
        1.5,
        4 * GI,
    ),
    (
        "no limits",
        {"": "0::/", "/cpu.max": "max 100000", "/memory.max": "max"},
        4,
        MAIN_MEMORY,
    ),
    (
        "limits above the machine's",
        {"": "0::/", "/cpu.max": "6400000 100000", "/memory.max": f"{64 * GI}"},
        4,
        MAIN_MEMORY,
    ),
    (
        "a group within a group: the lower of each",
        {
            "": "0::/user.slice/job 7",
            "/user.slice/job 7/cpu.max": "300000 100000",
            "/user.slice/job 7/memory.max": f"{GI}",
            "/user.slice/cpu.max": "200000 100000",
            "/user.slice/memory.max": f"{2 * GI}",
        },
        2,
        GI,
    ),
    (
        "a path of the host's that is not to be seen from inside",
        {"": "0::/docker/0123", "/cpu.max": "50000 100000"},
        0.5,
        MAIN_MEMORY,
    ),
    (
        "next to nothing is a thousandth",
        {"": "0::/", "/cpu.max": "50 100000"},
        0.001,
        MAIN_MEMORY,
    ),
    (
        "version 1",
        {
            "": "9:name=systemd:/\n5:memory:/job\n4:cpu,cpuacct:/job\n3:cpuset:/x:y",
            "/cpu/job/cpu.cfs_quota_us": "250000",
            "/cpu/job/cpu.cfs_period_us": "100000",
            "/memory/job/memory.limit_in_bytes": f"{3 * GI}",
            "/memory/memory.limit_in_bytes": V1_MAX,
        },
        2.5,
        3 * GI,
    ),
    (
        "version 1 without limits",
        {
            "": "5:memory:/\n4:cpu:/",
            "/cpu/cpu.cfs_quota_us": "-1",
            "/cpu/cpu.cfs_period_us": "100000",
            "/memory/memory.limit_in_bytes": V1_MAX,
        },
        4,
        MAIN_MEMORY,
    ),
]


@pytest.mark.parametrize(
    ("files", "cpus", "memory"), [row[1:] for row in GROUPS], ids=[row[0] for row in GROUPS]
)
def test_a_control_group_lowers_what_a_machine_has(files, cpus, memory, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 5}, raising=False)
    pages = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": MAIN_MEMORY // 4096}
    monkeypatch.setattr(os, "sysconf", pages.__getitem__)
    for name, text in files.items():
        path = tmp_path / (f"sys/fs/cgroup{name}" if name else "proc/self/cgroup")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    assert repr(machine(tmp_path)) == repr({"cpus": cpus, "memory": memory})


def test_where_there_is_no_affinity_every_cpu_counts(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert machine(tmp_path)["cpus"] == 6


# what is offered


def test_a_worker_offers_what_the_machine_has_unless_it_says_less():
    assert Capacity().total == machine()
    assert Capacity(1, gpus=["0"]).total == {"cpus": 1, "memory": machine()["memory"], "gpus": 1}
    assert Capacity(1.5, GI).total == {"cpus": 1.5, "memory": GI}


def test_an_offer_in_words():
    assert str(Capacity(2, GI)) == "cpus=2 memory=1Gi"
    assert str(Capacity(2, GI + 12345)) == "cpus=2 memory=1Gi"
    assert str(Capacity(2, 1000)) == "cpus=2 memory=1000"
    labels = {"gpu": "a100", "vram": 80 * GI, "nvlink": "true"}
    words = "cpus=0.5 memory=1Gi gpus=2 gpu=a100 vram=80Gi nvlink=true"
    assert str(Capacity(0.5, GI, ["0", "1"], labels=labels)) == words


# what fits


def fitting(query, *tasks):
    holds = matcher(query)
    return [place for place, one in enumerate(tasks) if holds(one)]


def test_what_runs_leaves_less_for_the_next_and_its_end_gives_it_back():
    capacity = Capacity(2, 4 * GI)
    small, large = asking("cpus=500m"), asking("cpus=2,memory=4Gi")
    assert fitting(capacity.query(), small, large) == [0, 1]
    grant = capacity.take(small)
    assert fitting(capacity.query(), small, large) == [0]
    assert fitting(capacity.whole_query(), small, large) == [0, 1]
    assert not capacity.whole
    capacity.give(grant)
    assert fitting(capacity.query(), small, large) == [0, 1]
    assert capacity.whole


def test_a_task_that_asks_for_nothing_takes_nothing():
    capacity = Capacity(1, GI)
    capacity.take(asking())
    assert capacity.whole
    assert fitting(capacity.query(), asking("cpus=1,memory=1Gi")) == [0]


def test_thousandths_of_a_cpu_add_up_exactly():
    capacity = Capacity(1, GI)
    tenth = asking("cpus=0.1")
    for _ in range(9):
        capacity.take(tenth)
    assert fitting(capacity.query(), tenth, asking("cpus=0.101")) == [0]
    capacity.take(tenth)
    assert fitting(capacity.query(), tenth, asking("cpus=0.001")) == []


def test_a_task_whose_requirements_the_labels_do_not_meet_never_fits():
    capacity = Capacity(1, GI, labels={"gpu": "a100"})
    tasks = asking("", "gpu==a100"), asking("", "gpu!=a100"), asking("cpus=1", "gpu", "spot")
    assert fitting(capacity.query(), *tasks) == [0]
    assert fitting(capacity.whole_query(), *tasks) == [0]


def test_a_worker_that_does_not_say_which_gpus_are_its_own_takes_no_task_that_asks_for_one():
    capacity = Capacity(1, GI)
    assert fitting(capacity.query(), asking(), asking("gpus=0"), asking("gpus=1")) == [0, 1]


def test_a_task_that_does_not_say_gets_the_workers_share_of_gpus():
    capacity = Capacity(8, GI, ["0", "1", "2"], gpus_per_task=2)
    silent, cpus, none, one = asking(), asking("cpus=1"), asking("gpus=0"), asking("gpus=1")
    assert fitting(capacity.query(), silent, cpus, none, one) == [0, 1, 2, 3]
    grant = capacity.take(silent)
    assert grant.gpus == ("0", "1")
    assert fitting(capacity.query(), silent, cpus, none, one) == [2, 3]
    assert fitting(capacity.whole_query(), silent, cpus, none, one) == [0, 1, 2, 3]
    assert capacity.take(one).gpus == ("2",)
    assert fitting(capacity.query(), silent, cpus, none, one) == [2]


def test_a_worker_with_a_share_of_none_runs_silent_tasks_beside_busy_gpus():
    capacity = Capacity(8, GI, ["0"], gpus_per_task=0)
    capacity.take(asking("gpus=1"))
    assert fitting(capacity.query(), asking(), asking("gpus=1")) == [0]
    assert capacity.take(asking()).gpus == ()


def test_more_than_is_free_is_never_granted():
    capacity = Capacity(2, GI, ["0"])
    with pytest.raises(ValueError, match="cpus=3 memory=0 gpus=1 is more than is free: cpus=2"):
        capacity.take(asking("cpus=3"))
    with pytest.raises(ValueError, match="gpus=1 is more than is free"):
        Capacity(2, GI).take(asking("gpus=1"))
    assert capacity.whole


# GPUs


def test_the_lowest_gpus_are_granted_first_and_each_comes_back_once():
    capacity = Capacity(1, GI, ["10", "GPU-b", "2", "GPU-a"])
    first, second = capacity.take(asking("gpus=1")), capacity.take(asking("gpus=2"))
    assert (first.gpus, second.gpus) == (("2",), ("10", "GPU-b"))
    capacity.give(first)
    capacity.give(first)
    assert capacity.take(asking("gpus=2")).gpus == ("2", "GPU-a")
    capacity.give(first)  # its GPU is another's by now
    assert fitting(capacity.query(), asking("gpus=1")) == []


ENVIRONMENTS = [
    (["0", "1"], "gpus=2", {"CUDA_VISIBLE_DEVICES": "0,1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
    (["GPU-7f"], "", {"CUDA_VISIBLE_DEVICES": "GPU-7f", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
    (["0", "1"], "gpus=0", {"CUDA_VISIBLE_DEVICES": "", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
    ([], "", {"CUDA_VISIBLE_DEVICES": "", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
    (None, "", {}),
    (None, "gpus=0", {}),
]


@pytest.mark.parametrize(("gpus", "text", "environment"), ENVIRONMENTS)
def test_a_job_sees_the_gpus_that_are_its_own(gpus, text, environment):
    assert Capacity(1, GI, gpus).take(asking(text)).environment({}) == environment


def test_no_gpu_is_granted_to_two_tasks_at_a_time():
    capacity = Capacity(4, GI, [str(place) for place in range(5)])
    tasks = [asking(f"gpus={count},cpus=1") for count in (1, 2, 3)]
    in_use, clashes, starts = set(), [], Barrier(8)

    def back(grants):
        for grant in grants:
            in_use.difference_update(grant.gpus)
            capacity.give(grant)

    def slot(number):
        grants = []  # held while this slot and the others look for more
        starts.wait()
        for step in range(300):
            wanted = tasks[(number + step) % 3]
            with capacity.claiming():
                fits = fitting(capacity.query(), wanted)
                grant = capacity.take(wanted) if fits else None
            back(grants)
            grants = [grant] if grant else []
            for one in grants:
                clashes.extend(in_use & set(one.gpus))
                in_use.update(one.gpus)
        back(grants)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(slot, range(8)))
    assert not clashes
    assert not in_use
    assert capacity.whole


def test_slots_that_claim_at_once_never_overcommit(uri):
    """Each claims what fits beside the others, until no task is left."""
    store = open_store(uri)
    asked = ["cpus=2", "cpus=500m,memory=1Gi", "gpus=2", "", "memory=2Gi"]
    store.insert("q", [asking(asked[place % 5]) for place in range(40)])
    capacity = Capacity(2.5, 3 * GI, ["0", "1", "2"])
    change = Change(set={"status": "running"})

    def slot(_):
        ran = 0
        while store.count({"queue": "q", "status": "pending"}):
            with capacity.claiming():
                query = {"queue": "q", "status": "pending", **capacity.query()}
                claimed = store.update_first(query, change)
                grant = capacity.take(claimed) if claimed else None
            if grant:
                ran += 1
                capacity.give(grant)
        return ran

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(slot, range(4))) == 40
    assert capacity.whole
    store.close()


def test_what_a_task_lacks_is_what_it_asks_beyond_what_is_free():
    capacity = Capacity(4, 4 * GI, ["0"])
    with capacity.claiming():
        capacity.take(asking("cpus=3,gpus=1"))
    assert capacity.lacking(asking("cpus=2,memory=4Gi")) == ["gpus", "cpus"]  # a GPU goes unsaid
    assert capacity.lacking(asking("gpus=0,cpus=1")) == []


# turns


def seen(identity, priority=0, number=1):
    return {"_id": identity, "priority": priority, "number": number}


LACKING = ("cpus",)


def up_to(priority, number):
    here = {"priority": priority, "number": {"$lte": number}}
    return {"$or": [{"priority": {"$gt": priority}}, here, {"resources.cpus": {"$in": [None, 0]}}]}


BIG, OTHER = seen("big", 1, 7), seen("other", 1, 9)
TURNS = [
    ("none is blocked", [(0, None, {}), (99, None, {})]),
    (
        "after its patience the first may only be preceded by what comes before it anyway",
        [(100, BIG, {}), (114.9, BIG, {}), (115, BIG, up_to(1, 7)), (999, BIG, up_to(1, 7))],
    ),
    ("it runs", [(0, BIG, {}), (15, BIG, up_to(1, 7)), (17, None, {}), (99, None, {})]),
    (
        "another is the first: it has patience of its own",
        [
            *((0, BIG, {}), (15, BIG, up_to(1, 7)), (17, OTHER, {}), (31.9, OTHER, {})),
            (32, OTHER, up_to(1, 9)),
        ],
    ),
    (
        "one that is gone for a while begins anew",
        [(0, BIG, {}), (10, None, {}), (16, BIG, {}), (30, BIG, {}), (31, BIG, up_to(1, 7))],
    ),
    (
        "a new priority is heeded at once",
        [(0, BIG, {}), (15, BIG, up_to(1, 7)), (17, seen("big", 3, 7), up_to(3, 7))],
    ),
]


@pytest.mark.parametrize("steps", [row[1] for row in TURNS], ids=[row[0] for row in TURNS])
def test_a_large_tasks_turn_comes(steps):
    turn = Turn()
    for now, first, query in steps:
        turn.see(first, LACKING, now)
        assert turn.query() == query, now


def test_a_workers_patience_may_be_another():
    turn = Turn(patience=0)
    turn.see(BIG, LACKING, 5)
    assert turn.query() == up_to(1, 7)


def test_whose_turn_it_is_in_claim_order(uri):
    store = open_store(uri)
    needs = {"cpus": 1}
    store.insert("q", [task(priority=n, resources=needs) for n in (0, 1, 1, 1, 2)])
    store.insert("q", [task(), task(resources={"gpus": 1})])  # what does not stand in its way
    turn = Turn(patience=0)
    turn.see(seen("the third", 1, 3), LACKING, 0)
    found = store.find({"queue": "q", **turn.query()}, sort=[("number", 1)])
    assert [one["number"] for one in found] == [2, 3, 5, 6, 7]
    store.close()
