"""The GPUs that a worker may give to its tasks, by the ids that CUDA_VISIBLE_DEVICES takes.

An id is an index, a `GPU-` UUID or the start of one, or a `MIG-` id. Where this process has
inherited CUDA_VISIBLE_DEVICES, an index counts among what that names, as in a CUDA program. Source:
CUDA C++ Programming Guide, "CUDA Environment Variables"; `nvidia-smi --help-query-gpu`; NVML API.
"""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from labq.errors import UsageError
from labq.source.git import GitError, run
from labq.values.text import shortened
from labq.worker.capacity import BY_BUS, ORDER, VISIBLE

QUERY = ("nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader")
TIMEOUT = 30.0  # seconds; a machine without persistence mode wakes its driver first
MOST = 10_000  # of an index or a count
IDS = "ids: 0,2 or 0-3 or GPU-8932f937"


@dataclass(frozen=True)
class Device:
    """A GPU, or an instance of one, and what a job is told to see it."""

    name: str  # for CUDA_VISIBLE_DEVICES
    uuid: str = ""  # empty where it is not known


@dataclass(frozen=True)
class Machine:
    """What the machine has, in the order of their buses; None where nobody could say."""

    devices: tuple[Device, ...] | None
    told: str  # who said so, or why nobody could


def detect() -> Machine:
    """Asks the driver: by NVML where its Python module is installed, else by nvidia-smi."""
    with suppress(Exception):  # not installed, no driver, or a driver that it does not know
        return Machine(tuple(_by_nvml()), "NVML")
    try:
        return Machine(tuple(_by_smi()), "nvidia-smi")
    except GitError as error:
        return Machine(None, str(error))


def _by_nvml() -> Iterator[Device]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an older package of that name tells of the newer one
        nvml: Any = import_module("pynvml")
    nvml.nvmlInit()
    try:
        for index in range(nvml.nvmlDeviceGetCount()):
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            instances = list(_instances(nvml, handle))
            yield from instances or [Device(str(index), _text(nvml.nvmlDeviceGetUUID(handle)))]
    finally:
        with suppress(Exception):
            nvml.nvmlShutdown()


def _instances(nvml: Any, handle: Any) -> Iterator[Device]:
    """The MIG instances of a GPU; CUDA sees nothing of it but these."""
    with suppress(Exception):  # most GPUs have no such mode
        for at in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
            with suppress(Exception):  # there is none at this place
                found = nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, at)
                uuid = _text(nvml.nvmlDeviceGetUUID(found))
                yield Device(uuid, uuid)


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _by_smi() -> Iterator[Device]:
    """As nvidia-smi lists them.

    Raises:
        GitError: there is no nvidia-smi, it fails, or says what is no list.
    """
    lines = run(QUERY, QUERY[0], os.environ, TIMEOUT).decode("utf-8", "replace").splitlines()
    fields = [[field.strip() for field in line.split(",")] for line in lines]
    listed = [row for row in fields if row[0].isdecimal()]
    said = " ".join("".join(lines).split())
    if said and not listed and not re.search("no devices", said, re.IGNORECASE):
        raise GitError(f"nvidia-smi lists no GPU but says {shortened(said)!r}")
    instances = _smi_instances() if listed else {}
    for index, *more in listed:
        uuid = more[0] if more else ""
        yield from [Device(one, one) for one in instances.get(uuid, ())] or [Device(index, uuid)]


def _smi_instances() -> dict[str, list[str]]:
    """The MIG instances of each GPU, by its UUID."""
    with suppress(GitError):
        text = run((QUERY[0], "-L"), QUERY[0], os.environ, TIMEOUT).decode("utf-8", "replace")
        found: dict[str, list[str]] = {}
        parent = ""
        for uuid in re.findall(r"\(UUID: ([^)\s]+)\)", text):
            if uuid.startswith("MIG-"):
                found.setdefault(parent, []).append(uuid)
            else:
                parent = uuid
        return found
    return {}


