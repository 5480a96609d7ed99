"""Trees that are rebuilt from what was recorded of them."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from repositories import cloned, commit, git, listing, made, write

from labq.errors import NotFoundError
from labq.source import worktree
from labq.source.archive import unpack
from labq.source.git import GitError
from labq.source.rebuild import Checkouts


@pytest.fixture
def remote(tmp_path):
    return made(tmp_path / "remote", train_py="print(1)\n", sub__x="x\n", raw=bytes(range(256)))


@pytest.fixture
def clone(remote, tmp_path):
    return cloned(remote, tmp_path / "a clone")


@pytest.fixture
def checkouts(tmp_path):
    return Checkouts(tmp_path / "worker")


@pytest.fixture
def rebuilt(captured, blobs, checkouts, tmp_path):
    """Builds the tree of what is in a folder, and gives the job's folder in it."""

    def run(folder):
        place = tmp_path / f"tree {len(list(tmp_path.glob('tree *')))}"
        return Path(checkouts.build(captured(folder), blobs, place))

    return run


def change(folder):
    """Every kind of change at once."""
    write(folder, train_py="print(2)\n", raw=bytes(reversed(range(256))), staged="s\n")
    git(folder, "add", "staged", "raw")
    (folder / "sub" / "x").rename(folder / "sub" / "y z")
    write(folder, deep__er__new="n\n")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    (folder / os.fsdecode(b"caf\xe9")).write_text("1")
    (folder / "link").symlink_to("train.py")


def test_a_clean_commit(rebuilt, clone):
    assert listing(rebuilt(clone)) == listing(clone)


def test_every_kind_of_change(rebuilt, clone):
    change(clone)
    tree = rebuilt(clone)
    assert listing(tree) == listing(clone)
    assert os.readlink(tree / "link") == "train.py"
    assert os.access(tree / "run.sh", os.X_OK)
    assert not os.access(tree / "train.py", os.X_OK)


def test_the_working_directory(rebuilt, clone):
    assert rebuilt(clone / "sub").name == "sub"
    (clone / "empty").mkdir()
    assert rebuilt(clone / "empty").is_dir()


def test_commits_that_were_not_pushed(rebuilt, clone, remote):
    write(clone, train_py="print(2)\n")
    commit(clone)
    assert listing(rebuilt(clone)) == listing(clone)
    write(remote, train_py="print(3)\n")
    commit(remote)
    git(clone, "pull", "--quiet", "--rebase", "-X", "ours")
    assert listing(rebuilt(clone)) == listing(clone)


def test_a_repository_without_a_remote(rebuilt, remote):
    change(remote)
    assert listing(rebuilt(remote)) == listing(remote)


def test_a_commit_that_no_branch_has_any_more(
    rebuilt, captured, blobs, checkouts, clone, remote, tmp_path
):
    source = captured(clone)
    git(remote, "config", "uploadpack.allowAnySHA1InWant", "true")
    git(remote, "commit", "--quiet", "--amend", "-m", "another")
    folder = checkouts.build(source, blobs, tmp_path / "tree")
    assert listing(folder) == listing(clone)


def test_a_submodule_stays_empty(rebuilt, clone, remote):
    git(clone, "submodule", "--quiet", "add", str(remote), "module")
    commit(clone)
    commit(clone / "module")
    tree = rebuilt(clone)
    assert list((tree / "module").iterdir()) == []


def test_a_second_tree_fetches_nothing(
    rebuilt, captured, blobs, checkouts, clone, remote, tmp_path
):
    rebuilt(clone)
    remote.rename(tmp_path / "moved")
    assert listing(rebuilt(clone)) == listing(clone)


def test_a_tree_is_removed_with_what_a_job_made_in_it(captured, blobs, checkouts, clone, tmp_path):
    place = tmp_path / "tree"
    folder = checkouts.build(captured(clone), blobs, place)
    (Path(folder) / "out").write_text("1")
    checkouts.remove(place)
    assert not place.exists()
    (bare,) = (tmp_path / "worker" / "checkouts").glob("*.git")
    assert str(place) not in git(bare, "worktree", "list")
    assert list((tmp_path / "worker" / "checkouts" / "trees").iterdir()) == []
    assert [path.name for path in tmp_path.glob("tree*")] == []


