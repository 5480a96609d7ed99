from __future__ import annotations

import random
from operator import ge, gt, le, lt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import task

from labq.errors import UsageError
from labq.resources import (
    checked_require,
    checked_resources,
    claimable,
    overridden,
    parse_label,
    parse_override,
    parse_requirement,
    parse_resources,
    quantity,
    shown,
    shown_requirement,
)
from labq.store import open_store

KI, MI, GI = 2**10, 2**20, 2**30


def refusal(call, *args):
    with pytest.raises(UsageError) as caught:
        call(*args)
    return str(caught.value)


# quantities


QUANTITIES = [
    *(("0", 0), ("2", 2), ("007", 7), ("1.5", 1.5), (".5", 0.5), ("2.", 2), ("2.0", 2)),
    *(("500m", 0.5), ("1m", 0.001), ("3000m", 3), ("0.1", 0.1), ("100m", 0.1)),
    *(("1Ki", 2**10), ("1Mi", 2**20), ("4Gi", 2**32), ("1Ti", 2**40), ("1Pi", 2**50)),
    *(("7Ei", 7 * 2**60), ("0.5Gi", 2**29), ("1k", 10**3), ("1M", 10**6), ("2G", 2 * 10**9)),
    *(("1T", 10**12), ("1P", 10**15), ("1E", 10**18), ("1.5G", 1500000000)),
    *(("1e3", 1000), ("1E3", 1000), ("1e+3", 1000), ("25e-1", 2.5), ("0.1e1", 1)),
    *(("9223372036854775807", 2**63 - 1), ("0.9999999999999999999", 1)),
]


@pytest.mark.parametrize(("text", "number"), QUANTITIES)
def test_a_quantity_is_its_exact_number_and_an_int_where_it_is_whole(text, number):
    assert repr(quantity(text)) == repr(number)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ".", "Gi", "m", "e3", "-1", "+1", "1 Gi", " 1", "1\n", "1,5", "1_000", "0x10"),
        *("4gi", "4GB", "4GiB", "4g", "4K", "4ki", "5u", "1e", "1e3Gi", "1e3m", "1e1000", "1..2"),
        *("nan", "inf", "NaN", "two", "٣", "1" * 41),
    ],
)
def test_what_is_not_a_quantity(text):
    how = "is not a quantity (write 2, 0.5, 500m, 512Mi, 4Gi, 2G)"
    assert refusal(quantity, text).endswith(how)


@pytest.mark.parametrize("text", ["8Ei", "9223372036854775808", "1e19", "9223372036854775807.5"])
def test_a_quantity_past_64_bits(text):
    assert refusal(quantity, text) == f"{text} is past 64 bits"


# resources


RESOURCES = [
    (["cpus=2", "memory=4Gi", "gpus=1"], {"cpus": 2, "memory": 4 * GI, "gpus": 1}),
    (["gpus=1,cpus=2"], {"cpus": 2, "gpus": 1}),
    (["cpus=2, memory=1G", "gpus=0"], {"cpus": 2, "memory": 10**9, "gpus": 0}),
    (["cpus=500m"], {"cpus": 0.5}),
    (["cpus=0.001"], {"cpus": 0.001}),
    (["cpus=2.0"], {"cpus": 2}),
    (["memory=1.1"], {"memory": 2}),
    (["memory=0.3Ki"], {"memory": 308}),
    (["gpus=2000m"], {"gpus": 2}),
    ([], {}),
]


@pytest.mark.parametrize(("texts", "stored"), RESOURCES)
def test_resources_are_stored_as_numbers_in_one_order(texts, stored):
    assert repr(parse_resources(texts)) == repr(stored)


CPUS = "cpus must be a number above zero, to the thousandth"
MEMORY = "memory must be bytes, 1 or more (512Mi, 4Gi, 2G)"
GPUS = "gpus must be a whole number of 0 or more"
KNOWN = "(there are cpus, memory, gpus)"
NO_RESOURCES = [
    ("", "'' asks for nothing (write cpus=2,memory=4Gi,gpus=1)"),
    (",", "',' asks for nothing (write cpus=2,memory=4Gi,gpus=1)"),
    ("cpus", "'cpus' is not RESOURCE=AMOUNT (such as memory=4Gi)"),
    ("cpus 2", "'cpus' is not RESOURCE=AMOUNT (such as memory=4Gi)"),
    ("cpu=2", f"no resource 'cpu': did you mean cpus? {KNOWN}"),
    ("GPU=2", f"no resource 'GPU': did you mean gpus? {KNOWN}"),
    ("disk=2G", f"no resource 'disk' {KNOWN}"),
    ("=2", f"no resource '' {KNOWN}"),
    ("cpus=2,cpus=3", "cpus is given twice: 2 and 3"),
    ("cpus=", f"{CPUS}, not ''"),
    ("cpus=0", f"{CPUS}, not '0'"),
    ("cpus=-1", f"{CPUS}, not '-1'"),
    ("cpus=nan", f"{CPUS}, not 'nan'"),
    ("cpus=0.0005", f"{CPUS}, not '0.0005'"),
    ("cpus=many", f"{CPUS}, not 'many'"),
    ("memory=0", f"{MEMORY}, not '0'"),
    ("memory=500m", f"{MEMORY}, not '500m'"),
    ("memory=4GB", f"{MEMORY}, not '4GB'"),
    ("memory=8Ei", "8Ei is past 64 bits"),
    ("gpus=0.5", f"{GPUS}, not '0.5'"),
    ("gpus=-1", f"{GPUS}, not '-1'"),
]


