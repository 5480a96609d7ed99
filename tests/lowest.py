"""Prints the lowest version of each dependency that labq and its extras declare, for `pip -c`."""

from __future__ import annotations

import sys
from importlib.metadata import requires

from packaging.requirements import Requirement


def constraints():
    """`name==version` for each requirement that has a lower bound or is pinned."""
    for requirement in map(Requirement, requires("labq")):
        for bound in requirement.specifier:
            if bound.operator == ">=":
                yield f"{requirement.name}=={bound.version}"


if __name__ == "__main__":
    sys.stdout.writelines(f"{line}\n" for line in constraints())