KILLED = """
import json, os, signal, sys
from pathlib import Path
from labq.source.rebuild import Checkouts
from labq.store import open_store
home, uri, source, place = sys.argv[1:]
Checkouts(Path(home)).build(json.loads(source), open_store(uri).blobs, Path(place))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_is_tidied_and_what_is_in_use_is_not(
    captured, blobs, checkouts, clone, tmp_path
):
    source = captured(clone)
    words = [
        tmp_path / "worker",
        f"sqlite:{tmp_path}/blobs.db",
        json.dumps(source),
        tmp_path / "left",
    ]
    done = subprocess.run([sys.executable, "-c", KILLED, *map(str, words)])
    assert done.returncode == -9
    checkouts.build(source, blobs, tmp_path / "used")
    assert (tmp_path / "left").is_dir()
    Checkouts(tmp_path / "worker").tidy()
    assert not (tmp_path / "left").exists()
    assert (tmp_path / "used" / "train.py").is_file()


def test_several_at_once_on_one_repository(captured, blobs, checkouts, clone, tmp_path):
    change(clone)
    source = captured(clone)
    places = [tmp_path / f"tree{number}" for number in range(6)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda place: checkouts.build(source, blobs, place), places))
    assert all(listing(place) == listing(clone) for place in places)


def refused(checkouts, blobs, source, place):
    with pytest.raises((GitError, NotFoundError)) as caught:
        checkouts.build(source, blobs, place)
    checkouts.remove(place)
    assert not place.exists()
    return str(caught.value)


def test_what_cannot_be_rebuilt_says_why(captured, blobs, checkouts, clone, remote, tmp_path):
    source = captured(clone)
    place = tmp_path / "tree"
    digest = "0" * 40
    gone = {**source, "commit": digest}
    assert refused(checkouts, blobs, gone, place) == f"{remote} does not have it"
    alone = {key: text for key, text in gone.items() if key != "url"}
    assert refused(checkouts, blobs, alone, place) == "it is on no remote, and was not recorded"
    away = {**gone, "url": str(tmp_path / "no")}
    assert "does not appear to be a git repository" in refused(checkouts, blobs, away, place)
    none = {key: text for key, text in source.items() if key != "commit"}
    assert refused(checkouts, blobs, none, place) == "its repository had no commit"
    assert refused(checkouts, blobs, {"commit": "--help"}, place) == "that is no commit"
    outside = {**source, "cwd": "../../x"}
    told = "its working directory ../../x is outside of the repository"
    assert refused(checkouts, blobs, outside, place) == told
    lost = {**source, "diff": {"blob": "f" * 64, "files": 1}}
    assert refused(checkouts, blobs, lost, place).endswith(f"there is no content {'f' * 64}")


def test_a_diff_that_was_left_out_is_not_done_without(
    captured, blobs, checkouts, clone, tmp_path, monkeypatch
):
    monkeypatch.setattr(worktree, "DIFF_BYTES", 5)
    write(clone, train_py="print(2)\n")
    told = refused(checkouts, blobs, captured(clone), tmp_path / "tree")
    assert told.startswith("its diff could not be recorded (diff: left out, it is over 0 MiB)")


def test_it_ends_when_it_is_stopped(captured, blobs, checkouts, clone, tmp_path):
    with pytest.raises(GitError, match="was stopped"):
        checkouts.build(captured(clone), blobs, tmp_path / "tree", lambda: True)


def test_an_address_that_asks_for_a_password_is_given_none(blobs, checkouts, tmp_path, web):
    source = {"commit": "0" * 40, "url": f"http://127.0.0.1:{web}/lab.git"}
    told = refused(checkouts, blobs, source, tmp_path / "tree")
    assert told.startswith("could not read Username for 'http://127.0.0.1")


@pytest.fixture
def web():
    """The port of a server that wants a password."""
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.end_headers()

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def archive(*members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as made:
        for name, link in members:
            member = tarfile.TarInfo(name)
            if link:
                member.type, member.linkname = tarfile.SYMTYPE, link
            made.addfile(member)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "members",
    [
        [("../x", "")],
        [("/tmp/labq-x", "")],
        [("a", ".."), ("a/x", "")],
        [(".git", "")],
        [("sub/..", "")],
    ],
)
def test_no_untracked_file_is_written_outside_of_the_tree(tmp_path, members):
    (tmp_path / "tree").mkdir()
    with pytest.raises(GitError, match="is outside of the repository"):
        unpack(archive(*members), str(tmp_path / "tree"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tree"]


def test_an_untracked_file_takes_no_other_ones_place(tmp_path):
    (tmp_path / "a").write_text("1")
    with pytest.raises(GitError, match="its untracked file 'a': File exists"):
        unpack(archive(("a", "")), str(tmp_path))
