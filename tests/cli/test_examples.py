"""Every example of help, guides and README, as pasted into bash, zsh and fish."""

from __future__ import annotations

import os
import subprocess

import pytest
from shells import PASTED, SHELLS, examples, words

from labq.errors import ExitCode

EXAMPLES = examples()
PLACES = sorted({example.place for example in EXAMPLES})
STUB = """#!/bin/sh
printf '%s\\0' "$@" '' >> "$RECORD"
echo 4
"""
FILES = {
    "train.py": "print('trained')\n",
    "prepare.py": "",
    "evaluate.py": "",
    "serve.sh": "",
    "train.sh": "#!/bin/sh\n",
    "notify.sh": "#!/bin/sh\n",
    "fix.patch": "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n",
    "runs.jsonl": '{"lr": 0.1}\n{"lr": 0.2}\n',
    "sweep.sh": "labq sweep\n",
    "labq.yaml": "tasks: {train: {args: {lr: 1}, cmd: python train.py}}\n"
    "profiles: {big: {priority: 1}, big-gpu: {priority: 2}}\n",
}


@pytest.fixture
def uri(tmp_path):
    """Which words labq gets is nothing to a store."""
    return f"sqlite:{tmp_path / 'labq.db'}"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The working directory, with what the examples speak of."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "home/.local/share/labq/offline/one").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def pasted(folder):
    """What `labq` gets, call by call, of a text that is pasted into a shell."""
    record = folder / "record"
    for name in ("bin/labq", ".venv/bin/labq"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(STUB)
        (folder / name).chmod(0o755)
    for name in ("bin/python3", "bin/python", ".venv/bin/pip", ".venv-test/bin/pip", ".venv-test/bin/python", "bin/git"):  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    environment = {
        "PATH": f"{folder}/bin:{os.environ['PATH']}",
        "HOME": str(folder / "home"),
        "RECORD": str(record),
        "TERM": "dumb",
    }

    def paste(shell, text):
        record.write_text("")
        subprocess.run(
            PASTED[shell],
            input=f"{text}\nlabq the end\n",
            text=True,
            cwd=folder,
            env=environment,
            capture_output=True,
            start_new_session=True,
            timeout=60,
        )
        calls, call = [], []
        for word in record.read_text().split("\0")[:-1]:
            if word:
                call.append(word)
            else:
                calls.append(call)
                call = []
        assert calls.pop() == ["the", "end"], f"{shell} did not read to the end of: {text}"
        return calls

    return paste


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_gives_labq_the_words_of_each_example(pasted, shell, place):
    here = [one for one in EXAMPLES if one.place == place]
    got = {one.text: sorted(pasted(shell, one.text)) for one in here}  # a pipe's are in any order
    assert got == {
        one.text: [words(one)] if one.is_plain else sorted(pasted("bash", one.text)) for one in here
    }
    assert [text for text, calls in got.items() if "labq " in text and not calls] == []


FOR_EVER = {"--forever", "--follow", "--wait"}


def bounded(call):
    """The same without what has it wait for ever, or for a server that is not there."""
    words = [word for word in call if word not in FOR_EVER]
    if words[0] == "wait":
        words += ["--timeout", "10ms"]
    at = words.index("--uri") if "--uri" in words else len(words)
    return words[:at] + words[at + 2 :]


@pytest.mark.parametrize("place", [place for place in PLACES if place != "README.md"])
def test_labq_takes_the_words_of_each_example(labq, folder, pasted, place, monkeypatch):
    here = [one for one in EXAMPLES if one.place == place and not one.is_mentioned]
    calls = [call for one in here for call in pasted("bash", one.text)]
    labq("task", "submit", "--array", "4", "--name", "base", "--", "--lr", "1")
    (folder / "bin/nvidia-smi").write_text("#!/bin/sh\necho 0, GPU-a\n")
    (folder / "bin/nvidia-smi").chmod(0o755)
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.setenv("PATH", f"{folder}/bin:{os.environ['PATH']}")
    if "job" in place or "report" in place or "progress" in place:
        monkeypatch.setenv("LABQ_TASK_ID", labq("task", "ls", "-q").ids[0])
    for call in map(bounded, calls):
        result = labq(*call)
        assert result.code != ExitCode.USAGE, (call, result.err)
        assert "Traceback" not in result.err
