from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labq.config import KEYS, Settings, load, masked, masked_in
from labq.errors import ConfigError, ExitCode

KNOWN = "(known keys: uri, queue, home, max_retries, retry_delay, lease, heartbeat, source, tasks, profiles)"
STORES = "(write sqlite:PATH, mongodb://HOST/DATABASE or mongodb+srv://HOST/DATABASE)"
NAMED = "(printable, no spaces, no leading - or $, at most 120)"


@pytest.fixture
def person(tmp_path):
    path = tmp_path / "config" / "labq" / "config.yaml"
    path.parent.mkdir(parents=True)
    return path


@pytest.fixture
def project(tmp_path):
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


def refusal(**given):
    with pytest.raises(ConfigError) as caught:
        load(given.pop("flags", {}), **given)
    assert caught.value.exit_code is ExitCode.USAGE
    return str(caught.value)


# where a setting comes from


def test_the_defaults(tmp_path, project):
    home = tmp_path / "data" / "labq"
    settings = load({}, folder=project)
    assert settings == Settings(
        uri=f"sqlite:{home}/labq.db",
        queue="default",
        home=home,
        max_retries=0,
        retry_delay=1.0,
        lease=60.0,
        heartbeat=10.0,
    )
    assert settings.origins == {}


def test_each_place_yields_to_the_next(person, project):
    def found(flags=None, environment=None):
        settings = load(flags or {}, {**os.environ, **(environment or {})}, project)
        return settings.queue, settings.origins.get("queue", "default")

    assert found() == ("default", "default")
    person.write_text("# mine\nqueue: person\n")
    assert found() == ("person", f"{person}:2")
    (project.parent / "labq.yaml").write_text("queue: above\n")
    assert found() == ("above", f"{project.parent}/labq.yaml:1")
    (project / "labq.yaml").write_text("queue: project\n")
    assert found() == ("project", f"{project}/labq.yaml:1")
    assert found({}, {"LABQ_QUEUE": "environment"}) == ("environment", "LABQ_QUEUE")
    assert found({"queue": "flag"}, {"LABQ_QUEUE": "environment"}) == ("flag", "--queue")


def test_places_are_joined_key_by_key(person, project):
    person.write_text("queue: person\nmax_retries: 2\nlease: 5m\n")
    (project / "labq.yaml").write_text("queue: project\nlease: 2m\n")
    settings = load({}, {**os.environ, "LABQ_LEASE": "90"}, project)
    assert (settings.queue, settings.max_retries, settings.lease) == ("project", 2, 90.0)


def test_the_nearest_project_file_is_the_only_one(project):
    (project.parent / "labq.yaml").write_text("queue: above\nmax_retries: 3\n")
    (project / "labq.yaml").write_text("queue: near\n")
    below = project / "a" / "b"
    below.mkdir(parents=True)
    settings = load({}, folder=below)
    assert (settings.queue, settings.max_retries) == ("near", 0)


def test_each_key_has_its_variable(project):
    environment = {
        "LABQ_URI": "mongodb://h/d",
        "LABQ_QUEUE": "q",
        "LABQ_HOME": "/srv/labq",
        "LABQ_MAX_RETRIES": "7",
        "LABQ_RETRY_DELAY": "0",
        "LABQ_LEASE": "2m",
        "LABQ_HEARTBEAT": "5s",
        "LABQ_SOURCE": "Off",
    }
    settings = load({}, environment, project)
    assert settings == Settings("mongodb://h/d", "q", Path("/srv/labq"), 7, 0.0, 120.0, 5.0, False)
    assert settings.origins == {key: f"LABQ_{key.upper()}" for key in KEYS}


def test_an_empty_variable_is_no_setting(project):
    assert load({}, {**os.environ, "LABQ_QUEUE": "", "LABQ_HOME": ""}, project).origins == {}


def test_the_working_directory_and_the_environment_are_those_of_the_process(project, monkeypatch):
    (project / "labq.yaml").write_text("queue: here\n")
    monkeypatch.chdir(project)
    monkeypatch.setenv("LABQ_MAX_RETRIES", "4")
    settings = load({})
    assert (settings.queue, settings.max_retries) == ("here", 4)


def test_text_is_read_as_text_whatever_yaml_makes_of_it(project):
    (project / "labq.yaml").write_text("queue: no\nmax_retries: '3'\n")
    settings = load({}, folder=project)
    assert (settings.queue, settings.max_retries) == ("no", 3)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_sets_nothing(text, project):
    (project / "labq.yaml").write_text(text)
    assert load({}, folder=project).origins == {}


# paths


