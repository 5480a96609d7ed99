"""`labq guide`."""

from __future__ import annotations

import sys
from importlib import resources
from typing import Annotated

import typer

from labq.cli import options
from labq.cli.output import json_line, line
from labq.errors import NotFoundError
from labq.values.suggest import hint


def command(
    topic: Annotated[str | None, typer.Argument(metavar="[TOPIC]", show_default=False)] = None,
    json: options.Json = False,
) -> None:
    """Read about a topic; without one, list them.

    Examples:
      labq guide filters
    """
    pages = {
        page.name.removesuffix(".md"): page
        for page in sorted(resources.files("labq.guide").iterdir(), key=lambda page: page.name)
        if page.name.endswith(".md")
    }
    if topic is not None and topic not in pages:
        raise NotFoundError(
            f"no guide {topic!r}{hint(topic, pages)} (there are: {', '.join(pages)})"
        )
    shown = pages if topic is None else {topic: pages[topic]}
    texts = {name: page.read_text("utf-8") for name, page in shown.items()}
    for name, text in texts.items():
        title = text.partition("\n")[0].lstrip("# ")
        if json:
            json_line({"topic": name, "title": title, **({"text": text} if topic else {})})
        elif topic is None:
            line(f"{name:<12} {title}")
        elif sys.stdout.isatty():
            from labq.cli import render

            render.page(text)
        else:
            line(text.rstrip())
