"""The GPUs that a worker offers: what the driver tells, what the environment leaves, what is named."""

from __future__ import annotations

import os
import sys

import pytest

from labq.errors import UsageError
from labq.worker import gpus
from labq.worker.gpus import Device, Gpus, Machine, detect

A, B, C, D = (f"GPU-{letter * 8}-0000-0000-0000-000000000000" for letter in "abcd")
FOUR = Machine(tuple(Device(str(at), uuid) for at, uuid in enumerate((A, B, C, D))), "nvidia-smi")
UNKNOWN = Machine(None, "nvidia-smi is not installed")
NONE = Machine((), "NVML")
MIG = ("MIG-11111111-aaaa", "MIG-22222222-bbbb")
SLICED = Machine((Device(MIG[0], MIG[0]), Device(MIG[1], MIG[1]), Device("1", B)), "NVML")


def named(option, text, machine, **environment):
    found = Gpus(environment, machine)
    if option == "count":
        return found.count(text, f"--gpus {text}")
    return (
        found.ids(text.split(","), f"--gpus {text}") if option == "ids" else found.all("--gpus all")
    )


CHOSEN = [
    ("all", "", FOUR, None, "0,1,2,3"),
    ("all", "", FOUR, "2,3", "2,3"),
    ("all", "", UNKNOWN, "2,3", "2,3"),
    ("all", "", FOUR, " 3 , 1 ", "3,1"),
    ("all", "", UNKNOWN, "GPU-aaaaaaaa,MIG-1", "GPU-aaaaaaaa,MIG-1"),
    ("all", "", FOUR, "GPU-b,GPU-c", "GPU-b,GPU-c"),
    ("all", "", FOUR, "0,-1,1", "0"),  # what follows an id that is none is not visible
    ("all", "", FOUR, "1,9,0", "1"),
    ("all", "", FOUR, "1,GPU-e,0", "1"),
    ("all", "", FOUR, "1,no-such,0", "1"),
    ("all", "", UNKNOWN, "1,,0", "1"),
    ("all", "", SLICED, None, f"{MIG[0]},{MIG[1]},1"),
    ("all", "", FOUR, f"{MIG[0]},MIG-GPU-x/1/0", f"{MIG[0]},MIG-GPU-x/1/0"),
    ("count", 2, FOUR, None, "0,1"),
    ("count", 2, UNKNOWN, None, "0,1"),
    ("count", 2, FOUR, "3,1,0", "3,1"),
    ("count", 0, FOUR, None, ""),
    ("count", 0, UNKNOWN, "", ""),
    ("ids", "0,2", FOUR, None, "0,2"),
    ("ids", "2,0", UNKNOWN, None, "2,0"),
    ("ids", "0,1", FOUR, "2,3", "2,3"),
    ("ids", "1", UNKNOWN, "GPU-x,GPU-y", "GPU-y"),
    ("ids", "GPU-b", FOUR, None, "GPU-b"),
    ("ids", f"{C},0", FOUR, None, f"{C},0"),
    ("ids", "GPU-c", FOUR, "2,3", "GPU-c"),
    ("ids", "GPU-c", FOUR, "GPU-cc,GPU-d", "GPU-c"),
    ("ids", "GPU-cc", UNKNOWN, "2,3", "GPU-cc"),
    ("ids", "GPU-cc", UNKNOWN, "GPU-c,GPU-d", "GPU-cc"),
    ("ids", "GPU-z", UNKNOWN, None, "GPU-z"),
    ("ids", "MIG-1", SLICED, None, "MIG-1"),
    ("ids", "MIG-other", FOUR, None, "MIG-other"),
    ("ids", "2", SLICED, None, "1"),
]


@pytest.mark.parametrize(("option", "text", "machine", "inherited", "found"), CHOSEN)
def test_what_is_named_is_what_a_job_sees(option, text, machine, inherited, found):
    environment = {} if inherited is None else {"CUDA_VISIBLE_DEVICES": inherited}
    assert ",".join(named(option, text, machine, **environment)) == found


