"""What the benchmarks share: sides measured in turn in one run, a table of ratios, real servers.

The sides of a comparison take turns (A B A B ...), so that whatever else the machine does falls on
all of them. A side's figure is the median of its rounds; a ratio is the median of the rounds' own
ratios, which a slow stretch of the machine moves least.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

import servers

LABQ = str(Path(sys.executable).with_name("labq"))
NOTHING = subprocess.DEVNULL


@dataclass(frozen=True)
class Side:
    """One side of a comparison: `run` does a round and returns the seconds that one unit took.

    `goal` is told beside the ratio: what the ratio shall be, where there is an aim.
    """

    name: str
    run: Callable[[], float]
    goal: str = ""


def compare(title: str, sides: Sequence[Side], rounds: int, *, unit: str, faster: bool) -> None:
    """Measures the sides in turn and prints the table; the first side is what all are held against.

    With `faster` figures are units per second and a ratio says how much faster than the first side
    one is; without, they are milliseconds a unit and it says how much longer one takes.
    """
    times: dict[str, list[float]] = {side.name: [] for side in sides}
    for turn in range(-1, rounds):
        for side in sides:
            seconds = side.run()
            if turn >= 0:  # the round before the first warms what can be warmed
                times[side.name].append(seconds)
    first = times[sides[0].name]
    print(f"\n{title} (median of {rounds} rounds in turn)")
    width = max(len(side.name) for side in sides)
    for side in sides:
        own = times[side.name]
        pairs = zip(first, own, strict=True)
        ratio = median(base / mine if faster else mine / base for base, mine in pairs)
        figure = (
            f"{1 / median(own):12,.0f} {unit}/s" if faster else f"{median(own) * 1e3:10,.1f} ms"
        )
        print(f"  {side.name:<{width}}  {figure}  {ratio:6.2f} x  {side.goal}".rstrip())
    sys.stdout.flush()


def timed(action: Callable[[], object], units: int = 1) -> float:
    """Seconds that each of the `units` took which `action` does."""
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) / units


def process(
    argv: Sequence[str],
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Callable[[], float]:
    """A round that runs a whole process, in that folder, its output thrown away.

    Raises:
        CalledProcessError: it did not exit with 0.
    """

    def run() -> float:
        return timed(
            lambda: subprocess.run(
                argv, env=environment, cwd=folder, check=True, stdout=NOTHING, stderr=NOTHING
            )
        )

    return run


def arguments(about: str | None) -> argparse.Namespace:
    """The command line that every benchmark has: `--quick`, for a look rather than for figures."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller queues")
    return parser.parse_args()


@contextmanager
def place() -> Iterator[Path]:
    """A folder that is gone afterwards; nothing of the person's own settings reaches the run."""
    for name in [name for name in os.environ if name.startswith("LABQ_") and "TEST" not in name]:
        del os.environ[name]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # labq starts compiled, as pip installs it
    with tempfile.TemporaryDirectory(prefix="labq-bench-") as folder:
        os.environ.update(LABQ_HOME=folder, XDG_CONFIG_HOME=f"{folder}/config")
        os.chdir(folder)
        yield Path(folder)
        os.chdir("/")


@contextmanager
def mongod() -> Iterator[str]:
    """The URI of a lone mongod of this run's own, naming the database `bench`."""
    with servers.serving():
        yield servers.with_database(servers.shared_uri("lone"), "bench")
