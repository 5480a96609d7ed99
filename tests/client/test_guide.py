"""The page of `labq guide client`: its examples run from top to bottom, and it names what there is."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import labq
from labq.client import new_tasks

PAGE = (Path(labq.__file__).parent / "guide" / "client.md").read_text(encoding="utf-8")
BLOCKS = [
    text.replace("\n    ", "\n").strip() for text in re.findall(r"\n\n((?:    .*\n+)+)", PAGE)
]
YAML = [block for block in BLOCKS if block.startswith("tasks:")]
CODE = [block for block in BLOCKS if block not in YAML]


def test_the_examples_run_from_top_to_bottom(client, crew, capsys):
    over = threading.Event()

    def work():
        while not over.wait(0.01):
            if (claim := crew.claim()) is not None:
                crew.queue.report(claim.task["_id"], claim.token, {"acc": claim.task["number"]})
                crew.end(claim)

    Path("labq.yaml").write_text("\n".join(YAML))
    known = {}
    crew.aside(work)
    try:
        for block in CODE:
            exec(block, known)  # noqa: S102 - the page is the program
    finally:
        over.set()
        if "client" in known:
            known["client"].close()
    assert capsys.readouterr().out.splitlines()[0] == "success {'acc': 1} []"
    assert [task.args for task in client.tasks(filter="'sweep' in tags and number > 1")] == [
        {"lr": lr} for lr in (0.1, 0.2, 0.4)
    ]
    assert [task.index for task in client.get(5).completed_instances] == [1, 3, 4, 5, 6, 7, 8]
    assert client.get(12).args == {"lr": 0.5}
    made = client.get("base", latest=True)
    assert (made.number, made.args, made.env) == (13, {"lr": 0.2}, {"SEED": "3"})
    assert known["task"].resources["cpus"] == 2
    profile = new_tasks.draft(client.queue, client.settings, {}, {"profile": "big"})
    assert (profile["resources"], profile["timeout"]) == ({"gpus": 4}, 12 * 3600)


def test_the_guide_names_every_verb():
    words = set(re.findall(r"\w+", PAGE))
    names = [name for name in dir(labq.Task) if callable(getattr(labq.Task, name))]
    verbs = {name for name in names if not name.startswith("_")}
    said_elsewhere = {
        "commit",
        "from_dict",
        "apply_resource_override",
    }  # help(labq.Task)
    assert verbs - words == said_elsewhere
    of_client = {name for name in dir(labq.Client) if not name.startswith("_")}
    assert of_client - words == set()
