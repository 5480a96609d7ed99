"""What is recorded of a repository, whatever state it is in."""

from __future__ import annotations

import io
import os
import socket
import sys
import tarfile
from pathlib import Path

import pytest
from repositories import cloned, commit, git, listing, made, write

from labq.source import status as status_
from labq.source import worktree


@pytest.fixture
def remote(tmp_path):
    return made(tmp_path / "remote", train_py="print(1)\n", sub__x="x\n")


@pytest.fixture
def clone(remote, tmp_path):
    return cloned(remote, tmp_path / "a clone")


def members(blobs, found):
    """The untracked files that were kept, by their names."""
    content = blobs.get(found["untracked"]["blob"])
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        files = archive.getmembers()
        return {one.name: one.linkname or archive.extractfile(one).read().decode() for one in files}


def test_a_clean_clone_is_its_commit(captured, clone, remote):
    found = captured(clone / "sub")
    assert found["url"] == str(remote)
    assert (found["branch"], found["commit"]) == ("main", git(clone, "rev-parse", "HEAD"))
    assert (found["cwd"], found["host"]) == ("sub", socket.gethostname())
    assert not {"diff", "untracked", "bundle", "entry_point"} & set(found)


def test_the_diff_has_what_is_staged_what_is_not_and_bytes(captured, clone, blobs):
    write(clone, train_py="print(2)\n")
    git(clone, "add", "train.py")
    write(clone, train_py="print(3)\n", new=bytes(range(256)))
    git(clone, "add", "--intent-to-add", "new")
    (clone / "sub" / "x").unlink()
    found = captured(clone)
    assert found["diff"]["files"] == 3
    content = blobs.get(found["diff"]["blob"])
    assert len(content) == found["diff"]["size"]
    for part in (b"+print(3)", b"GIT binary patch", b"deleted file"):
        assert part in content
    assert b"print(2)" not in content


def test_settings_of_a_person_do_not_change_the_diff(captured, clone, blobs):
    write(clone, train_py="print(2)\n")
    plain = captured(clone)["diff"]["blob"]
    for key, value in (
        ("color.ui", "always"),
        ("diff.noprefix", "true"),
        ("diff.external", "false"),
        ("diff.context", "0"),
        ("core.pager", "false"),
        ("diff.algorithm", "patience"),
    ):
        git(clone, "config", key, value)
    write(clone, train_py="print(2)\n")
    assert captured(clone)["diff"]["blob"] == plain


def test_untracked_files_are_kept_but_for_ignored_ones(captured, clone, blobs):
    write(clone, data__a="1", **{".gitignore": "*.log\n"})
    write(clone, **{"x.log": "log", "b c\n": "2"})
    (clone / "link").symlink_to("train.py")
    found = captured(clone / "sub")
    wanted = {".gitignore": "*.log\n", "b c\n": "2", "data/a": "1", "link": "train.py"}
    assert members(blobs, found) == wanted
    assert found["untracked"]["files"] == 4


def test_large_files_secrets_and_pipes_are_left_out_and_named(captured, clone, blobs, monkeypatch):
    monkeypatch.setattr(worktree, "FILE_BYTES", 10)
    monkeypatch.setattr(worktree, "FILES_BYTES", 15)
    write(clone, a="1" * 10, b="2" * 11, c="3" * 6, d="4" * 5, **{".env": "KEY=1", "x.pem": "-"})
    found = captured(clone)
    assert members(blobs, found) == {"a": "1" * 10, "d": "4" * 5}
    assert found["untracked"]["left_out"] == [".env", "b", "c", "x.pem"]
    assert "untracked: 4 files left out" in found["notes"]


def test_names_that_are_no_utf_8_are_kept(captured, clone, blobs):
    odd = os.fsdecode(b"caf\xe9")
    (clone / odd).write_text("1")
    (clone / odd.upper()).mkdir()
    assert members(blobs, captured(clone)) == {odd: "1"}
    assert captured(clone / odd.upper())["cwd"] == "CAF\\xe9"


def test_commits_that_no_remote_has_are_a_bundle(captured, clone, blobs, tmp_path):
    write(clone, train_py="print(2)\n")
    head = commit(clone)
    found = captured(clone)
    assert found["bundle"]["commits"] == 1
    (tmp_path / "b").write_bytes(blobs.get(found["bundle"]["blob"]))
    assert git(clone, "bundle", "list-heads", str(tmp_path / "b")) == f"{head} HEAD"
    git(clone, "push", "--quiet")
    assert "bundle" not in captured(clone)


