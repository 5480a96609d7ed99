"""YAML for the editor that gives back exactly what was put in.

PyYAML's own resolvers follow YAML 1.1, where `no`, `on`, `12:30:45` and `2026-11-21` typed by a person
are no texts and `1e-05` is one. These follow the core schema of YAML 1.2.2 (chapter 10.3), for writing
and for reading alike.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from labq.errors import UsageError

_CORE: list[tuple[str, str, str]] = [  # tag, pattern, first characters
    ("null", r"~|null|Null|NULL|", "~nN"),
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
]


class _Loader(yaml.SafeLoader):
    """Reads the core schema."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """`<<` is a key like any other."""


class _Dumper(yaml.SafeDumper):
    """Writes the core schema."""

    yaml_implicit_resolvers: dict[str, Any] = {}

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        """Equal values are written out each time."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        """Items of a list stand in from their key."""
        super().increase_indent(flow, False)


for _tag, _pattern, _first in _CORE:
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), list(_first))
        if _tag == "null":
            _class.yaml_implicit_resolvers.setdefault("", []).append(
                ("tag:yaml.org,2002:null", re.compile(r"^$"))
            )


def _int(_loader: _Loader, node: yaml.ScalarNode) -> int:
    text = node.value
    return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))


def _float(_loader: _Loader, node: yaml.ScalarNode) -> float:
    return float(node.value)


def _bool(_loader: _Loader, node: yaml.ScalarNode) -> bool:
    return str(node.value).lower() == "true"


_Loader.add_constructor("tag:yaml.org,2002:int", _int)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)
_Loader.add_constructor("tag:yaml.org,2002:bool", _bool)


def _write_float(dumper: _Dumper, value: float) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", repr(value))


def _write_text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    """Lines as a block; what a block cannot give back exactly in double quotes."""
    block = "\n" in value and value.isprintable() is False and _block_safe(value)
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if block else _quote(value))


def _block_safe(value: str) -> bool:
    lines = value.split("\n")
    return all(line.isprintable() and line == line.rstrip() for line in lines) and not lines[0].startswith(" ")


def _quote(value: str) -> str | None:
    return '"' if any(not char.isprintable() for char in value) else None


_Dumper.add_representer(float, _write_float)
_Dumper.add_representer(str, _write_text)


def dump(value: Any) -> str:
    """A JSON value as YAML text; keys keep their order."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000))


def load_all(text: str) -> list[Any]:
    """The JSON values of a YAML text's documents, empty ones left out.

    Raises:
        UsageError: it is no YAML; the message has the line.
    """
    try:
        return [value for value in yaml.load_all(text, Loader=_Loader) if value is not None]  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark else ""
        raise UsageError(f"not YAML: {place}{getattr(error, 'problem', None) or error}") from None
    except (ValueError, RecursionError, TypeError) as error:
        raise UsageError(f"not YAML: {error}") from None