@pytest.mark.parametrize(("text", "message"), NO_RESOURCES)
def test_resources_that_are_refused(text, message):
    assert refusal(parse_resources, [text]) == message


def test_a_resource_is_given_once_in_all_the_texts():
    assert refusal(parse_resources, ["gpus=1", "gpus=1"]) == "gpus is given twice: 1 and 1"


EDITED = [
    ({"gpus": 1, "cpus": 2}, {"cpus": 2, "gpus": 1}),
    ({"cpus": 2.0, "memory": "4Gi"}, {"cpus": 2, "memory": 4 * GI}),
    ({"memory": 1e3}, {"memory": 1000}),
    ({"cpus": 0.1}, {"cpus": 0.1}),
    ({"cpus": 2, "gpus": None}, {"cpus": 2}),
    ({}, {}),
    ("cpus=2 gpus=1", {"cpus": 2, "gpus": 1}),
]


@pytest.mark.parametrize(("value", "stored"), EDITED)
def test_an_edit_takes_numbers_and_quantities_and_none_takes_away(value, stored):
    assert repr(checked_resources(value)) == repr(stored)


NOT_EDITED = [
    (2, "resources must be a dict such as {'cpus': 2}, not '2'"),
    (None, "resources must be a dict such as {'cpus': 2}, not 'None'"),
    ({"cpu": 2}, f"no resource 'cpu': did you mean cpus? {KNOWN}"),
    ({1: 2}, f"no resource '1' {KNOWN}"),
    ({"cpus": True}, f"{CPUS}, not 'True'"),
    ({"cpus": float("nan")}, f"{CPUS}, not 'nan'"),
    ({"cpus": float("inf")}, f"{CPUS}, not 'inf'"),
    ({"cpus": 1 / 3}, f"{CPUS}, not '{1 / 3}'"),
    ({"cpus": [2]}, f"{CPUS}, not '[2]'"),
    ({"memory": 0.5}, f"{MEMORY}, not '0.5'"),
    ({"memory": 2**63}, "0x8000000000000000 is past 64 bits"),
    ({"gpus": -1}, f"{GPUS}, not '-1'"),
    ({"gpus": "one"}, f"{GPUS}, not 'one'"),
]


@pytest.mark.parametrize(("value", "message"), NOT_EDITED)
def test_an_edit_that_is_refused(value, message):
    assert refusal(checked_resources, value) == message


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ({"resources": {"requests": {"cpu": "1"}}}, {"requests": {"cpu": 1}}),
        (
            {
                "requests": {"cpu": 1},
                "resources": {"requests": {"memory": 2}, "limits": {"gpu": 1}},
            },
            {"requests": {"cpu": 1, "memory": 2}, "limits": {"gpu": 1}},
        ),
        ({"resources": {}, "zone": "eu"}, {"zone": "eu"}),
    ],
)
def test_what_a_container_asks_for_is_what_its_resource_does(value, stored):
    assert checked_resources({"worker": value})["worker"] == stored


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("*.resources={'requests': {'cpu': 2}}", "'{'"),
        ("*.resources.requests.memory=2", {"requests": {"cpu": 1, "memory": 2}}),
        ("worker.resources.requests.cpu=2", {"requests": {"cpu": 2}}),
        ("worker.resources=null", {}),
    ],
)
def test_an_override_reaches_into_a_container(text, stored):
    before = {"worker": {"requests": {"cpu": 1}}}
    path, value = parse_override(text)
    if isinstance(stored, str):
        told = "worker.resources must be a dict of requests and limits, not \"{'requests': {'cpu': 2}}\""
        assert refusal(lambda: checked_resources(overridden(before, path, value))) == told
    else:
        assert checked_resources(overridden(before, path, value))["worker"] == stored