class Gpus:
    """What is visible to this process, and the devices that an option names of that."""

    def __init__(self, environment: Mapping[str, str], machine: Machine) -> None:
        """Reads the environment.

        Raises:
            UsageError: it names a device twice.
        """
        self._inherited = environment.get(VISIBLE)
        self._machine = machine
        self._by_bus = (environment.get(ORDER) or BY_BUS) == BY_BUS  # or indexes mean others
        self.visible = self._visible()

    def _visible(self) -> list[Device] | None:
        """The devices in CUDA's order; None where that cannot be known."""
        if self._inherited is None:
            known = self._machine.devices
            if known is None or self._by_bus:
                return None if known is None else list(known)
            return [one if one.name == one.uuid else Device(one.name) for one in known]
        devices: list[Device] = []
        for word in (part.strip() for part in self._inherited.split(",")):
            found = self._device(word)
            if found is None:  # nothing behind an id that is none is visible
                break
            devices.append(found)
        _require_once(devices, f"{VISIBLE}={self._inherited}")
        return devices

    def _device(self, word: str) -> Device | None:
        """The machine's device of an id; None where there is none."""
        known = self._machine.devices
        if word.isdecimal():
            index = int(word)
            if known is None or any(one.name.startswith("MIG-") for one in known):
                return Device(word)
            if index >= len(known):
                return None
            return Device(word, known[index].uuid if self._by_bus else "")
        if not re.match(r"GPU-.|MIG-.", word):
            return None
        alike = [one for one in known or () if one.uuid and one.uuid.startswith(word)]
        if known is None or word.startswith("MIG-"):
            return Device(word, alike[0].uuid if alike else word)
        return Device(word, alike[0].uuid) if len(alike) == 1 else None

    def all(self, option: str) -> list[str]:
        """Every visible device.

        Raises:
            UsageError: there is none, or nobody can say.
        """
        if self.visible is None:
            raise UsageError(
                f"{option}: no GPU can be detected: {self._machine.told} (name them, as in --gpus "
                "0,1, or install labq[gpu], which asks the driver itself)"
            )
        if not self.visible:
            raise UsageError(f"{option}: there is no GPU ({self._source})")
        return [one.name for one in self.visible]

    def count(self, number: int, option: str) -> list[str]:
        """The first `number` of the visible devices.

        Raises:
            UsageError: there are fewer.
        """
        if self.visible is None:
            return [str(index) for index in range(number)]
        if number > len(self.visible):
            raise UsageError(f"{option}: there are {len(self.visible)} ({self._source})")
        return [one.name for one in self.visible[:number]]

    def ids(self, words: Sequence[str], option: str) -> list[str]:
        """The devices of these ids.

        Raises:
            UsageError: one is not there, or named twice.
        """
        devices = [self._named(word, option) for word in words]
        _require_once(devices, option)
        return [one.name for one in devices]

    def _named(self, word: str, option: str) -> Device:
        if word.isdecimal():
            if self.visible is None:
                return Device(str(int(word)))
            if int(word) < len(self.visible):
                return self.visible[int(word)]
        elif (found := self._device(word)) is not None and self._sees(found):
            return found
        raise UsageError(f"{option}: no GPU {word} ({self._source})")

    def _sees(self, device: Device) -> bool:
        """Whether a device that the machine has is among those that are visible."""
        if self._inherited is None or self.visible is None:
            return True
        return any(
            not one.uuid or one.uuid.startswith(device.uuid) or device.uuid.startswith(one.uuid)
            for one in self.visible
        )

    @property
    def _source(self) -> str:
        """Who says what there is."""
        if self._inherited is not None:
            return f"{VISIBLE}={self._inherited}" if self._inherited else f"{VISIBLE} is empty"
        return f"{self._machine.told} counts {len(self._machine.devices or ())}"


def _require_once(devices: Sequence[Device], option: str) -> None:
    seen: set[str] = set()
    for one in devices:
        key = one.uuid or one.name
        if key in seen:
            raise UsageError(f"{option} names GPU {one.name} twice")
        seen.add(key)


def chosen(gpus: str | None, ids: str | None) -> list[str]:
    """What `--gpus` or `--gpu-ids` says, as CUDA_VISIBLE_DEVICES takes it.

    Raises:
        UsageError: both, or no such GPU.
    """
    if gpus is not None and ids is not None:
        raise UsageError("give --gpus or --gpu-ids, not both")
    option = f"--gpus {gpus}" if ids is None else f"--gpu-ids {ids}"
    text = (gpus if ids is None else ids) or ""
    if ids is None and text.isdecimal():
        if int(text) > MOST:
            raise UsageError(f"{option}: that many GPUs there are nowhere")
        return Gpus(os.environ, detect()).count(int(text), option)
    if ids is None and text == "all":
        return Gpus(os.environ, detect()).all(option)
    words = _words(text, option, is_open=ids is None)
    return Gpus(os.environ, detect()).ids(words, option)


def _words(text: str, option: str, *, is_open: bool) -> list[str]:
    """The ids of a list; 0-3 is 0,1,2,3."""
    words: list[str] = []
    for word in (part.strip() for part in text.split(",")):
        if found := re.fullmatch(r"(\d{1,4})-(\d{1,4})", word, re.ASCII):
            words += map(str, range(int(found[1]), int(found[2]) + 1))
            if int(found[2]) < int(found[1]):
                words.append("")
        else:
            words.append(word)
    if not words or not all(re.fullmatch(r"\d{1,4}|(GPU|MIG)-\S+", one, re.ASCII) for one in words):
        raise UsageError(f"{option}: write {'all, a count, or ' if is_open else ''}{IDS}")
    return words
