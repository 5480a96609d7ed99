"""YAML for the editor that gives back exactly what was put in.

PyYAML's own resolvers follow YAML 1.1, where `no`, `on`, `12:30:45` and `2026-11-21` typed by a
person are no texts and `1e-05` is one. These follow the core schema of YAML 1.2.2 (chapter 10.3) in
writing and in reading alike, without its `.inf` and `.nan`, which no store holds.
"""

from __future__ import annotations

import re
import sys
from typing import Any

import yaml
from yaml.constructor import ConstructorError

from labq.errors import UsageError
from labq.values.text import shortened

_TAG = "tag:yaml.org,2002:"
_CORE: list[tuple[str, str, list[str]]] = [  # tag, pattern, first characters
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", list("-+0123456789")),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", list("-+.0123456789")),
]

SCALARS = frozenset(f"{_TAG}{kind}" for kind in ("null", "bool", "int", "float", "str"))


class _Loader(yaml.SafeLoader):
    """Reads the core schema and no other tag; a key that is repeated is refused."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """`<<` is a key like any other."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node:
        """As PyYAML does, but for aliases: ten of ten of ten ... are no edit of a task."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise ConstructorError(None, None, "an alias cannot stand here", mark)
        return super().compose_node(parent, index)  # type: ignore[return-value]

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """As PyYAML does; a scalar's tag on a list or a dict is refused."""
        if not isinstance(node, yaml.ScalarNode) and node.tag in SCALARS:
            raise _refusal(f"{node.tag} is for one value", node)
        return super().construct_object(node, deep)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """The dict of a mapping; PyYAML's own lets the last of equal keys win."""
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        if len(found) < len(node.value):
            seen = []
            for key_node, _ in node.value:
                key = self.construct_object(key_node, deep=True)
                if key in seen:
                    raise _refusal(f"the key {shortened(str(key))!r} is given twice", key_node)
                seen.append(key)
        return found

    def read_bool(self, node: yaml.ScalarNode) -> bool:
        """In any case, as the resolver lets through."""
        if str(node.value).lower() not in ("true", "false"):  # under a tag that the person wrote
            raise _refusal(f"{shortened(str(node.value), 30)} is neither true nor false", node)
        return str(node.value).lower() == "true"

    def read_int(self, node: yaml.ScalarNode) -> int:
        """Decimal, 0o or 0x."""
        text = node.value
        try:
            return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
        except ValueError:  # more digits than int() reads, or under a tag that the person wrote
            raise _refusal(f"{shortened(text, 30)} is not an integer of 64 bits", node) from None

    def read_float(self, node: yaml.ScalarNode) -> float:
        """What Python reads as one."""
        try:
            return float(node.value)
        except ValueError:  # under a tag that the person wrote
            raise _refusal(f"{shortened(node.value, 30)} is not a number", node) from None


def _refusal(problem: str, node: yaml.Node) -> yaml.YAMLError:
    return ConstructorError(None, None, problem, node.start_mark)


class _Dumper(yaml.SafeDumper):
    """Writes the core schema."""

    def ignore_aliases(self, _data: Any) -> bool:
        """Equal values are written out each time."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Items of a list stand in from their key."""
        super().increase_indent(flow, indentless and flow)

    def write_a_float(self, value: float) -> yaml.ScalarNode:
        """With all its digits."""
        return self.represent_scalar(f"{_TAG}float", repr(value))

    def write_a_text(self, value: str) -> yaml.ScalarNode:
        """Lines as a block, where PyYAML finds that it gives them back; odd characters escaped."""
        block = "\n" in value and value.replace("\n", "").isprintable()
        style = "|" if block else None if value.isprintable() else '"'
        return self.represent_scalar(f"{_TAG}str", value, style=style)


def _set_up() -> None:
    """Takes PyYAML's tags away from both classes and gives them those of the core schema."""
    either: type[yaml.SafeLoader | yaml.SafeDumper]
    for either in (_Loader, _Dumper):
        either.yaml_implicit_resolvers = {}
        for kind, pattern, first in _CORE:
            whole = re.compile(rf"(?:{pattern})\Z")
            either.add_implicit_resolver(f"{_TAG}{kind}", whole, first)
    _Loader.yaml_constructors = {}
    readers: dict[str | None, Any] = {
        f"{_TAG}null": _Loader.construct_yaml_null,
        f"{_TAG}bool": _Loader.read_bool,
        f"{_TAG}int": _Loader.read_int,
        f"{_TAG}float": _Loader.read_float,
        f"{_TAG}str": _Loader.construct_yaml_str,
        f"{_TAG}seq": _Loader.construct_yaml_seq,
        f"{_TAG}map": _Loader.construct_yaml_map,
        None: _Loader.construct_undefined,
    }
    for tag, read in readers.items():
        _Loader.add_constructor(tag, read)
    _Dumper.add_representer(float, _Dumper.write_a_float)
    _Dumper.add_representer(str, _Dumper.write_a_text)


_set_up()


def dump(value: Any) -> str:
    """A JSON value as YAML text; keys keep their order."""
    return str(
        yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=sys.maxsize)
    )


def load_all(text: str) -> list[Any]:
    """The JSON values of a YAML text's documents, empty ones left out.

    Raises:
        UsageError: it is no YAML; the message has the line.
    """
    try:
        values = list(yaml.load_all(text, Loader=_Loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise UsageError(f"not YAML: {place}{problem}") from None
    except RecursionError:
        raise UsageError("not YAML: nested too deeply") from None
    return [value for value in values if value is not None]