INSTALL = "(name them, as in --gpus 0,1, or install labq[gpu], which asks the driver itself)"
REFUSED = [
    ("all", "", UNKNOWN, None, f"--gpus all: no GPU can be detected: nvidia-smi is not installed {INSTALL}"),
    ("all", "", NONE, None, "--gpus all: there is no GPU (NVML counts 0)"),
    ("all", "", FOUR, "", "--gpus all: there is no GPU (CUDA_VISIBLE_DEVICES is empty)"),
    ("all", "", FOUR, "-1", "--gpus all: there is no GPU (CUDA_VISIBLE_DEVICES=-1)"),
    ("all", "", UNKNOWN, "NoDevFiles", "--gpus all: there is no GPU (CUDA_VISIBLE_DEVICES=NoDevFiles)"),
    ("all", "", FOUR, "1,1", "CUDA_VISIBLE_DEVICES=1,1 names GPU 1 twice"),
    ("all", "", FOUR, "1,GPU-b", "CUDA_VISIBLE_DEVICES=1,GPU-b names GPU GPU-b twice"),
    ("count", 5, FOUR, None, "--gpus 5: there are 4 (nvidia-smi counts 4)"),
    ("count", 3, FOUR, "2,3", "--gpus 3: there are 2 (CUDA_VISIBLE_DEVICES=2,3)"),
    ("count", 1, UNKNOWN, "", "--gpus 1: there are 0 (CUDA_VISIBLE_DEVICES is empty)"),
    ("ids", "0,4", FOUR, None, "--gpus 0,4: no GPU 4 (nvidia-smi counts 4)"),
    ("ids", "2", FOUR, "2,3", "--gpus 2: no GPU 2 (CUDA_VISIBLE_DEVICES=2,3)"),
    ("ids", "2", UNKNOWN, "2,3", "--gpus 2: no GPU 2 (CUDA_VISIBLE_DEVICES=2,3)"),
    ("ids", "GPU-e", FOUR, None, "--gpus GPU-e: no GPU GPU-e (nvidia-smi counts 4)"),
    ("ids", "GPU-", FOUR, None, "--gpus GPU-: no GPU GPU- (nvidia-smi counts 4)"),
    ("ids", "GPU-a", FOUR, "2,3", "--gpus GPU-a: no GPU GPU-a (CUDA_VISIBLE_DEVICES=2,3)"),
    ("ids", "GPU-a", UNKNOWN, "GPU-c", "--gpus GPU-a: no GPU GPU-a (CUDA_VISIBLE_DEVICES=GPU-c)"),
    ("ids", "1,01", UNKNOWN, None, "--gpus 1,01 names GPU 1 twice"),
    ("ids", "1,GPU-b", FOUR, None, "--gpus 1,GPU-b names GPU GPU-b twice"),
    ("ids", "0,GPU-c", FOUR, "2,3", "--gpus 0,GPU-c names GPU GPU-c twice"),
]  # fmt: skip


@pytest.mark.parametrize(("option", "text", "machine", "inherited", "told"), REFUSED)
def test_what_is_not_there_is_refused_where_that_can_be_known(
    option, text, machine, inherited, told
):
    environment = {} if inherited is None else {"CUDA_VISIBLE_DEVICES": inherited}
    with pytest.raises(UsageError) as caught:
        named(option, text, machine, **environment)
    assert str(caught.value) == told


def test_an_id_that_several_uuids_begin_with_is_none():
    twins = Machine((Device("0", "GPU-ab"), Device("1", "GPU-ac")), "NVML")
    with pytest.raises(UsageError, match=r"^--gpus GPU-a: no GPU GPU-a \(NVML counts 2\)$"):
        named("ids", "GPU-a", twins)


def test_in_another_order_an_index_is_not_held_to_be_what_nvidia_smi_calls_so():
    order = {"CUDA_DEVICE_ORDER": "FASTEST_FIRST"}
    assert named("ids", "0,GPU-a", FOUR, **order) == ["0", "GPU-a"]
    assert named("ids", "GPU-a", FOUR, CUDA_VISIBLE_DEVICES="2", **order) == ["GPU-a"]
    with pytest.raises(UsageError, match="no GPU 4"):
        named("ids", "4", FOUR, **order)