def test_a_relative_path_starts_where_it_is_written(person, project):
    person.write_text("home: mine\n")
    assert load({}, folder=project).home == person.parent / "mine"
    (project / "labq.yaml").write_text("home: data\nuri: sqlite:tasks.db\n")
    below = project / "below"
    below.mkdir()
    settings = load({}, folder=below)
    assert (settings.home, settings.uri) == (project / "data", f"sqlite:{project}/tasks.db")
    settings = load({"uri": "sqlite:x.db"}, {**os.environ, "LABQ_HOME": "h"}, below)
    assert (settings.home, settings.uri) == (below / "h", f"sqlite:{below}/x.db")


def test_the_default_store_lies_in_the_home(project):
    settings = load({}, {"LABQ_HOME": "/srv/labq"}, project)
    assert settings.uri == "sqlite:/srv/labq/labq.db"


def test_a_tilde_is_the_home_directory(project, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    settings = load({"uri": "sqlite:~/a.db"}, {"LABQ_HOME": "~/labq"}, project)
    assert settings.home == Path("/home/ada/labq")
    assert settings.uri == "sqlite:/home/ada/a.db"
    assert load({}, {}, project).home == Path("/home/ada/.local/share/labq")


def test_the_config_file_without_xdg_is_in_the_home_directory(project, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / ".config" / "labq" / "config.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("queue: mine\n")
    assert load({}, {}, project).queue == "mine"


def no_home():
    raise RuntimeError("Could not determine home directory.")


def test_without_a_home_directory_labq_home_is_asked_for(project, monkeypatch):
    monkeypatch.setattr(Path, "home", no_home)
    assert refusal(environment={}, folder=project) == (
        "there is no home directory to keep the tasks in: set LABQ_HOME"
    )
    assert load({}, {"LABQ_HOME": "/srv"}, project).home == Path("/srv")


def test_a_working_directory_that_is_gone(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert refusal() == "the working directory is gone: cd to one that exists"


# bad values


BAD_VALUES = [
    ("uri", "postgres://h/d", f"'postgres://h/d' is not a store {STORES}"),
    ("uri", "u:hunter2@h/d", f"'u:***@h/d' is not a store {STORES}"),
    ("uri", "postgres://u:hunter2@h/d", f"'postgres://u:***@h/d' is not a store {STORES}"),
    ("uri", "sqlite:", "'sqlite:' names no file (write sqlite:PATH)"),
    ("uri", "sqlite: ", "'sqlite: ' names no file (write sqlite:PATH)"),
    ("uri", "sqlite:a\nb", "'a\\nb' is not a path: it holds a control character"),
    ("home", " ", "the path is empty"),
    ("home", "a\tb", "'a\\tb' is not a path: it holds a control character"),
    ("home", "~no-such/x", "'~no-such/x' begins with a home directory that is not known"),
    ("queue", "a b", f"'a b' is not a queue name {NAMED}"),
    ("queue", "-a", f"'-a' is not a queue name {NAMED}"),
    ("queue", "$a", f"'$a' is not a queue name {NAMED}"),
    ("queue", "a\tb", f"'a\\tb' is not a queue name {NAMED}"),
    ("queue", "q" * 121, f"'{'q' * 121}' is not a queue name {NAMED}"),
    ("max_retries", "-1", "'-1' is not a whole number of 0 or more"),
    ("max_retries", "1.5", "'1.5' is not a whole number of 0 or more"),
    ("max_retries", "2147483648", "'2147483648' is not a whole number of 0 or more"),
    ("max_retries", "9" * 5000, f"'{'9' * 5000}' is not a whole number of 0 or more"),
    ("lease", "5 parsecs", "'5 parsecs' is not a duration (write 90, 2s, 10m, 1h30m, 7d)"),
    ("source", "maybe", "'maybe' is neither true nor false"),
    ("heartbeat", "0", "'0' is out of range (durations are above zero, at most 36500d)"),
]


@pytest.mark.parametrize(("key", "text", "message"), BAD_VALUES)
def test_a_bad_value_names_its_place(key, text, message, project):
    variable = f"LABQ_{key.upper()}"
    assert refusal(environment={variable: text}, folder=project) == f"{variable}: {message}"
    flag = f"--{key.replace('_', '-')}"
    assert refusal(flags={key: text}, folder=project) == f"{flag}: {message}"
    quoted = text.replace("\n", "\\n").replace("\t", "\\t")
    (project / "labq.yaml").write_text(f'# ours\n{key}: "{quoted}"\n')
    assert refusal(folder=project) == f"{project}/labq.yaml:2: {key}: {message} {KNOWN}"


def test_an_empty_flag_is_a_bad_value(project):
    assert (
        refusal(flags={"queue": ""}, folder=project) == f"--queue: '' is not a queue name {NAMED}"
    )


def test_a_value_that_a_stronger_place_replaces_is_not_read(project):
    (project / "labq.yaml").write_text("lease: soon\n")
    assert load({}, {**os.environ, "LABQ_LEASE": "2m"}, project).lease == 120.0


BAD_FILES = [
    ("ur: x\n", f"1: unknown key 'ur' {KNOWN}"),
    ("queue: q\n\nleese: 3\n", f"3: unknown key 'leese' {KNOWN}"),
    ("1: x\n", f"1: unknown key '1' {KNOWN}"),
    ("[a]: x\n", f"1: unknown key that is no word {KNOWN}"),
    ("queue: [a, b]\n", f"1: queue takes one value {KNOWN}"),
    ("queue:\n  name: a\n", f"1: queue takes one value {KNOWN}"),
    ("queue: a\nlease: 2m\nqueue: b\n", "3: queue is given twice"),
    ("queue:\n", f"1: queue: '' is not a queue name {NAMED} {KNOWN}"),
    ("queue\n", f"1: not lines of 'key: value' {KNOWN}"),
    ("\n- queue\n", f"2: not lines of 'key: value' {KNOWN}"),
    ("queue: a\nlease: [\n", "3: not YAML: expected the node content, but found '<stream end>'"),
    ("queue: a: b\n", "1: not YAML: mapping values are not allowed here"),
    ("queue: a\n---\nqueue: b\n", "2: not YAML: but found another document"),
    ("queue: *a\n", "1: not YAML: found undefined alias 'a'"),
    (
        "queue: a\x01\n",
        "1: not YAML: unacceptable character #x0001: special characters are not allowed",
    ),
]


@pytest.mark.parametrize(("text", "message"), BAD_FILES)
def test_a_bad_file_names_file_line_and_what_it_may_hold(text, message, project, person):
    for path in (person, project / "labq.yaml"):
        path.write_text(text)
        assert refusal(folder=project) == f"{path}:{message}"
        path.unlink()


def test_a_file_that_cannot_be_read(project):
    path = project / "labq.yaml"
    path.write_bytes(b"queue: \xff\n")
    assert refusal(folder=project) == (
        f"{path}: cannot be read: "
        "'utf-8' codec can't decode byte 0xff in position 7: invalid start byte"
    )


DEEP = "nested too deeply, or an alias stands within itself"
BOMB = "a: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[" * 1000, DEEP),
        ("tasks: {a: " + "[" * 1000, DEEP),
        ("{a: " * 900 + "1" + "}" * 900, DEEP),
        ("- " * 1000, DEEP),
        ("tasks: {a: &x [*x]}", DEEP),
        (BOMB, "its aliases stand for more than 100,000 values"),
        (" " * 1_100_000, "cannot be read: it is larger than 1,048,576 bytes"),
    ],
)
def test_a_file_that_would_take_too_much_is_refused_in_a_line(text, told, project):
    (project / "labq.yaml").write_text(text)
    assert refusal(folder=project) == f"{project / 'labq.yaml'}: {told}"


