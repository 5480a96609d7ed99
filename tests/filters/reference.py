"""The language of `labq guide filters`, evaluated on one task: True, False, or None for unknown.

Written from the definition, apart from the compiler: it walks Python's syntax tree over the
document, knows no query documents, and shares no code with `labq.filters`.

- A comparison of a field with a value is unknown where the field is missing. It holds if a value
  that the path reaches fulfils it: a path reaches into every dict of a list on its way, and a list
  at its end stands for its elements as well as for itself.
- An ordering holds between values of one kind alone. `== None` is never unknown: missing counts.
- Between two fields, a list is one value. Arithmetic is unknown unless all of its operands are
  numbers and no divisor is zero; `len` unless the field is a list. `len` beside `==` and `!=` asks
  the lists at the end of the path, elsewhere the one value of the path.
- `any` is Kleene's or over the elements of a list, false of what is no list. Where the condition
  asks for keys of an element, an element that has no keys is unknown.
- `and`, `or`, `not` are Kleene's.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from datetime import datetime

ABSENT = object()
ORDERS = {ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge}
MIRRORED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
ARITHMETIC = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: lambda left, right: float(left) / float(right),
    ast.FloorDiv: lambda left, right: float(math.floor(float(left) / float(right))),
    ast.Mod: operator.mod,
}
TEXTS = {"contains": "in", "startswith": str.startswith, "endswith": str.endswith}


def kind(value):
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    return type(value).__name__


def same(left, right):
    """Equal as BSON values: 1 == 1.0, True != 1, the order of keys counts."""
    if kind(left) != kind(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    return left == right


def reached(value, parts, picked=False):
    """The values at the end of a path; ABSENT where a dict or a scalar on the way ends it."""
    if not parts:
        return [*value, value] if isinstance(value, list) and not picked else [value]
    part, *rest = parts
    if isinstance(value, dict):
        return reached(value[part], rest) if part in value else [ABSENT]
    if not isinstance(value, list):
        return [ABSENT]
    found = []
    for place, item in enumerate(value):
        if isinstance(item, dict):
            found += reached(item, parts)
        if str(place) == part and (not rest or isinstance(item, (dict, list))):
            found += reached(item, rest, picked=True)
    return found


def whole(value, parts):
    """The one value of a path beside another field: keys go through lists, places pick."""
    for depth, part in enumerate(parts):
        if isinstance(value, list) and isinstance(part, int):
            value = value[part] if part < len(value) else ABSENT
        elif isinstance(value, list):
            rest = parts[depth:]
            found = [whole(item, rest) for item in value if isinstance(item, dict)]
            return [item for item in found if item is not ABSENT]
        elif isinstance(value, dict):
            value = value.get(str(part), ABSENT)
        else:
            return ABSENT
    return value


def negated(truth):
    return None if truth is None else not truth


def both(truths):
    return False if False in truths else None if None in truths else True


def either(truths):
    return True if True in truths else None if None in truths else False


class Task:
    """A document, or an element that a variable stands for."""

    def __init__(self, document, variable=None):
        self.document, self.variable = document, variable

    def truth(self, node):
        if isinstance(node, ast.BoolOp):
            return (both if isinstance(node.op, ast.And) else either)(
                [self.truth(value) for value in node.values]
            )
        if isinstance(node, ast.UnaryOp):
            return negated(self.truth(node.operand))
        if isinstance(node, ast.Call):
            return self.call(node)
        sides = [node.left, *node.comparators]
        return both(
            [
                self.pair(left, op, right)
                for left, op, right in zip(sides, node.ops, sides[1:], strict=False)
            ]
        )

    def path(self, node):
        parts = []
        while not isinstance(node, ast.Name):
            if isinstance(node, ast.Attribute):
                parts.insert(0, node.attr)
            else:
                key = ast.literal_eval(node.slice)
                parts[:0] = key.split(".") if isinstance(key, str) else [key]
            node = node.value
        return parts if node.id == self.variable else [node.id, *parts]

    def values(self, node):
        return reached(
            self.document, [str(part) for part in self.path(node)], picked=bool(self.variable)
        )

    def known(self, node):
        return any(value is not ABSENT for value in self.values(node))

    def holds(self, node, test):
        """A test of the field's values, unknown where there are none."""
        values = [value for value in self.values(node) if value is not ABSENT]
        return any(map(test, values)) if values else None

    def pair(self, left, op, right):
        if isinstance(op, (ast.NotIn, ast.NotEq, ast.IsNot)):
            positive = {ast.NotIn: ast.In, ast.NotEq: ast.Eq, ast.IsNot: ast.Eq}[type(op)]
            return negated(self.pair(left, positive(), right))
        if isinstance(op, ast.In):
            return self.member(left, right)
        if is_literal(left):
            return self.pair(right, MIRRORED.get(type(op), type(op))(), left)
        if isinstance(op, ast.Is):
            op = ast.Eq()
        if isinstance(left, ast.Call) and isinstance(op, ast.Eq) and is_literal(right):
            lists = self.lists(left.args[0])
            return any(len(held) == constant(right) for held in lists) if lists else None
        if is_field(left) and is_literal(right):
            return self.compared(left, op, constant(right))
        return self.formula(left, op, right)

    def compared(self, field, op, value):
        if isinstance(op, ast.Eq) and value is None:
            return any(found is None or found is ABSENT for found in self.values(field))
        return self.holds(field, lambda found: ordered(op, found, value))

    def formula(self, left, op, right):
        fields = is_field(left) and is_field(right)
        first, second = self.number(left, fields), self.number(right, fields)
        if first is None or second is None:
            return None
        return ordered(op, first[0], second[0])

    def field(self, node, anything):
        """[value] of a field beside another field."""
        found = whole(self.document, self.path(node))
        usable = anything or kind(found) == "number"
        return [found] if found is not ABSENT and self.known(node) and usable else None

    def number(self, node, anything=False):
        """[value] of an operand, None where it is unknown."""
        if is_field(node):
            return self.field(node, anything)
        if isinstance(node, ast.Call):
            found = whole(self.document, self.path(node.args[0]))
            return [len(found)] if isinstance(found, list) and self.known(node.args[0]) else None
        if is_literal(node):
            return [constant(node)]
        left, right = self.number(node.left), self.number(node.right)
        if left is None or right is None:
            return None
        if isinstance(node.op, (ast.Div, ast.FloorDiv, ast.Mod)) and right[0] == 0:
            return None
        return [ARITHMETIC[type(node.op)](left[0], right[0])]

    def member(self, left, right):
        if isinstance(right, (ast.List, ast.Tuple, ast.Set)):
            return either([self.pair(left, ast.Eq(), item) for item in right.elts])
        if isinstance(right, ast.Call) and right.func.id == "dict":
            return self.known(ast.Attribute(right.args[0], constant(left)))
        field = right.args[0] if isinstance(right, ast.Call) else right
        if is_field(left):
            item, array = self.number(left, anything=True), self.number(field, anything=True)
            if item is None or array is None:
                return None
            return isinstance(array[0], list) and any(same(item[0], held) for held in array[0])
        lists = self.lists(field)
        if not self.known(field):
            return None
        return any(same(item, constant(left)) for held in lists for item in held)

    def lists(self, field):
        """The lists at the end of a path, not taken apart."""
        parts = [str(part) for part in self.path(field)]
        return [value for value in ends(self.document, parts) if isinstance(value, list)]

    def call(self, node):
        name = node.func.id
        if name in ("exists", "missing"):
            return self.known(node.args[0]) == (name == "exists")
        if name in ("any", "all"):
            return self.quantified(node.args[0], name)
        wanted = constant(node.args[1])
        tests = {
            "contains": lambda text: wanted in text,
            "startswith": lambda text: text.startswith(wanted),
            "endswith": lambda text: text.endswith(wanted),
            "regex": lambda text: bool(re.search(wanted, text)),
        }
        return self.holds(node.args[0], lambda found: isinstance(found, str) and tests[name](found))

    def quantified(self, over, name):
        loop = over.generators[0]
        if not self.known(loop.iter):
            return None
        keys = any(isinstance(part, (ast.Attribute, ast.Subscript)) for part in ast.walk(over.elt))
        truths = [
            None
            if keys and not isinstance(item, (dict, list))
            else Task(numbered(item) if keys else item, loop.target.id).truth(over.elt)
            for held in self.lists(loop.iter)
            for item in held
        ]
        if name == "any":
            return either(truths)
        return both(truths) if self.lists(loop.iter) else True