def test_an_override_of_a_container_as_a_whole_takes_its_place():
    before = {"worker": {"requests": {"cpu": 1}, "zone": "eu"}}
    after = overridden(before, ["worker", "resources"], {"limits": {"cpu": 2}})
    assert checked_resources(after)["worker"] == {"zone": "eu", "limits": {"cpu": 2}}


NO_PARAMETERS = [
    (
        {"requests": {"disk": 1}},
        "worker.requests has no amount 'disk' (there are cpu, memory, gpu)",
    ),
    ({"limits": {"cpuu": 1}}, "worker.limits has no amount 'cpuu': did you mean cpu?"),
    ({"requests": 4}, "worker.requests must be a dict such as {'cpu': 2}, not '4'"),
    ({"resources": 4}, "worker.resources must be a dict of requests and limits, not '4'"),
    ({"resources": {"x": 1}}, "worker.resources has no 'x' (there are requests, limits)"),
    ({"resources": {"request": {}}}, "worker.resources has no 'request': did you mean requests?"),
    (
        {"requests": {"cpu": 1}, "resources": {"requests": {"cpu": 2}}},
        "worker.requests.cpu is given twice: in worker.resources, too",
    ),
    ({"replica": 3}, "worker has no parameter 'replica': did you mean replicas?"),
    ({"memory": "1Gi"}, "worker.memory is no parameter (write worker.requests.memory)"),
]


@pytest.mark.parametrize(("value", "message"), NO_PARAMETERS)
def test_a_named_resource_refuses_what_nobody_understands(value, message):
    assert refusal(checked_resources, {"worker": value}) == message


SHOWN = [
    ({"cpus": 2, "memory": 4 * GI, "gpus": 1}, "cpus=2 memory=4Gi gpus=1"),
    ({"gpus": 0, "cpus": 0.5}, "cpus=0.5 gpus=0"),
    ({"memory": 1536 * MI}, "memory=1536Mi"),
    ({"memory": 2 * 10**9}, "memory=2G"),
    ({"memory": 10**9 + 1}, "memory=1000000001"),
    ({"memory": 64 * KI}, "memory=65536"),
    ({}, ""),
]


@pytest.mark.parametrize(("resources", "text"), SHOWN)
def test_resources_for_people(resources, text):
    assert shown(resources) == text


ASKED = st.fixed_dictionaries(
    {},
    optional={
        "cpus": st.one_of(
            st.integers(1, 2**63 - 1), st.integers(1, 10**12).map(lambda n: n / 1000)
        ),
        "memory": st.one_of(
            st.integers(1, 2**63 - 1),
            st.builds(
                lambda n, unit: n * unit, st.integers(1, 9000), st.sampled_from([MI, GI, 10**9])
            ),
        ),
        "gpus": st.integers(0, 2**63 - 1),
    },
).map(checked_resources)


@given(ASKED)
def test_what_is_shown_reads_back_as_the_same(resources):
    assert repr(parse_resources(shown(resources).split())) == repr(resources)
    assert repr(checked_resources(resources)) == repr(resources)


# requirements


REQUIREMENTS = [
    ("gpu", {"key": "gpu", "op": "exists"}, "gpu"),
    ("gpu=a100", {"key": "gpu", "op": "==", "value": "a100"}, "gpu==a100"),
    ("gpu == NVIDIA A100 ", {"key": "gpu", "op": "==", "value": "NVIDIA A100"}, "gpu==NVIDIA A100"),
    ("gpu!=a100", {"key": "gpu", "op": "!=", "value": "a100"}, "gpu!=a100"),
    ("gpus!=1", {"key": "gpus", "op": "!=", "value": 1}, "gpus!=1"),
    ("vram>=40Gi", {"key": "vram", "op": ">=", "value": 40 * GI}, "vram>=40Gi"),
    ("port<=8000", {"key": "port", "op": "<=", "value": 8000}, "port<=8000"),
    ("x>0.5", {"key": "x", "op": ">", "value": 0.5}, "x>0.5"),
    ("x<2.0", {"key": "x", "op": "<", "value": 2}, "x<2"),
    ("nvidia.com/gpu_name-1", {"key": "nvidia.com/gpu_name-1", "op": "exists"}, None),
    ("x==-1", {"key": "x", "op": "==", "value": "-1"}, "x==-1"),
    ("x==true", {"key": "x", "op": "==", "value": "true"}, "x==true"),
    ("sha==12e99", {"key": "sha", "op": "==", "value": "12e99"}, "sha==12e99"),
]


