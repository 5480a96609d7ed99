"""The words of a command in the rebuilt tree."""

from __future__ import annotations

import os

import pytest

from labq.source.relocate import Misplaced, Relocation

ROOT = "/home/ann/lab"


@pytest.fixture
def tree(tmp_path):
    """A tree with some files, whose job runs in a folder of it."""
    tree = tmp_path / "1.tree"
    for name in ("train.py", "sub/eval.py", "sub/run", "bin/go", "src/lab/x.py", "a b/x.sh"):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).touch()
    (tree / "away.py").symlink_to("/etc/hostname")
    (tree / "inside.py").symlink_to("train.py")
    return tree


@pytest.fixture
def moved(tree):
    def move(words, folder="sub", root=ROOT, **links):
        place = None if folder is None else os.path.join(tree, folder)
        found = Relocation(root, links, str(tree), place).argv([*words])
        return [word.replace(str(tree), "TREE") for word in found]

    return move


MOVED = [
    (["python", f"{ROOT}/train.py", f"{ROOT}/train.py"], ["TREE/train.py", f"{ROOT}/train.py"]),
    (["python", "-u", f"{ROOT}//sub/../train.py"], ["-u", "TREE/train.py"]),
    (["python", "eval.py"], ["eval.py"]),
    (["python", "../train.py"], ["../train.py"]),
    (["python", f"{ROOT}/inside.py"], ["TREE/inside.py"]),
    (["python", "-m", "lab.x"], ["-m", "lab.x"]),
    (["python", "-m", "lab.x", f"{ROOT}/train.py"], ["-m", "lab.x", f"{ROOT}/train.py"]),
    (
        ["python", "-m", "cProfile", "-o", f"{ROOT}/out", f"{ROOT}/train.py", f"{ROOT}/train.py"],
        ["-m", "cProfile", "-o", f"{ROOT}/out", "TREE/train.py", f"{ROOT}/train.py"],
    ),
    (
        ["python", "-m", "pdb", "-c", "c", f"{ROOT}/train.py"],
        ["-m", "pdb", "-c", "c", "TREE/train.py"],
    ),
    (
        ["python", "-m", "torch.distributed.run", "eval.py"],
        ["-m", "torch.distributed.run", "eval.py"],
    ),
    (["sh", "-c", f"python {ROOT}/../lab/sub//eval.py"], ["-c", "python TREE/sub/eval.py"]),
    (["bash", f"{ROOT}/sub/run", "x"], ["TREE/sub/run", "x"]),
    (["bash", "-o", "pipefail", f"{ROOT}/sub/run"], ["-o", "pipefail", "TREE/sub/run"]),
    (["env", "A=1", "python3.11", f"{ROOT}/sub/run"], ["A=1", "python3.11", "TREE/sub/run"]),
    (["torchrun", "--nproc=2", f"{ROOT}/train.py"], ["--nproc=2", "TREE/train.py"]),
    (
        ["uv", "run", "--project", ROOT, f"--with={ROOT}/src", f"{ROOT}/train.py"],
        ["run", "--project", "TREE", "--with=TREE/src", "TREE/train.py"],
    ),
    (
        ["sh", "-c", f"cd {ROOT} && python '{ROOT}/train.py' > {ROOT}/out; ls {ROOT}s"],
        ["-c", f"cd TREE && python 'TREE/train.py' > {ROOT}/out; ls {ROOT}s"],
    ),
    (["bash", "-lc", f"python {ROOT}/sub/eval.py"], ["-lc", "python TREE/sub/eval.py"]),
    (["mytool", "--config", "/etc/hostname"], ["--config", "/etc/hostname"]),
    (["python", f"{ROOT}/a b/x.sh"], ["TREE/a b/x.sh"]),
    (["mytool", f"{ROOT}/sub/run"], ["TREE/sub/run"]),
]


@pytest.mark.parametrize(("words", "wanted"), MOVED)
def test_the_program_is_that_of_the_tree_and_its_arguments_are_as_typed(moved, words, wanted):
    assert moved(words) == [words[0], *wanted]


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        (f"{ROOT}/bin/go", "TREE/bin/go"),
        (f"{ROOT}/train.py", "TREE/train.py"),
        (f"{ROOT}/.venv/bin/python", f"{ROOT}/.venv/bin/python"),
        ("/usr/bin/true", "/usr/bin/true"),
        ("./run", "./run"),
        ("true", "true"),
    ],
)
def test_a_program_by_its_path_is_that_of_the_tree(moved, word, wanted):
    assert moved([word, f"--out={ROOT}/sub"]) == [wanted, f"--out={ROOT}/sub"]


def test_words_that_were_recorded_lead_where_they_led(moved):
    links = {"/tmp/x/t.py": "train.py", "../lab/train.py": "train.py"}
    for word in links:
        assert moved(["python", word], None, **links) == ["python", "TREE/train.py"]
    assert moved(["python", "other.py"], None) == ["python", "other.py"]


def test_another_name_of_the_repository_on_this_machine(moved, tmp_path):
    root = tmp_path / "lab"
    root.mkdir()
    (root / "train.py").touch()
    (tmp_path / "alias").symlink_to(root)
    (tmp_path / "linked.py").symlink_to(root / "train.py")
    for word in ("alias/train.py", "linked.py"):
        found = moved(["python", f"{tmp_path}/{word}"], root=str(root))
        assert found == ["python", "TREE/train.py"]
    text = f"cd {tmp_path}/alias && python {tmp_path}/linked.py > /dev/null"
    assert (
        moved(["sh", "-c", text], root=str(root))[-1]
        == "cd TREE && python TREE/train.py > /dev/null"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["python", "/opt/train.py"],
        ["python", f"{ROOT}-2/train.py"],
        ["python", f"{ROOT}/../train.py"],
        ["python", "../../train.py"],
        ["/opt/run.sh"],
        ["torchrun", "/opt/train.py"],
        ["bash", "-e", "/opt/run"],
    ],
)
def test_a_script_outside_is_refused(moved, words):
    with pytest.raises(Misplaced) as caught:
        moved(words)
    assert str(caught.value) == (
        f"its script {words[-1]} is outside of the repository that was recorded ({ROOT}): name it "
        f"by a path in that, such as python {os.path.basename(words[-1])}, or run it without "
        "--checkout"
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["python", f"{ROOT}/no.py"], "was not recorded with it: git ignores it, or it was left"),
        ([f"{ROOT}/build/train"], "was not recorded with it: git ignores it, or it was left out"),
        (["python", f"{ROOT}/away.py"], "is a link that leads out of the repository"),
        (["python", "../away.py"], "is a link that leads out of the repository"),
    ],
)
def test_what_is_not_in_the_tree_is_refused(moved, words, told):
    with pytest.raises(Misplaced, match=told):
        moved(words)


def test_the_path_of_modules_is_that_of_the_tree(tree):
    there = Relocation(ROOT, {}, str(tree), str(tree))
    given = {"PYTHONPATH": f"{ROOT}/src:{ROOT}:/opt/x:rel:{ROOT}/no:", "A": ROOT}
    wanted = f"{tree}/src:{tree}:/opt/x:rel:{ROOT}/no:"
    assert there.environment(given) == {"PYTHONPATH": wanted, "A": ROOT}
    assert there.environment({"A": ROOT}) == {"A": ROOT}