def test_without_a_remote_the_bundle_is_the_whole_history(captured, remote):
    found = captured(remote)
    assert "url" not in found
    assert found["bundle"]["commits"] == 1


def test_what_is_too_large_is_left_out_with_a_note(captured, clone, monkeypatch):
    write(clone, train_py="print(2)\n")
    commit(clone)
    write(clone, train_py="print(3)\n")
    monkeypatch.setattr(worktree, "DIFF_BYTES", 5)
    monkeypatch.setattr(worktree, "BUNDLE_BYTES", 5)
    found = captured(clone)
    assert (found["diff"], found["bundle"]) == ({"files": 1}, {"commits": 1})
    assert "bundle: left out, it is over 0 MiB; diff: left out, it is over 0 MiB" in found["notes"]


def test_a_repository_without_commits(captured, tmp_path, blobs):
    git(tmp_path, "init", "--quiet", "--initial-branch=dev", "empty")
    write(tmp_path / "empty", a="1", b="2")
    git(tmp_path / "empty", "add", "a")
    found = captured(tmp_path / "empty")
    assert found["branch"] == "dev"
    assert "commit" not in found
    assert "git: there is no commit yet" in found["notes"]
    assert b"+1" in blobs.get(found["diff"]["blob"])
    assert members(blobs, found) == {"b": "2"}


def test_a_detached_head_has_no_branch(captured, clone):
    git(clone, "checkout", "--quiet", "--detach")
    found = captured(clone)
    assert "branch" not in found
    assert found["commit"] == git(clone, "rev-parse", "HEAD")


def test_a_worktree_of_a_clone(captured, clone, remote, tmp_path):
    git(clone, "worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    found = captured(tmp_path / "side")
    assert (found["branch"], found["url"], found["cwd"]) == ("side", str(remote), ".")


def test_a_submodule_is_the_commit_that_it_is_at(captured, clone, remote, blobs):
    git(clone, "submodule", "--quiet", "add", str(remote), "module")
    commit(clone)
    write(clone / "module", train_py="print(9)\n")
    assert "diff" not in captured(clone)
    head = commit(clone / "module")
    assert f"+Subproject commit {head}\n".encode() in blobs.get(captured(clone)["diff"]["blob"])
    assert captured(clone / "module")["commit"] == head


def test_the_remote_of_the_branch_comes_first(captured, clone):
    git(clone, "remote", "add", "fork", "https://ann:s3cret@example.org/fork")
    git(clone, "config", "branch.main.remote", "fork")
    found = captured(clone)
    assert found["url"] == "https://example.org/fork"
    assert "s3cret" not in str(found)


def test_outside_of_a_repository_git_is_not_run(captured, tmp_path, monkeypatch):
    monkeypatch.setattr(status_, "git", None)
    found = captured(tmp_path)
    assert not {"commit", "cwd", "url"} & set(found)


def test_without_git_the_rest_is_noted(captured, clone, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    found = captured(clone)
    assert found["notes"].startswith("git: git is not installed")
    assert found["host"]
    assert "commit" not in found


def test_a_repository_that_git_does_not_read_is_noted(captured, clone):
    (clone / ".git" / "config").write_text("[core\n")
    assert captured(clone)["notes"].startswith("git: bad config line 1 in file")


def test_a_status_that_takes_too_long_leaves_the_commit(captured, clone, monkeypatch):
    monkeypatch.setattr(status_, "TIMEOUT", 0)
    found = captured(clone)
    assert (found["commit"], found["diff"]) == (git(clone, "rev-parse", "HEAD"), {})
    assert found["notes"].startswith("git: git status takes too long")


def test_nothing_is_written_into_the_repository_and_no_hook_is_run(captured, clone, tmp_path):
    hook = clone / ".git" / "hooks" / "fsmonitor"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
    hook.chmod(0o755)
    git(clone, "config", "core.fsmonitor", str(hook))
    write(clone, train_py="print(2)\n")
    os.utime(
        clone / "sub" / "x", (1, 1)
    )  # looks changed: git would note in its index that it is not
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in clone.rglob("*")}
    assert captured(clone)["diff"]["files"] == 1
    after = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in clone.rglob("*")}
    assert after == before
    assert not (tmp_path / "ran").exists()


