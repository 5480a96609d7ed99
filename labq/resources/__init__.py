"""What a task asks of a machine and requires of a worker: amounts, named resources, labels."""

from __future__ import annotations

from labq.resources.amounts import checked_resources, parse_resources, shown
from labq.resources.labels import (
    checked_require,
    claimable,
    parse_label,
    parse_requirement,
    shown_requirement,
)
from labq.resources.named import overridden, override_value, parse_override
from labq.resources.quantity import KEYS, quantity

__all__ = [
    "KEYS",
    "checked_require",
    "checked_resources",
    "claimable",
    "overridden",
    "override_value",
    "parse_label",
    "parse_override",
    "parse_requirement",
    "parse_resources",
    "quantity",
    "shown",
    "shown_requirement",
]
