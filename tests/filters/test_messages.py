"""What a person reads who mistyped a filter: the text, the carets below it, the message."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from labq.errors import ExitCode, FilterError
from labq.filters import compile_filter
from labq.model.task import FIELDS

NOW = datetime(2026, 5, 4, 12, tzinfo=timezone.utc)

TABLE = r"""
stats == "failed"
^^^^^
there is no field `stats`; did you mean `status`?

created == 1
^^^^^^^
there is no field `created`; did you mean `created_at`?

sattus in ["failed"]
^^^^^^
there is no field `sattus`; did you mean `status`?

args.a = 1
       ^
`=` does not compare; use `==`

args.a := 1
       ^^
`:=` does not compare; use `==`

(args.a := 1)
        ^^
`:=` does not compare; use `==`

args.a === 1
       ^^^
there is no `===`; use `==`

args.a !== 1
       ^^^
there is no `!==`; use `!=`

args.a <> 1
       ^^
there is no `<>`; use `!=`

args.a == 1 && args.b == 2
            ^^
there is no `&&`; use `and`

args.a == 1 || args.b == 2
            ^^
there is no `||`; use `or`

!args.a
^
there is no `!`; use `not`

args.a == 1; args.b == 2
           ^
a filter is one expression; join two with `and` or `or`

$where
^
`$` stands only inside a MongoDB query, in quotes

args.a ? 1
       ^
there is no `?` in a filter

`status` == 1
^
names need no backquotes

args.a == 1 AND args.b == 2
            ^^^
write `and` in small letters

args.a LIKE "x"
       ^^^^
there is no LIKE; use `contains(field, text)` or `regex(field, pattern)`

args.a BETWEEN 1 AND 2
       ^^^^^^^
there is no BETWEEN; write `low <= field <= high`

import os
^^^^^^
a filter is an expression, not a statement

args.a == 1 args.b == 2
            ^^^^
a filter is one expression; join two with `and` or `or`

args.runs.0.score > 1
         ^^
write a place in a list as `[0]`

(args.a == 1
^
this `(` is never closed

args.a == 1)
           ^
this `)` closes nothing