# -- the driver, by programs and modules that stand in its place ----------------------------------

SMI = """#!/bin/sh
case "$1" in
--query-gpu=index,uuid) printf '%s' "{query}";;
-L) printf '%s' "{listing}";;
*) echo "Invalid option $1" >&2; exit 6;;
esac
"""
LISTING = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-a)
  MIG 1g.5gb      Device  0: (UUID: MIG-1)
  MIG 1g.5gb      Device  1: (UUID: MIG-2)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-b)
"""


@pytest.fixture
def smi(tmp_path, monkeypatch):
    """Puts a program in the place of nvidia-smi."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setitem(sys.modules, "pynvml", None)  # as if it were not installed

    def put(text="", **told):
        (folder / "nvidia-smi").write_text(text or SMI.format(listing="", **told))
        (folder / "nvidia-smi").chmod(0o755)

    return put


def test_nvidia_smi_lists_the_gpus(smi):
    smi(query=f"0, {A}\n1, {B}\n")
    assert detect() == Machine((Device("0", A), Device("1", B)), "nvidia-smi")


def test_the_instances_of_a_sliced_gpu_stand_in_its_place(smi):
    smi(SMI.format(query="0, GPU-a\n1, GPU-b\n", listing=LISTING))
    devices = (Device("MIG-1", "MIG-1"), Device("MIG-2", "MIG-2"), Device("1", "GPU-b"))
    assert detect() == Machine(devices, "nvidia-smi")


def test_a_machine_without_gpus_has_none(smi):
    smi(query="No devices were found\n")
    assert detect() == Machine((), "nvidia-smi")


def test_why_nobody_can_say_is_told(smi, monkeypatch, tmp_path):
    smi("#!/bin/sh\necho 'Driver/library version mismatch' >&2; exit 18\n")
    assert detect() == Machine(None, "Driver/library version mismatch")
    smi("#!/bin/sh\necho 'some rubbish'\n")
    assert detect() == Machine(None, "nvidia-smi lists no GPU but says 'some rubbish'")
    smi("#!/bin/sh\nexec sleep 600\n")
    monkeypatch.setattr(gpus, "TIMEOUT", 0.2)
    assert detect() == Machine(None, "nvidia-smi takes too long")
    (tmp_path / "bin/nvidia-smi").unlink()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert detect() == Machine(None, "nvidia-smi is not installed")


NVML = """
IDS = {ids}
MIG = {mig}
def nvmlInit(): {init}
def nvmlShutdown(): pass
def nvmlDeviceGetCount(): return len(IDS)
def nvmlDeviceGetHandleByIndex(index): return index
def nvmlDeviceGetUUID(handle): return IDS[handle] if isinstance(handle, int) else handle
def nvmlDeviceGetMaxMigDeviceCount(handle): return 7 if MIG.get(handle) else 1 / 0
def nvmlDeviceGetMigDeviceHandleByIndex(handle, at): return MIG[handle][at]
"""


@pytest.fixture
def nvml(tmp_path, monkeypatch):
    """Puts a module in the place of NVML's."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pynvml", raising=False)

    def put(ids=(), mig=None, init="pass"):
        (tmp_path / "pynvml.py").write_text(NVML.format(ids=ids, mig=mig or {}, init=init))

    yield put
    sys.modules.pop("pynvml", None)


def test_nvml_is_asked_first(smi, nvml):
    smi(query="0, GPU-x\n")
    nvml(ids=(b"GPU-a", "GPU-b"))
    assert detect() == Machine((Device("0", "GPU-a"), Device("1", "GPU-b")), "NVML")


def test_nvml_knows_instances(nvml):
    nvml(ids=("GPU-a", "GPU-b"), mig={0: ["MIG-1", "MIG-2"]})
    assert [one.name for one in detect().devices] == ["MIG-1", "MIG-2", "1"]


def test_where_nvml_finds_no_driver_nvidia_smi_is_asked(smi, nvml):
    smi(query="0, GPU-x\n")
    nvml(init="raise OSError('no driver')")
    assert detect() == Machine((Device("0", "GPU-x"),), "nvidia-smi")
