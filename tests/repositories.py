"""Repositories for tests, each as git itself makes it, whatever the person's own settings are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

NEUTRAL = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
    **{f"GIT_{who}_NAME": "Ann" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "ann@example.org" for who in ("AUTHOR", "COMMITTER")},
}


def git(folder, *words):
    """What a command prints."""
    environment = {**os.environ, **NEUTRAL}
    command = ["git", "-C", str(folder), "-c", "protocol.file.allow=always", *words]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    return os.fsdecode(done.stdout).strip()


def made(folder, **files):
    """A repository with one commit of these files (`a__b` is `a/b`), on the branch `main`."""
    folder = Path(folder)
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "config", "receive.denyCurrentBranch", "ignore")  # a push may move it
    write(folder, **files)
    commit(folder)
    return folder


def write(folder, **files):
    for name, text in files.items():
        path = Path(folder) / name.replace("__", "/").replace("_py", ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def commit(folder, message="more"):
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def cloned(remote, folder):
    """A clone whose commits are those of the remote."""
    git(Path(remote).parent, "clone", "--quiet", str(remote), str(folder))
    return Path(folder)


def listing(folder):
    """Every file of a folder with its bytes, but for git's own of the tree."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] != ".git"
    }