@pytest.mark.parametrize(("text", "stored", "told"), REQUIREMENTS)
def test_a_requirement_is_a_key_an_operator_and_a_number_or_text(text, stored, told):
    assert repr(parse_requirement(text)) == repr(stored)
    assert shown_requirement(stored) == (told or text)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "=a", "!gpu", "gpu!a100", "gpu!", "gpu=", "gpu>", "gpu>= ", "gpu===1", "gpu=>1"),
        *("gpu==a100,vram>=1Gi", "a b", "-x", "_x", "$x", "a$b==1", "gpu==a\nb", "gpu=a=b"),
    ],
)
def test_what_is_not_a_requirement(text):
    how = "is not a requirement (write gpu, gpu==a100, gpu!=a100 or vram>=40Gi)"
    assert refusal(parse_requirement, text).endswith(how)


def test_an_order_needs_a_number():
    assert refusal(parse_requirement, "gpu>=a100") == (
        "'gpu>=a100': >= compares numbers, and 'a100' is none"
    )
    assert refusal(parse_requirement, "x>-1") == "'x>-1': > compares numbers, and '-1' is none"


def test_requirements_are_texts_or_dicts_and_each_stands_once():
    same = {"key": "gpu", "op": "=", "value": "a100"}
    assert checked_require(["gpu==a100", same, "nvlink", "gpu=a100"]) == [
        {"key": "gpu", "op": "==", "value": "a100"},
        {"key": "nvlink", "op": "exists"},
    ]
    assert checked_require("nvlink") == [{"key": "nvlink", "op": "exists"}]
    assert checked_require([]) == []


@pytest.mark.parametrize(
    ("given_value", "stored"),
    [("40Gi", 40 * GI), (2.0, 2), (0.5, 0.5), ("a", "a"), (True, "true"), (False, "false")],
)
def test_a_requirements_value_is_read_in_one_way(given_value, stored):
    item = {"key": "x", "op": "==", "value": given_value}
    assert repr(checked_require([item])) == repr([{**item, "value": stored}])


NOT_REQUIRED = [
    (4, "require must be a list of requirements, not '4'"),
    (
        {"key": "x", "op": "exists"},
        'require must be a list of requirements, not \'{"key": "x", "op": "exists"}\'',
    ),
]
NO_REQUIREMENT = [
    *(4, None, {}, {"key": "x"}, {"key": 1, "op": "exists"}, {"key": "x", "op": "~", "value": 1}),
    *({"key": "x", "op": "=="}, {"key": "x", "op": "==", "value": -1}),
    *({"key": "x", "op": "==", "value": [1]}, {"key": "x", "op": "==", "value": float("nan")}),
    *({"key": "x", "op": "==", "value": " a"}, {"key": "x", "op": "exists", "more": 1}),
    {"key": "", "op": "exists"},
]


@pytest.mark.parametrize(("value", "message"), NOT_REQUIRED)
def test_what_is_no_list_of_requirements(value, message):
    assert refusal(checked_require, value) == message


@pytest.mark.parametrize("item", NO_REQUIREMENT, ids=str)
def test_an_item_that_is_no_requirement(item):
    assert " is not a requirement (write gpu, " in refusal(checked_require, [item])


NUMBERS = st.one_of(
    st.integers(0, 2**63 - 1),
    st.floats(min_value=1e-9, max_value=1e9),
    st.integers(1, 4000).map(lambda count: count * GI),
)
TEXTS = st.text("abc019.-_ GiM", min_size=1).filter(lambda text: text == text.strip())


@given(
    st.one_of(
        st.tuples(st.sampled_from(["exists", "==", "!=", ">=", "<=", ">", "<"]), NUMBERS),
        st.tuples(st.sampled_from(["==", "!="]), TEXTS),
    )
)
def test_a_requirement_that_is_shown_reads_back_as_the_same(condition):
    op, value = condition
    (stored,) = checked_require([{"key": "a.b/c", "op": op, "value": value}])
    assert repr(parse_requirement(shown_requirement(stored))) == repr(stored)
    assert repr(checked_require([stored])) == repr([stored])


LABELS = [
    ("gpu=a100", ("gpu", "a100")),
    ("vram=80Gi", ("vram", 80 * GI)),
    (" gpus = 2.0 ", ("gpus", 2)),
    ("nvlink", ("nvlink", "true")),
    ("model=NVIDIA A100", ("model", "NVIDIA A100")),
]


@pytest.mark.parametrize(("text", "label"), LABELS)
def test_a_label_is_a_key_and_a_number_or_text(text, label):
    assert repr(parse_label(text)) == repr(label)