@pytest.mark.parametrize("kind", ["folder", "fifo", "link"])
def test_what_is_no_file_is_refused_and_not_passed_over(kind, project):
    path = project / "labq.yaml"
    told = "it is no file"
    if kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("nowhere")
        told = "No such file or directory"
    assert refusal(folder=project) == f"{path}: cannot be read: {told}"


def test_an_alias_may_stand_for_a_value(project):
    (project / "labq.yaml").write_text("profiles: {a: &a {priority: 1}, b: *a}\n")
    assert load({}, {}, project).queue == "default"


def test_a_heartbeat_too_slow_for_the_lease(project):
    assert refusal(environment={"LABQ_HEARTBEAT": "31s"}, folder=project) == (
        "the heartbeat (31s) must be at most half of the lease (60s), "
        "or one late renewal loses the task"
    )
    assert load({}, {**os.environ, "LABQ_HEARTBEAT": "30s"}, project).heartbeat == 30.0


# passwords


MASKED = [
    ("sqlite:/a/b@c:d.db", "sqlite:/a/b@c:d.db"),
    ("sqlite:///a@b/c.db", "sqlite:///a@b/c.db"),
    ("sqlite:mongodb://ada:s3cr3t@h", "sqlite:mongodb://ada:***@h"),
    ("sqlite://ada:s3cr3t@h/x.db", "sqlite://ada:***@h/x.db"),
    ("sqlite:/data/me@lab:x/labq.db", "sqlite:/data/me@lab:x/labq.db"),
    ("mongodb://h:27017/db", "mongodb://h:27017/db"),
    ("mongodb://h:1,g:2/db?replicaSet=rs0", "mongodb://h:1,g:2/db?replicaSet=rs0"),
    ("mongodb://[::1]:27017/db", "mongodb://[::1]:27017/db"),
    ("mongodb://u@h/db", "mongodb://u@h/db"),
    ("mongodb://u:@h/db", "mongodb://u:***@h/db"),
    ("mongodb://u:p@h/db", "mongodb://u:***@h/db"),
    ("mongodb+srv://u:p@h/db?w=1", "mongodb+srv://u:***@h/db?w=1"),
    ("mongodb://me%40lab:p%40%3A@h/db", "mongodb://me%40lab:***@h/db"),
    ("mongodb://me@lab:p@h/db", "mongodb://me@lab:***@h/db"),
    ("mongodb://u:a@b:c/d?e#f@h/db", "mongodb://u:***@h/db"),
    ("mongodb://u:p?w=1&x=y@h/db", "mongodb://u:***@h/db"),
    ("u:p@h", "u:***@h"),
    ("mongodb:/u:p@h", "mongodb:***@h"),
    (
        "mongodb://h/db?w=1&tlsCertificateKeyFilePassword=a,b:c;d&x=2",
        "mongodb://h/db?w=1&tlsCertificateKeyFilePassword=***&x=2",
    ),
    (
        "mongodb://u:p@h/db?TLSCERTIFICATEKEYFILEPASSWORD=a",
        "mongodb://u:***@h/db?TLSCERTIFICATEKEYFILEPASSWORD=***",
    ),
    (
        "mongodb://u@h/db?authMechanismProperties=AWS_SESSION_TOKEN:a%2F=,X:1&w=1",
        "mongodb://u@h/db?authMechanismProperties=***&w=1",
    ),
    ("mongodb://h/db?password=a@b", "mongodb://h/db?password=***"),
    ("mongodb://h/db?password=a&b&c&w=1", "mongodb://h/db?password=***&w=1"),
    ("mongodb://root:s3cr@tPart/x@host", "mongodb://root:***@host"),
    ("root:s3cr@tPart/x@host", "root:***@host"),
    ("mongodb://root:a/b:c?d#e%@h:1,g:2/db?w=1", "mongodb://root:***@h:1,g:2/db?w=1"),
    ("mongodb://h:1/db?appname=a@b", "mongodb://h:***@b"),  # rather too much than too little
]