def test_variables_that_name_another_repository_mislead_nobody(
    captured, clone, tmp_path, monkeypatch
):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other"))
    assert captured(clone)["commit"]


def test_no_variable_of_the_environment_is_in_it(captured, clone, blobs, monkeypatch):
    monkeypatch.setenv("API_TOKEN", "s3cret-token")
    found = captured(clone, ["python", "train.py"], ours=True)
    kept = [blobs.get(part["blob"]) for part in found.values() if isinstance(part, dict)]
    assert b"s3cret-token" not in b"".join([str(found).encode(), *kept])


def test_an_unchanged_tree_costs_one_process_and_a_changed_one_is_seen(
    captured, clone, blobs, monkeypatch
):
    write(clone, train_py="print(2)\n", new="1")
    first = captured(clone)
    monkeypatch.setattr(worktree, "git", None)
    monkeypatch.setattr(blobs, "put", None)
    assert captured(clone) == first
    monkeypatch.undo()
    write(clone, train_py="print(3)\n", new="2")
    second = captured(clone)
    for part in ("diff", "untracked"):
        assert second[part]["blob"] != first[part]["blob"]
        assert second[part]["size"] == first[part]["size"]


def test_a_store_that_does_not_have_the_contents_gets_them(captured, clone, tmp_path):
    from labq.source.capture import capture
    from labq.store import open_store

    write(clone, train_py="print(2)\n")
    first = captured(clone)
    other = open_store(f"sqlite:{tmp_path / 'other.db'}")
    assert capture(other.blobs, tmp_path / "home", str(clone)) == first
    assert other.blobs.get(first["diff"]["blob"])
    other.close()


def test_a_push_is_seen(captured, clone):
    commit(clone)
    assert captured(clone)["bundle"]["commits"] == 1
    git(clone, "push", "--quiet")
    assert "bundle" not in captured(clone)


ENTRIES = [
    (["python", "train.py", "--lr", "1"], "train.py"),
    (["python", "-m", "pkg.train"], "-m pkg.train"),
    (["./train.py"], "./train.py"),
    (["python", "-c", "pass"], None),
    (["sleep", "1"], None),
]


@pytest.mark.parametrize(("words", "entry"), ENTRIES)
def test_the_entry_point_is_the_script_of_the_command(captured, clone, words, entry):
    assert captured(clone, words).get("entry_point") == entry


def test_the_entry_point_of_a_program_is_from_the_top(captured, clone):
    script = str(clone / "sub" / "x")
    assert captured(clone, script=script)["entry_point"] == "sub/x"
    assert "entry_point" not in captured(clone, script="-c")


def test_a_folder_of_no_repository_is_noted(captured, tmp_path):
    assert captured(tmp_path)["notes"].startswith(f"git: {tmp_path} is in no repository; ")


@pytest.mark.parametrize(
    "words",
    [
        ["python", "{clone}/train.py"],
        ["python", "-u", "../clone/train.py", "--data", "x"],
        ["python", "link.py"],
        ["torchrun", "--nproc", "2", "{clone}/train.py"],
        ["{clone}/train.py"],
        ["env", "A=1", "sh", "{clone}/sub/x"],
        ["python", "-m", "cProfile", "{clone}/train.py"],
    ],
)
@pytest.mark.parametrize("around", ["nothing", "another repository"])
def test_a_script_elsewhere_is_recorded_with_its_own_repository(
    captured, remote, tmp_path, words, around
):
    clone = cloned(remote, tmp_path / "clone")
    folder = tmp_path / "data"
    if around == "nothing":
        folder.mkdir()
    else:
        made(folder, x="1")
    (folder / "link.py").symlink_to(clone / "train.py")
    (clone / "train.py").chmod(0o755)
    words = [word.format(clone=clone) for word in words]
    found = captured(folder, words)
    assert (found["root"], found["url"]) == (str(clone), str(remote))
    assert found["commit"] == git(clone, "rev-parse", "HEAD")
    assert "cwd" not in found
    script = next(word for word in words if word.endswith((".py", "/x")))
    wanted = {} if script.startswith("/") else {script: "train.py"}
    assert found.get("links", {}) == wanted