@pytest.mark.parametrize("text", ["", "=", "=a", "gpu=", "gpu==a100", "gpu>1", "a b", "x=1,y=2"])
def test_what_is_not_a_label(text):
    how = "is not a label (write gpu=a100, vram=80Gi or nvlink)"
    assert refusal(parse_label, text).endswith(how)


# what a machine may claim, against an oracle in plain Python


ORDERS = {">=": ge, "<=": le, ">": gt, "<": lt}


def meets(requirement, labels):
    key, op, value = requirement["key"], requirement["op"], requirement.get("value")
    if key not in labels:
        return op == "!="
    held = labels[key]
    if isinstance(held, bool):
        held = str(held).lower()
    alike = isinstance(held, str) == isinstance(value, str)
    if op in ORDERS:
        return alike and ORDERS[op](held, value)
    return op == "exists" or (alike and held == value) == (op == "==")


def fits(task, free, labels):
    asked = task.get("resources", {})
    enough = all(asked.get(key, 0) <= free.get(key, 0) for key in ("cpus", "memory", "gpus"))
    return enough and all(meets(one, labels) for one in task.get("require", []))


KEYS = ["gpu", "vram", "spot", "a.b/c"]
HELD = ["a100", "h100", "true", "false", 1, 2, 0, 0.5, 0.1, 40 * GI, 80 * GI, 2**53 + 1]


def some_resources(rng):
    amounts = {
        "cpus": rng.choice([0.1, 0.3, 0.5, 1, 1.5, 2, 4]),
        "memory": rng.choice([1, MI, 4 * GI, 4 * GI + 1, 2**53 + 1, 2**63 - 1]),
        "gpus": rng.choice([0, 1, 2]),
    }
    return {key: amounts[key] for key in amounts if rng.random() < 0.5}


def some_requirement(rng):
    op = rng.choice(["==", "!=", ">=", "<=", ">", "<", "exists"])
    held = [value for value in HELD if op not in ORDERS or not isinstance(value, str)]
    return {"key": rng.choice(KEYS), "op": op, "value": rng.choice(held)}


def some_task(rng):
    asked = {
        "resources": checked_resources(some_resources(rng)),
        "require": checked_require([some_requirement(rng) for _ in range(rng.randrange(4))]),
    }
    return task(**{field: asked[field] for field in asked if rng.random() < 0.8})


def some_free(rng):
    amounts = {
        "cpus": rng.choice([0, 0.1, 0.2, 0.5, 1, 1.5, 3]),
        "memory": rng.choice([0, MI, 4 * GI, 2**53, 2**53 + 1, 2**63 - 1]),
        "gpus": rng.choice([0, 1, 2]),
    }
    return {key: amounts[key] for key in amounts if rng.random() < 0.95}


def some_labels(rng):
    held = [*HELD, True, False]
    return {key: rng.choice(held) for key in KEYS if rng.random() < 0.6}


def test_each_store_finds_the_tasks_that_ask_for_no_more_than_a_worker_has(uri):
    rng = random.Random(7)  # noqa: S311 - the same in every run
    tasks = [some_task(rng) for _ in range(400)]
    store = open_store(uri)
    store.insert("q", tasks)
    matched = 0
    for _ in range(150):
        free, labels = some_free(rng), some_labels(rng)
        query = claimable(free, labels)
        wanted = {one["_id"] for one in tasks if fits(one, free, labels)}
        found = {one["_id"] for one in store.find({"queue": "q", **query}, fields=("number",))}
        assert found == wanted, (free, labels)
        rest = {
            one["_id"] for one in store.find({"queue": "q", "$nor": [query]}, fields=("number",))
        }
        assert len(rest) == len(tasks) - len(wanted)
        assert not rest & found
        matched += len(found)
    store.close()
    assert 1000 < matched < 30000  # neither nothing nor everything


def test_labels_that_come_from_elsewhere_are_read_like_those_of_the_command_line():
    assert claimable({}, {"vram": "80Gi", "on": True, "x": 2.0}) == claimable(
        {}, dict(map(parse_label, ["vram=80Gi", "on", "x=2"]))
    )


def test_a_worker_that_has_nothing_takes_what_asks_for_nothing(uri):
    store = open_store(uri)
    asking = [{"resources": {"gpus": 0}}, {"require": []}, {"require": checked_require(["x!=1"])}]
    more = [{"resources": {"cpus": 0.001}}, {"require": checked_require(["x"])}]
    store.insert("q", [task(), *(task(**asked) for asked in [*asking, *more])])
    found = store.find({"queue": "q", **claimable({}, {})})
    assert sorted(one["number"] for one in found) == [1, 2, 3, 4]
    store.close()
