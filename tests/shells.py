"""The shells that people paste examples into, and the examples that help, guides and README have."""

from __future__ import annotations

import ast
import re
import shlex
import shutil
from dataclasses import dataclass
from importlib import import_module
from inspect import cleandoc
from pathlib import Path

import labq
from labq.cli.commands import commands

# Each reads what is pasted from stdin as it reads a terminal, without the person's own start-up
# files. (fish knows no difference; in zsh a comment is none there.)
PASTED = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--no-config"),
}
SCRIPT = {  # each runs a text that follows as a script, up to its first failure if it can
    "bash": ("bash", "-euo", "pipefail", "-c"),
    "zsh": ("zsh", "-f", "-euo", "pipefail", "-c"),
    "fish": ("fish", "--no-config", "-c"),
}
SHELLS = [shell for shell in PASTED if shell == "bash" or shutil.which(shell)]
MISSING = [shell for shell in PASTED if shell not in SHELLS]
README = (Path(__file__).parent.parent / "README.md").read_text()


@dataclass(frozen=True)
class Example:
    """A text to paste, and where it stands."""

    place: str
    text: str
    is_mentioned: bool = False  # within a sentence, where it may leave out what is needed

    @property
    def is_plain(self):
        """Whether it is one command with nothing for a shell to do but to quote."""
        bare = re.sub(r"'[^']*'", "", self.text)
        return not re.search(r'[\n$`|&<>;~*"]', bare) and self.text.startswith("labq ")


def examples():
    """Every one there is."""
    return [*_of_help(), *_of_guides(), *_of_readme()]


def _of_help():
    for path, entry in commands():
        if not entry.entries:
            text = cleandoc(import_module(entry.module).command.__doc__)
            for line in text.partition("Examples:\n")[2].splitlines():
                yield Example(f"labq {' '.join(path)} --help", line.strip())


def _of_guides():
    for page in sorted((Path(labq.__file__).parent / "guide").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        for block in re.findall(r"\n\n((?:    .*\n+)+)", text):
            shell = block.replace("\n    ", "\n").strip()
            if not _is_other_language(shell):
                yield from (Example(page.name, line) for line in shell.splitlines())
        yield from (Example(page.name, code, True) for code in _within_lines(text))


def _is_other_language(block):
    try:
        ast.parse(block)
    except SyntaxError:
        return block.startswith("tasks:\n")  # YAML
    return True


def _of_readme():
    for block in re.findall(r"(?<!sweep\.sh -->\n)```sh\n(.*?)```", README, re.DOTALL):
        yield Example("README.md", block.strip())
    text = re.sub(r"```.*?```", "", README, flags=re.DOTALL)
    yield from (Example("README.md", code, True) for code in _within_lines(text))


def _within_lines(text):
    """The commands of labq that stand in a sentence or in a table."""
    for code in re.findall(r"`([^`]+)`", text):
        if re.match(r"(\w+=\S* )?labq [a-z]", code):
            yield " ".join(code.split())


def words(example):
    """The words that labq gets of a plain example."""
    return shlex.split(example.text)[1:]
