"""`labq config show`."""

from __future__ import annotations

from labq.cli import options
from labq.cli.output import json_line, line
from labq.config import KEYS, masked


def command(
    queue: options.QueueName = None,
    uri: options.Uri = None,
    json: options.Json = False,
) -> None:
    """Show the settings and where each comes from, passwords masked.

    Examples:
      labq config show
      LABQ_QUEUE=night labq config show --json
    """
    settings = options.settings(uri, queue)
    values = {key: getattr(settings, key) for key in KEYS}
    values["uri"] = masked(settings.uri)
    values["home"] = str(settings.home)
    if json:
        origins = {key: settings.origins.get(key, "default") for key in KEYS}
        json_line({key: {"value": values[key], "from": origins[key]} for key in KEYS})
        return
    width = max(len(str(value)) for value in values.values())
    for key, value in values.items():
        text = f"{value:g}s" if isinstance(value, float) else str(value)
        text = text.lower() if isinstance(value, bool) else text
        line(f"{key:<12} {text:<{width}}  {settings.origins.get(key, 'default')}")