@pytest.mark.parametrize(
    "words", [["bash", "-c", "cd /tmp; python {clone}/train.py > log"], ["python", "{clone}/pkg"]]
)
def test_so_is_one_in_a_shells_text_and_a_folder_that_python_runs(
    captured, remote, tmp_path, words
):
    clone = cloned(remote, tmp_path / "clone")
    (clone / "pkg").mkdir()
    (clone / "pkg" / "__main__.py").touch()
    folder = tmp_path / "data"
    folder.mkdir()
    found = captured(folder, [word.format(clone=clone) for word in words])
    assert (found["root"], found["url"]) == (str(clone), str(remote))


@pytest.mark.parametrize(
    "words",
    [
        ["cat", "{other}/data.csv"],
        ["python", "train.py", "{other}/eval.py"],
        ["python", "{other}/ignored.py"],
        ["python", "-m", "train", "{other}/eval.py"],
        ["{other}/bin/python", "train.py"],
        ["python", "part/x"],
        None,
    ],
)
def test_what_is_no_script_of_another_repository_counts_for_nothing(
    captured, clone, remote, tmp_path, words
):
    ignored = {".gitignore": "ignored.py\nbin\n", "ignored.py": "", "bin/python": ""}
    other = made(tmp_path / "other", data__csv="1", eval_py="", **ignored)
    git(clone, "submodule", "--quiet", "add", str(remote), "part")
    words = words and [word.format(other=other) for word in words]
    found = captured(clone, words, script=str(other / "eval.py"))
    assert (found["root"], found["cwd"]) == (str(clone), ".")


def test_words_that_lead_into_the_tree_by_another_name_are_kept(captured, clone, tmp_path):
    (tmp_path / "alias").symlink_to(clone)
    (tmp_path / "run.py").symlink_to(clone / "train.py")
    for word in (f"{tmp_path}/alias/train.py", f"{tmp_path}/run.py"):
        assert captured(clone, ["python", word])["links"] == {word: "train.py"}
    whole = f"{clone}/sub/../train.py"
    assert "links" not in captured(clone, ["python", whole])


def test_a_program_that_submits_counts_where_the_folder_is_in_no_repository(
    captured, clone, tmp_path
):
    found = captured(tmp_path, script=str(clone / "train.py"))
    assert (found["root"], found["entry_point"]) == (str(clone), "train.py")


def test_packages_are_those_of_this_python(captured, tmp_path, blobs):
    found = captured(tmp_path, [sys.executable, "x.py"])
    lines = blobs.get(found["packages"]["blob"]).decode().splitlines()
    assert found["packages"]["count"] == len(lines)
    assert lines == sorted(
        lines, key=lambda line: line.partition("==")[0].lower().replace("_", "-")
    )
    assert any(line.startswith("pytest==") for line in lines)
    assert found["python"] == ".".join(map(str, sys.version_info[:3]))


def test_packages_of_another_python_are_not_guessed(captured, tmp_path):
    other = tmp_path / "bin" / "python"
    other.parent.mkdir()
    other.symlink_to(sys.executable)
    found = captured(tmp_path, [str(other), "x.py"])
    assert not {"packages", "python"} & set(found)
    assert "packages: the job's Python is not the one that labq runs in" in found["notes"]


def test_a_folder_that_is_not_there_fails_nothing(captured, tmp_path):
    assert captured(tmp_path / "no", ["python", "x.py"])["host"]


def test_blobs_that_cannot_be_kept_are_a_note(captured, clone, blobs, monkeypatch):
    from labq.errors import StoreError

    def full(_content):
        raise StoreError("the disk is full")

    write(clone, train_py="print(2)\n")
    monkeypatch.setattr(blobs, "put", full)
    found = captured(clone)
    assert found["commit"]
    assert found["diff"] == {}
    assert "diff: the disk is full" in found["notes"]


def test_a_cache_that_is_damaged_or_cannot_be_written_is_done_without(captured, clone, tmp_path):
    first = captured(clone)
    (file,) = (tmp_path / "home" / "cache" / "source").iterdir()
    file.write_text("{")
    assert captured(clone) == first
    file.unlink()
    file.parent.rmdir()
    file.parent.write_text("")
    assert captured(clone) == first
    assert listing(Path(file.parent.parent)) == {"source": b""}