args.a == [1, 2
          ^
this `[` is never closed

args.a == "x
          ^
the quote " is never closed

args.a ==
       ^^
the filter ends too early

args.a == 1 and
            ^^^
the filter ends too early

args.a == == 1
          ^^
this is no expression of the filter language

args.a
^^^^^^
a field alone is no condition; write `args.a == True` or `exists(args.a)`

not args.a
    ^^^^^^
a field alone is no condition; write `args.a == True` or `exists(args.a)`

1 == 1
^^^^^^
a comparison needs a field on one side

1
^
this is no condition; compare it with something

"x"
^^^
this is no condition; compare it with something

args.a & 1
^^^^^^^^^^
join conditions with `and`, not with `&` or `|`

(args.a == 1) | (args.b == 2)
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
join conditions with `or`, not with `&` or `|`

~args.a
^^^^^^^
write `not` instead of `~`

lambda: 1
^^^^^^^^^
a lambda cannot stand in a filter

[args.a for x in args.b]
^^^^^^^^^^^^^^^^^^^^^^^^
a comprehension stands only in `any(...)` and `all(...)`

args.a == 1 if args.b else 2
^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`if ... else` cannot stand in a filter; use `and` and `or`

f"{args.a}" == "x"
^^^^^^^^^^^
an f-string cannot stand in a filter

args.a is 3
          ^
`is` takes only None; use `==`

args.a is args.b
          ^^^^^^
`is` takes only None; use `==`

args.a is 1.0
          ^^^
`is` takes only None; use `==`

open("x") == 1
^^^^
`open` cannot be called in a filter; there are contains, startswith, endswith, regex, exists, missing, any, all, len, date, ago

eval("1")
^^^^
`eval` cannot be called in a filter; there are contains, startswith, endswith, regex, exists, missing, any, all, len, date, ago

Contains(name, "x")
^^^^^^^^
`Contains` cannot be called in a filter; did you mean `contains`?

contain(name, "x")
^^^^^^^
`contain` cannot be called in a filter; did you mean `contains`?

args.a.lower() == "x"
^^^^^^^^^^^^
`args.a.lower` cannot be called in a filter; there are contains, startswith, endswith, regex, exists, missing, any, all, len, date, ago

len(args.a)
^^^^^^^^^^^
`len(...)` is no condition; compare it with something

date("now")
^^^^^^^^^^^
this is no condition; compare it with something

len(args.a, 1) == 2
^^^^^^^^^^^^^^
`len` takes one field

contains(name)
^^^^^^^^^^^^^^
`contains` takes a field and a text, as in contains(name, "x")

contains(name, 3)
               ^
a text in quotes is wanted here

contains("x", name)
         ^^^
a field is wanted here

regex(name)
^^^^^^^^^^^
`regex` takes a field and a pattern, as in regex(name, "^run-[0-9]+$")

regex(name, "(")
            ^^^
this regular expression has a `(` that is never closed

regex(name, "(a+)+")
            ^^^^^^^
this regular expression has an unbounded repeat of a group that has no fixed part

regex(name, "a", "q")
            ^^^
this regular expression has the option 'q' (there are i, m, s and x)

exists(name, 3)
^^^^^^^^^^^^^^^
`exists` takes a field, and True or False

exists()
^^^^^^^^
`exists` takes a field, and True or False

exists(args.a == 1)
       ^^^^^^^^^^^
a field is wanted here

any(args.a)
^^^^^^^^^^^
`any` takes a condition over a list, as in any(r.score > 0.5 for r in args.runs)

any(x > 1 for x in args.a for y in args.b)
   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`any` goes over one list, with one name for its elements

any(any(x > 1 for x in y) for y in args.a)
    ^^^^^^^^^^^^^^^^^^^^^
an `any` or `all` cannot stand inside another

any(r.a > args.b for r in args.c)
    ^^^^^^^^^^^^
inside `any` a field is compared with values

any(r > 1 and r.a > 1 for r in args.c)
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
inside one `any`, `r` is either a value or a dict

any(x > 1 and x > 2 for x in args.c)
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
this `any` is too involved; write several, joined with `and` or `or`

any(r.a + 1 > 2 for r in args.c)
    ^^^^^^^^^^^
inside `any` a field is compared with values

any(x > 1 for x in list(args.c, 1))
                   ^^^^
`list` cannot be called in a filter; did you mean `exists`?

created_at > 5
             ^
created_at is a date; compare it with date("...") or ago("...")

created_at > "blub blub"
             ^^^^^^^^^^^
no date: 'blub blub'; try "2026-01-31 14:00", "3 hours ago" or "yesterday"

date("99-99") < created_at
     ^^^^^^^
no date: '99-99'; try "2026-01-31 14:00", "3 hours ago" or "yesterday"

ago("3 parsecs") < created_at
    ^^^^^^^^^^^
no span of time: '3 parsecs'; try "90s", "3h", "1h30m" or "2 days"

created_at > ago(3)
             ^^^^^^
`ago` takes one text, as in ago("3h")

created_at > date
             ^^^^
`date` takes a text, as in date("3h")

args.a > None
         ^^^^
`>` orders numbers, text, booleans and dates

args.a < [1]
         ^^^
`<` orders numbers, text, booleans and dates

args.a + 1 == "x"
              ^^^
arithmetic gives a number; compare it with one

name + 1 > 2
^^^^
arithmetic takes numbers

args.a + "x" > 2
         ^^^
arithmetic takes numbers

created_at + 1 > 2
^^^^^^^^^^
of two dates only the difference can be taken

args.a | 1 > 2
^^^^^^^^^^
the arithmetic of filters is + - * / // % **

args.a @ 1 > 2
^^^^^^^^^^
the arithmetic of filters is + - * / // % **

60 / 0 < args.a
^^^^^^
this has no value

args.a == {"$gt": 1}
           ^^^^^
`$gt` is an operator, and cannot stand inside a value

args.a == {1: 2}
           ^
a name in a dict is text in quotes

args.a == {"a": 1, "a": 2}
                   ^^^
`a` stands twice in one dict; join them with `$and`

args.a == {**args.b}
          ^^^^^^^^^^
`**` cannot stand in a filter

args.a == 9223372036854775808
          ^^^^^^^^^^^^^^^^^^^
this integer does not fit 64 bits

args.a == 1e999
          ^^^^^
this number is not finite

args.a == nan
          ^^^
`nan` is no number that a filter can hold

args.a == 3j
          ^^
bytes, complex numbers and `...` are no values of a task

args.a == b"x"
          ^^^^
bytes, complex numbers and `...` are no values of a task

args.a == "\ud800"
          ^^^^^^^^
half of a surrogate pair is no text

args.a == {"x\0": 1}
           ^^^^^
a name cannot hold a NUL character

args.a == {"$date": "blub blub"}
                    ^^^^^^^^^^^
no date: 'blub blub'; try "2026-01-31 14:00", "3 hours ago" or "yesterday"

args.a == {"$date": 99999999999999999}
                    ^^^^^^^^^^^^^^^^^
this date is out of range

args.a == {"$date": [1]}
                    ^^^
a date is written {"$date": "2026-01-31T12:00:00Z"}

1 in [2]
^^^^^^^^
a comparison needs a field on one side

1 in []
^^^^^^^
`in` needs a field on one side

args.a in 5
          ^
`in` needs a list or a field on its right

args.a in "abc"
          ^^^^^
`in` needs a list or a field on its right

args.a + 1 in args.b
^^^^^^^^^^
a value or a field is wanted left of `in`

args.a[1:2] == 1
       ^^^
a slice cannot stand in a filter

args.a[-1] == 1
       ^^
places in a list count from 0

args.a[args.b] == 1
       ^^^^^^
a subscript is a text or a place in a list

args["$x"] == 1
     ^^^^
this cannot be the name of a field

args["a..b"] == 1
     ^^^^^^
this cannot be the name of a field

"$x" in dict(args)
^^^^
this cannot be the name of a field

*args.a
^
this is no expression of the filter language

(1, 2) == args.a == foo
                    ^^^
there is no field `foo`; an argument is `args.foo`

args.a == [foo]
           ^^^
a value is wanted here: a number, text, list, dict or date

{"stats": 1}
 ^^^^^^^
there is no field `stats`; did you mean `status`?

{"args.a": {"$where": 1}}
            ^^^^^^^^
`$where` is not allowed in a filter; did you mean `$expr`?

{"$where": "1"}
 ^^^^^^^^
`$where` is not allowed in a filter; did you mean `$expr`?

{"$text": {}}
 ^^^^^^^
`$text` is not allowed in a filter; did you mean `$regex`?

{"$gt": 1}
 ^^^^^
`$gt` cannot stand where a field's name may stand

{"args.a": {"$regexp": "x"}}
            ^^^^^^^^^
`$regexp` is not allowed in a filter; did you mean `$regex`?

{"args.a": {"$near": 1}}
            ^^^^^^^
`$near` is not allowed in a filter; did you mean `$ne`?

{"args.a": {"$function": 1}}
            ^^^^^^^^^^^
`$function` is not allowed in a filter; did you mean `$expr`?

{"args.a": {"$and": []}}
            ^^^^^^
`$and` cannot stand behind a field's name

{"$and": []}
         ^^
`$and` takes a list of queries

{"$or": {"name": 1}}
        ^^^^^^^^^^^
`$or` takes a list of queries

{"$and": [1]}
          ^
a query is a dict

{"args..a": 1}
 ^^^^^^^^^
`args..a` cannot be the name of a field

{"args.$a": 1}
 ^^^^^^^^^
`args.$a` cannot be the name of a field

{"args.a": {"$gt": 1, "b": 2}}
                      ^^^
`b` stands among operators; names go outside

{"args.a": {"b": {"$gt": 1}}}
                  ^^^^^
`$gt` is an operator, and cannot stand inside a value

{"args.a": {"$eq": {"$gt": 1}}}
                    ^^^^^
`$gt` is an operator, and cannot stand inside a value

{"args.a": 1, "args.a": 2}
              ^^^^^^^^
`args.a` stands twice in one dict; join them with `$and`

{"args.a": {"$in": 1}}
                   ^
`$in` takes a list

{"args.a": {"$exists": "yes"}}
                       ^^^^^
`$exists` takes true or false

{"args.a": {"$type": "text"}}
                     ^^^^^^
`$type` takes the name of a type, such as double, string, object, array, number or bool

{"args.a": {"$type": []}}
                     ^^
`$type` takes at least one type

{"args.a": {"$regex": 1}}
                      ^
`$regex` takes a pattern, as text

{"args.a": {"$regex": "("}}
           ^^^^^^^^^^^^^^^
this regular expression has a `(` that is never closed

{"args.a": {"$options": "i"}}
           ^^^^^^^^^^^^^^^^^
`$options` needs a `$regex` beside it

{"args.a": {"$regex": "a", "$options": 1}}
                                       ^
`$options` takes letters out of i, m, s and x

{"args.a": {"$size": -1}}
                     ^^
`$size` takes a whole number from 0 on

{"args.a": {"$size": "x"}}
                     ^^^
`$size` takes a whole number from 0 on

{"args.a": {"$mod": [0, 1]}}
                    ^^^^^^
`$mod` takes [divisor, remainder], where the divisor is not 0

{"args.a": {"$mod": 2}}
                    ^
`$mod` takes [divisor, remainder], where the divisor is not 0

{"args.a": {"$not": 1}}
                    ^
`$not` takes a dict of operators

{"args.a": {"$elemMatch": 1}}
                          ^
`$elemMatch` takes a dict

{"args.a": {"$elemMatch": {"$expr": 1}}}
                           ^^^^^^^
`$expr` cannot stand inside `$elemMatch`

{"args.a": {"$all": 1}}
                    ^
`$all` takes a list

{"args.a": {"$all": [{"$elemMatch": {"$gt": 1}}, 2]}}
                    ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`$all` takes values, or `$elemMatch` in each place

{"$expr": {"$function": 1}}
           ^^^^^^^^^^^
`$function` is not allowed in a filter; did you mean `$expr`?

{"$expr": {"$gt": [1]}}
                  ^^^
`$gt` takes 2 operands, not 1

{"$expr": {"$add": "$$NOW"}}
                   ^^^^^^^
variables (`$$`) are not allowed in a filter

{"$expr": {"$gt": ["$foo", 1]}}
                   ^^^^^^
there is no field `foo`; an argument is `args.foo`

{"$expr": {"a": 1}}
          ^^^^^^^^
an expression is one operator, as in {"$gt": ["$args.a", 1]}

{"$expr": {"$gt": ["$args.a", 1], "$lt": [1, 2]}}
          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
an expression is one operator, as in {"$gt": ["$args.a", 1]}

{"$expr": {"$let": 1}}
                   ^
`$let` takes one variable and a path into it: {"vars": {"x": ...}, "in": "$$x.a"}

{"args.a": foo}
           ^^^
a value is wanted here: a number, text, list, dict or date

{1: 2}
 ^
a name in a dict is text in quotes

{**name}
^^^^^^^^
`**` cannot stand in a filter

{"a" "b"}
^^^^^^^^^
this is no condition; compare it with something

args.a ** -1 ** 2 == "1"
                     ^^^
arithmetic gives a number; compare it with one

x.y for x in args
    ^^^
a filter is one expression; join two with `and` or `or`

args.a[0][1][2][3][4] > args.b
^^^^^^^^^^^^^^^^^^^^^
beside another field a path takes at most 4 places in lists

args.a % 2 % 3 % 4 % 5 % 6 == 1
^^^^^^^^^^^^^^^^^^^^^^^^^^
at most 4 `%` stand in one formula

any(r.a for r in args.b)
    ^^^
a field alone is no condition; write `r.a == True` or `exists(r.a)`

any((x > 1 and x > 2) or x.y == 1 for x in args.c)
^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
inside one `any`, `x` is either a value or a dict

any(len(x) > 2 for x in args.c)
    ^^^^^^^^^^
inside `any` a field is compared with values

any(x in args.b for x in args.c)
    ^^^^^^^^^^^
inside `any` a field is compared with values

yield args.a
^^^^^
a filter is an expression, not a statement

args.a NOT IN [1]
       ^^^
write `not` in small letters

x > 1 NOT
      ^^^
write `not` in small letters

class
^^^^^
a filter is an expression, not a statement

await args.a == 1
^^^^^^^^^^^^
`await` cannot stand in a filter

(await args.a) == 1
 ^^^^^^^^^^^^
`await` cannot stand in a filter

contains(*name)
^^^^^^^^^^^^^^^
`contains` takes a field and a text, as in contains(name, "x")

args.a == (lambda: 1)
           ^^^^^^^^^
a lambda cannot stand in a filter

args.a == [*args.b]
           ^^^^^^^
a value is wanted here: a number, text, list, dict or date

args.a == foo(1)
          ^^^
`foo` cannot be called in a filter; there are contains, startswith, endswith, regex, exists, missing, any, all, len, date, ago

date("now") == 1
^^^^^^^^^^^^^^^^
a comparison needs a field on one side

date("now") < 1
^^^^^^^^^^^^^^^
a comparison needs a field on one side

"x" in list(args.a, 1)
       ^^^^^^^^^^^^^^^
`list` takes one field

"x" in dict(args.a)[0]
       ^^^^
`dict` cannot be called in a filter; there are contains, startswith, endswith, regex, exists, missing, any, all, len, date, ago

5 in dict(args.a)
^
a text in quotes is wanted here

name in dict(args)
^^^^
a text in quotes is wanted here

args.a in list(args.b).c
          ^^^^
`list` cannot be called in a filter; did you mean `exists`?

args.a == "a" "b" == foo
                     ^^^
there is no field `foo`; an argument is `args.foo`

created_at in ["blub"]
               ^^^^^^
no date: 'blub'; try "2026-01-31 14:00", "3 hours ago" or "yesterday"

created_at in [5]
               ^
created_at is a date; compare it with date("...") or ago("...")

regex(name, "(?P<a>x)(?P=a)")
            ^^^^^^^^^^^^^^^^
this regular expression has the group `(?P=`

regex(name, "a++")
            ^^^^^
this regular expression has a repeat of a repeat

regex(name, "*")
            ^^^
this regular expression has a `*` with nothing to repeat

regex(name, "[a")
            ^^^^
this regular expression has a `[` that is never closed

regex(name, "a)")
            ^^^^
this regular expression has a `)` that closes nothing

regex(name, "\\p{L}")
            ^^^^^^^^
this regular expression has the escape `\p`

regex(name, "(?>a)")
            ^^^^^^^
this regular expression has the group `(?>a`

regex(name, "[[:foo:]]")
            ^^^^^^^^^^^
this regular expression has a class of characters within `[ ]`

regex(name, "[a-\\d]")
            ^^^^^^^^^
this regular expression has a range of sets within `[ ]`

regex(name, "x\0")
            ^^^^^
this regular expression has a NUL character

{"args.a": {"$regex": "a", "$options": "q"}}
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
this regular expression has the option 'q' (there are i, m, s and x)

{"name": {"$date": 1}, "status": {"$date": "x", "y": 1}}
                                  ^^^^^^^
`$date` is not allowed in a filter; did you mean `$lte`?

{"args.a": {"$all": [{"$gt": 1}]}}
                      ^^^^^
`$gt` is an operator, and cannot stand inside a value

{"args.a": {"$in": [{"$gt": 1}]}}
                     ^^^^^
`$gt` is an operator, and cannot stand inside a value

{"args.a": {"$numberLong": "5"}}
            ^^^^^^^^^^^^^
`$numberLong` is not allowed in a filter

{"$expr": {"$gt": ["$args..a", 1]}}
                   ^^^^^^^^^^
`args..a` cannot be the name of a field

{"args.a": {"$mod": [1.5, null]}}
                    ^^^^^^^^^^^
`$mod` takes [divisor, remainder], where the divisor is not 0

{"args.a": {"$exists": null}}
                       ^^^^
`$exists` takes true or false

{"args.a": {"$not": {"$foo": 1}}}
                     ^^^^^^
`$foo` is not allowed in a filter; did you mean `$options`?

{"$nor": []}
         ^^
`$nor` takes a list of queries

{"args.a": NaN}
           ^^^
`NaN` is no number that a filter can hold

{"args.a": -Infinity}
            ^^^^^^^^
`Infinity` is no number that a filter can hold

exists(name) == True
^^^^^^^^^^^^
`exists(...)` cannot stand here

len(name) + 1
^^^^^^^^^^^^^
this is no condition; compare it with something

not
^^^
the filter ends too early

in args.a
^^
this is no expression of the filter language

args. == 1
      ^^
this is no expression of the filter language

args.a.1 == 2
      ^^
write a place in a list as `[1]`

0x == 1
^^
this is no expression of the filter language

args.a == 1_
          ^^
this is no expression of the filter language

name.foo("x")
^^^^^^^^
`name.foo` cannot be called in a filter; there are contains, startswith, endswith, regex, exists, missing, any, all, len, date, ago

name.startswith()
^^^^^^^^^^^^^^^^^
`startswith` takes a field and a text, as in startswith(name, "x")

name["x"]("y")
^^^^^^^^^
`name["x"]` cannot be called in a filter; there are contains, startswith, endswith, regex, exists, missing, any, all, len, date, ago

(args.a == 1)(2)
 ^^^^^^^^^^^
`args.a == 1` cannot be called in a filter; there are contains, startswith, endswith, regex, exists, missing, any, all, len, date, ago

args.a == 1 == foo
               ^^^
there is no field `foo`; an argument is `args.foo`

"a".b == 1
^^^
a field is wanted here

[1].a == 1
^^^
a field is wanted here

date("now").a == 1
^^^^^^^^^^^
`date(...)` cannot stand here

exists("name")
       ^^^^^^
a field is wanted here

any(x > 1 for x.y in args.c)
   ^^^^^^^^^^^^^^^^^^^^^^^^^
`any` goes over one list, with one name for its elements

any(x > 1 for x in "abc")
                   ^^^^^
a field is wanted here

all(args.a)
^^^^^^^^^^^
`all` takes a condition over a list, as in all(r.score > 0.5 for r in args.runs)

timeout == inf
           ^^^
`inf` is no number that a filter can hold

args.a == -9223372036854775809
          ^^^^^^^^^^^^^^^^^^^^
this integer does not fit 64 bits

args.a == {'a': inf}
                ^^^
`inf` is no number that a filter can hold

{'a': 1}.b == 1
^^^^^^^^
a field is wanted here
"""


def compiled(text):
    return compile_filter(text, FIELDS, lambda: NOW)


@pytest.mark.parametrize(
    "block", TABLE.strip().split("\n\n"), ids=lambda block: block.split("\n")[0]
)
def test_a_message_with_its_caret(block):
    text, carets, message = block.split("\n")
    with pytest.raises(FilterError) as caught:
        compiled(text)
    assert str(caught.value) == f"{message}\n  {text}\n  {carets}"
    start, end = caught.value.span
    assert (start, end) == (carets.index("^"), len(carets))
    assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the filter is empty"),
        (" \n\t ", "the filter is empty"),
        ("a" * 10_001, "the filter has 10,001 characters; 10,000 is the most it may have"),
        ("(" * 51 + ")" * 51, "the filter is nested more than 50 deep"),
        ("not " * 51 + "args.a == 1", "the filter is nested more than 50 deep"),
        ("1" + " + 1" * 2000 + " < args.a", "the filter is nested more than 50 deep"),
        ("args" + ".a" * 3000 + " == 1", "the filter is nested more than 50 deep"),
        ('{"args.a": ' + "[" * 121 + "]" * 121 + "}", "the filter is nested more than 120 deep"),
    ],
    ids=lambda value: value[:20],
)
def test_a_message_about_the_whole_text(text, message):
    with pytest.raises(FilterError) as caught:
        compiled(text)
    assert str(caught.value) == message


def test_a_character_that_cannot_be_stored():
    for char in "\0\ud800":
        with pytest.raises(FilterError) as caught:
            compiled(f"name == '{char}'")
        assert caught.value.message == "this character cannot stand in a filter"
        assert caught.value.span == (9, 10)


def test_a_pattern_that_is_too_long_or_too_deep():
    for pattern, fault in [
        ("a" * 1001, "more than 1000 characters"),
        ("(" * 21 + ")" * 21, "groups more than 20 deep"),
    ]:
        with pytest.raises(FilterError) as caught:
            compiled(f"regex(name, '{pattern}')")
        assert caught.value.message == f"this regular expression has {fault}"


def test_an_error_in_a_later_line_shows_that_line():
    with pytest.raises(FilterError) as caught:
        compiled("status == 'failed'\nand stats == 1")
    assert str(caught.value) == (
        "there is no field `stats`; did you mean `status`?\n  and stats == 1\n      ^^^^^"
    )


def test_columns_are_characters_where_python_counts_bytes():
    with pytest.raises(FilterError) as caught:
        compiled("name == 'é😀' and stats == 1")
    assert str(caught.value).split("\n")[2] == "  " + " " * 17 + "^^^^^"


def test_two_alternatives_of_an_element_that_cannot_be_joined():
    parts = " and ".join(f"(x == {n} or x > {n})" for n in range(8))
    with pytest.raises(FilterError) as caught:
        compiled(f"any({parts} for x in args.a)")
    assert caught.value.message == (
        "this `any` is too involved; write several, joined with `and` or `or`"
    )
