"""Which tasks fit a worker's command: those whose keys are its placeholders, all and no more."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from labq.command.template import Template
from labq.command.words import flat, signature
from labq.errors import TemplateError
from labq.values.paths import MISSING, lookup

MAX_OPTIONAL = 10  # placeholders with a default: each doubles the signatures that fit


def fits(template: Template, args: Mapping[str, Any], *, allow_extra: bool = False) -> str:
    """Why a task with these args does not fit the command, or an empty text when it does."""
    if not template.keys:
        return ""
    have, keys = flat(args), template.keys
    exact = not (allow_extra or template.takes_any)
    lacks = [
        key
        for key, needed in keys.items()
        if needed and (key not in have if exact else lookup(args, key) is MISSING)
    ]
    extra = [key for key in have if key not in keys] if exact else []
    told = {"lacks": lacks, "has besides": extra}
    return "; ".join(f"{verb} {', '.join(those)}" for verb, those in told.items() if those)


def fitting(template: Template, *, allow_extra: bool = False) -> dict[str, Any]:
    """The MongoDB query for the tasks that `fits` finds fitting.

    Exactly these keys is an equality on the signature (with defaults, one of several); at least
    these keys is a search in its text, where each key stands as `"key"` or as the `"key.` of a
    nested one.

    Raises:
        TemplateError: more than MAX_OPTIONAL placeholders with a default.
    """
    needed = [key for key, must in template.keys.items() if must]
    optional = [key for key, must in template.keys.items() if not must]
    if not template.keys or ((allow_extra or template.takes_any) and not needed):
        return {}
    if allow_extra or template.takes_any:
        texts = (re.escape(json.dumps(key, ensure_ascii=False)[:-1]) for key in needed)
        return {"$and": [{"args_signature": {"$regex": f'[[,]{text}[".]'}} for text in texts]}
    if len(optional) > MAX_OPTIONAL:
        raise TemplateError(
            f"{len(optional)} placeholders have defaults, at most {MAX_OPTIONAL} may "
            "(--allow-extra lifts this)"
        )
    sizes = range(len(optional) + 1)
    chosen = [some for size in sizes for some in combinations(optional, size)]
    signatures = [signature([*needed, *some]) for some in chosen]
    return {"args_signature": signatures[0] if len(signatures) == 1 else {"$in": signatures}}
