"""What labq takes its settings from is never recorded: the store's password stands in it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from repositories import cloned, commit, git, made, write

from labq.store import open_store

PASSWORD = "s3cr@tPart/x"  # noqa: S105 - of a test
SETTINGS = f"uri: mongodb://root:{PASSWORD}@host/db\n"


@pytest.fixture
def clone(tmp_path, monkeypatch):
    remote = made(tmp_path / "remote", train_py="print(1)\n", labq__train_py="1\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    return cloned(remote, tmp_path / "clone")


@pytest.fixture
def recorded(blobs, captured):
    """Captures a folder; everything that is kept of it, decompressed by git where it is a bundle."""

    def record(folder, **more):
        found = captured(folder, **more)
        kept = [blobs.get(part["blob"]) for part in found.values() if "blob" in part]
        assert PASSWORD.encode() not in b"".join([str(found).encode(), *kept])
        return found

    return record


UNTRACKED = [
    "labq.yaml",
    "conf/deep/labq.yaml",
    "LABQ.YAML",
    "labq.yaml~",
    ".labq.yaml.swp",
    "labq.yml",
    "#labq.yaml#",
    "dot/.config/labq/config.yaml",
]


def test_untracked_files_of_settings_are_left_out_and_named(recorded, clone):
    write(clone, new="n", **dict.fromkeys(UNTRACKED, SETTINGS))
    found = recorded(clone)
    assert found["untracked"]["files"] == 1
    assert sorted(found["untracked"]["left_out"]) == sorted(UNTRACKED)
    assert f"untracked: {len(UNTRACKED)} files left out" in found["notes"]


@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("labq.yaml", "edited"),
        ("conf/deep/labq.yaml", "staged"),
        ("Labq.yml", "intended"),
        ("labq/config.yaml", "moved away"),
    ],
)
def test_a_tracked_one_is_not_in_the_diff(recorded, blobs, clone, name, how):
    if how == "edited":
        write(clone, **{name: "queue: a\n"})
        commit(clone)
        git(clone, "push", "--quiet")
    write(clone, train_py="print(2)\n", **{name: SETTINGS})
    words = {"staged": ["add", "--all"], "intended": ["add", "--intent-to-add", "--all"]}
    git(clone, *words.get(how, ["add", "--all"]))
    if how == "moved away":
        (clone / name).unlink()
    found = recorded(clone)
    assert found["diff"]["files"] == 1
    assert found["diff"]["left_out"] == [name]
    assert "diff: 1 file left out" in found["notes"]
    assert b"+print(2)" in blobs.get(found["diff"]["blob"])


def test_a_tree_in_which_nothing_else_has_changed_is_rebuilt_as_committed(
    recorded, clone, blobs, tmp_path
):
    from labq.source.rebuild import Checkouts

    write(clone, **{"labq.yaml": SETTINGS})
    git(clone, "add", "--all")
    found = recorded(clone)
    assert found["diff"] == {"files": 0, "left_out": ["labq.yaml"]}
    (tmp_path / "trees").mkdir()
    checkouts = Checkouts(tmp_path / "home")
    tree = tmp_path / "trees" / "1.tree"
    assert checkouts.build(found, blobs, tree) == str(tree)
    assert not (tree / "labq.yaml").exists()
    checkouts.remove(tree)


def by_link(clone, target):
    (clone / "labq.yaml").symlink_to(target)


def by_tracked_link(clone, target):
    (clone / "sub").mkdir()
    (clone / "sub" / "labq.yaml").symlink_to(f"../{target}")
    git(clone, "add", "sub")
    git(clone, "commit", "--quiet", "-m", "link")


def by_hard_link(clone, target):
    os.link(clone / target, clone / "labq.yaml")


def by_a_person(clone, target):
    place = Path(os.environ["XDG_CONFIG_HOME"]) / "labq"
    place.mkdir(parents=True)
    (place / "config.yaml").symlink_to(clone / target)


@pytest.mark.parametrize("link", [by_link, by_tracked_link, by_hard_link, by_a_person])
@pytest.mark.parametrize("tracked", [False, True])
def test_what_a_link_of_that_name_leads_to_is_one_too(recorded, clone, link, tracked):
    write(clone, other="queue: a\n")
    if tracked:
        git(clone, "add", "other")
        git(clone, "commit", "--quiet", "-m", "other")
        write(clone, other=SETTINGS)
    write(clone, other=SETTINGS)
    link(clone, "other")
    found = recorded(clone)
    assert "other" in found["diff" if tracked else "untracked"]["left_out"]


def test_what_lies_in_a_folder_above_or_in_a_submodule_is_not_reached(recorded, clone, tmp_path):
    write(tmp_path, **{"labq.yaml": SETTINGS})
    git(clone, "submodule", "--quiet", "add", str(tmp_path / "remote"), "part")
    git(clone, "commit", "--quiet", "-m", "part")
    write(clone / "part", train_py="print(2)\n", **{"labq.yaml": SETTINGS})
    assert not {"diff", "untracked"} & recorded(clone).keys()
    found = recorded(clone / "part")
    assert found["untracked"] == {"files": 0, "left_out": ["labq.yaml"]}


def test_commits_that_hold_a_password_are_no_bundle(captured, clone, blobs):
    write(clone, **{"labq.yaml": "queue: a\n"})
    commit(clone)
    assert "blob" in captured(clone)["bundle"]
    write(clone, **{"sub/labq.yaml": SETTINGS})
    commit(clone)
    (clone / "sub" / "labq.yaml").unlink()
    commit(clone)
    found = captured(clone)
    assert found["bundle"] == {"commits": 3}
    assert "bundle: left out, a commit has a password in sub/labq.yaml" in found["notes"]


WRITTEN = {
    "a user with a slash": "uri: mongodb://ann/x:{}@h\n",
    "escapes": '"uri": "mongodb:\\/\\/root:{}\\x40h"\n',
    "folded": "uri: >-\n  mongodb://root:{}\n  @h\n",
    "an option": "uri: mongodb://h/?tlsCertificateKeyFilePassword={}\n",
    "flow": "{{queue: a, uri: mongodb://root:{}@h}}\n",
}


@pytest.mark.parametrize("how", WRITTEN)
@pytest.mark.parametrize("name", ["labq.yaml", "old.yaml", "labq.bak.yaml", "conf/labq-old.yml"])
def test_however_and_wherever_yaml_writes_it(recorded, clone, name, how):
    write(clone, **{name: WRITTEN[how].format(PASSWORD)})
    assert recorded(clone)["untracked"] == {"files": 0, "left_out": [name]}
    git(clone, "add", ".")
    assert recorded(clone)["diff"] == {"files": 0, "left_out": [name]}
    commit(clone)
    assert f"bundle: left out, a commit has a password in {name}" in recorded(clone)["notes"]


@pytest.mark.parametrize("staged", [True, False])
def test_one_that_was_given_another_name_is_one_still(recorded, clone, staged):
    write(clone, **{"labq.yaml": SETTINGS})
    commit(clone)
    git(clone, "push", "-q")
    if staged:
        git(clone, "mv", "labq.yaml", "old.conf")
    else:
        (clone / "labq.yaml").rename(clone / "old.conf")
    found = recorded(clone)
    assert "old.conf" in found["diff" if staged else "untracked"]["left_out"]


def test_a_commit_has_what_a_link_of_its_name_led_to(recorded, clone):
    write(clone, **{"conf/sec.yml": SETTINGS, "conf/other": SETTINGS})
    (clone / "labq.yaml").symlink_to("conf/other")
    commit(clone)
    (clone / "labq.yaml").unlink()
    commit(clone)
    assert "bundle: left out, a commit has a password in conf/other" in recorded(clone)["notes"]


def test_a_program_that_speaks_of_a_store_and_other_settings_are_recorded(captured, clone):
    write(clone, new_py=f"{{'uri': 'mongodb://{PASSWORD}@h'}}\n", **{"conf.yaml": "uri: a\nb: 1\n"})
    assert captured(clone)["untracked"]["files"] == 2
    commit(clone)
    assert "blob" in captured(clone)["bundle"]


def test_the_tasks_themselves_are_not_recorded_where_they_lie_in_the_tree(captured, clone):
    from labq.source.capture import capture

    store = open_store(f"sqlite:{clone / '.labq' / 'labq.db'}")
    for _ in range(2):
        assert "untracked" not in capture(store.blobs, clone / ".labq", str(clone))
    store.close()