@pytest.mark.parametrize(("uri", "shown"), MASKED)
def test_no_password_is_shown(uri, shown):
    assert masked(uri) == shown


PASSWORDS = st.text(min_size=1).map(lambda text: f"<{text}>")


@given(PASSWORDS)
def test_a_password_is_hidden_and_the_host_is_not(password):
    for written in (password, quote(password, safe="")):
        shown = masked(f"mongodb://ada:{written}@db.lab:27017/runs?w=majority")
        assert shown == "mongodb://ada:***@db.lab:27017/runs?w=majority"


@given(PASSWORDS)
def test_a_secret_option_is_hidden(password):
    written = quote(password, safe="")
    for name in ("tlsCertificateKeyFilePassword", "proxyPassword", "sessionToken"):
        shown = masked(f"mongodb://db.lab/runs?w=1&{name}={written}&appname=x")
        assert shown == f"mongodb://db.lab/runs?w=1&{name}=***&appname=x"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("mongodb://bob:PW/db", "mongodb://bob:***"),
        ("mongodb://bob:PW", "mongodb://bob:***"),
        ("postgres://bob:PW1/db", "postgres://bob:***"),
        ("mongodb://bob:P/W@x", "mongodb://bob:***@x"),
        ("mongodb://bob:P/W?x", "mongodb://bob:***"),
        ("mongodb://host:27017/db", "mongodb://host:27017/db"),
        ("mongodb://a:1,b:2/db", "mongodb://a:1,b:2/db"),
    ],
)
def test_a_password_whose_host_was_forgotten_is_masked_too(uri, shown):
    assert masked(uri) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--uri=mongodb://u:p/w@h/db x", "--uri=mongodb://u:***@h/db x"),
        ("fatal: 'https://ann:s3/cr@et@h/x/'", "fatal: 'https://***@h/x/'"),
        ("https://root:s3cr@tPart/x@h/lab", "https://***@h/lab"),
        ("https://ghp_s3cret@h/x", "https://***@h/x"),
        ("https://ann:s3@cret@h:8443/x", "https://***@h:8443/x"),
        ("ssh://git@h/x and https://h:8443/@ann/x@v1", None),
        ("ssh://git:s3cret@h/x", "ssh://***@h/x"),
        ("https://[::1]:8443/a@b file:///a@b sqlite:a@b me@lab:x", None),
    ],
)
def test_a_text_that_quotes_uris_has_none_of_their_secrets(text, shown):
    assert masked_in(text) == (shown or text)