def ends(value, parts):
    """What a path comes to, with no list at its end taken apart."""
    if not parts:
        return [value]
    part, *rest = parts
    if isinstance(value, dict):
        return ends(value[part], rest) if part in value else []
    if not isinstance(value, list):
        return []
    found = []
    for place, item in enumerate(value):
        if isinstance(item, dict):
            found += ends(item, parts)
        if str(place) == part and (not rest or isinstance(item, (dict, list))):
            found += ends(item, rest)
    return found


def numbered(item):
    return item if isinstance(item, dict) else {str(at): held for at, held in enumerate(item)}


def ordered(op, left, right):
    if isinstance(op, (ast.Eq, ast.NotEq)):
        return same(left, right) == isinstance(op, ast.Eq)
    ordinary = kind(left) in ("number", "str", "bool", "datetime")
    return ordinary and kind(left) == kind(right) and ORDERS[type(op)](left, right)


def is_field(node):
    return isinstance(node, (ast.Attribute, ast.Subscript)) or (
        isinstance(node, ast.Name) and node.id not in ("true", "false", "null")
    )


def is_literal(node):
    names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
    return names <= {"date"} and not is_field(node)


def constant(node):
    if isinstance(node, str):
        return node
    if isinstance(node, ast.Call):
        return datetime.fromisoformat(ast.literal_eval(node.args[0]))
    if isinstance(node, ast.BinOp):
        return ARITHMETIC[type(node.op)](constant(node.left), constant(node.right))
    return ast.literal_eval(node)


def truth(text, document):
    """What the expression says of the document."""
    return Task(document).truth(ast.parse(text, mode="eval").body)
