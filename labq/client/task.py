"""`labq.Task`: one task, and all that may be done to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labq.client import profiles
from labq.client.config_view import Config
from labq.client.run import Runs
from labq.client.serialise import from_json, to_json
from labq.errors import UsageError
from labq.model.sound import MALFORMED
from labq.model.task import FIELDS
from labq.resources import checked_resources, overridden, parse_override
from labq.values.coerce import mapping
from labq.values.coerce import texts as listed

if TYPE_CHECKING:
    from labq.client.client import Client
    from labq.values.coerce import Span


class Task(Runs):
    """A task: its fields as attributes, its verbs as methods.

    `Client.task` makes one that is not stored yet; `Client.get` and `Client.tasks` find others.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        """`<Task name=my-task number=4 status=success>`, as it was read last."""
        known = self._copy.document
        parts = [
            f"{key}={_word(known[key])}" for key in ("name", "number", "status") if key in known
        ]
        return f"<Task {' '.join(parts)}>"

    def __eq__(self, other: object) -> bool:
        """Whether it is the same task, however the two were read."""
        return isinstance(other, Task) and self._id == other._id

    def __hash__(self) -> int:
        return hash(self._id)

    @classmethod
    def from_dict(
        cls, client: Client, document: Mapping[str, Any], is_summary: bool = False
    ) -> Task:
        """A task of a dict as `labq task show --json` prints it; times may be texts.

        With an `_id` it is one that is stored; without, one that is not yet. Of a summary, the
        fields that are not there are read when they are asked for.

        Raises:
            UsageError: a field that there is not, or that cannot hold its value.
        """
        if "_id" not in mapping("a task", document):
            return client._of_fields(document)  # noqa: SLF001 - its own class's
        task = cls(client, from_json(document, client.queue.name), there=True)
        if is_summary:
            task._flush()
        return task

    def to_dict(self) -> dict[str, Any]:
        """All fields that the task has, as JSON values, local changes among it.

        Times are texts, as `labq task show --json` prints them, lengths seconds. The lease is its
        worker's own, and left out.
        """
        self._freshen()
        there = self._copy.fields - {"lease"}
        found = {n: self._copy.look(n, None) for n in (*FIELDS, MALFORMED) if n in there}
        return {name: to_json(value) for name, value in found.items() if value is not None}

    # other names of fields

    @property
    def id(self) -> str:
        """The `_id`: 32 hex digits."""
        return self._id

    @property
    def uuid(self) -> str:
        """The same."""
        return self._id

    @property
    def constants(self) -> dict[str, str]:
        """The same as `env`: text -> text, variables of its job."""
        return self.env

    @constants.setter
    def constants(self, variables: dict[str, str]) -> None:
        self.env = variables

    @property
    def ttl(self) -> float | None:
        """Seconds for which it is kept once it has ended; a part of `retention`, as is the next.

        Raises:
            UsageError: set to what is no length, or nothing.
        """
        return self.retention.get("ttl")

    @ttl.setter
    def ttl(self, length: Span | None) -> None:
        self._retain("ttl", length)

    @property
    def auto_delete(self) -> bool:
        """Whether it makes room, once it has ended, where the queue is full.

        Raises:
            UsageError: set to neither True nor False; None says nothing.
        """
        return bool(self.retention.get("auto_delete"))

    @auto_delete.setter
    def auto_delete(self, allowed: bool | None) -> None:
        self._retain("auto_delete", allowed)

    def _retain(self, word: str, value: Any) -> None:
        rest = {key: held for key, held in self.retention.items() if key != word}
        self.retention = rest if value is None else {**rest, word: value}

    @property
    def profile(self) -> str | None:
        """The entry of `profiles:` in `labq.yaml` that it has its words from where it says nothing.

        Settable until it is submitted: the words of the one before go then, unless they were
        changed since.

        Raises:
            UsageError: set to what is no profile.
        """
        return self._profile.name if self._profile else None

    @profile.setter
    def profile(self, name: str | None) -> None:
        self._refuse_if_submitted("profile")
        now = {field: self._copy.look(field, None) for field in profiles.FIELDS}
        back = profiles.taken_back(now, self._profile)
        laid = None if name is None else profiles.laid(name, {**now, **back}, self.client.settings)
        given = {field: by for field, (_, by) in laid.fields.items()} if laid else {}
        for field, value in {**back, **given}.items():
            setattr(self, field, value)
        self._profile = laid

    @property
    def config(self) -> Config:
        """How it is to run: what `start()` gives to a new task, to be rewritten as a dict."""
        return Config(self)

    @config.setter
    def config(self, fields: Mapping[str, Any]) -> None:
        self.config.rewrite(fields)

    # its configuration

    def apply_env(self, texts: Sequence[str]) -> Task:
        """Adds or changes variables of its job, each `KEY=VALUE`; the first = parts them.

        Raises:
            UsageError: a text without =, or what is no variable's name.
        """
        given = listed("variables", texts)
        for text in given:
            if "=" not in text:
                raise UsageError(f"{text!r} is not KEY=VALUE")
        self.env = {**self.env, **dict(text.split("=", 1) for text in given)}
        return self

    def apply_resource_overrides(self, texts: Sequence[str]) -> Task:
        """Changes named resources, each `RESOURCE.PARAM=VALUE`; `*` is every one of them.

        A value is read as YAML reads a scalar; amounts may have Kubernetes' units.

        Raises:
            ConflictError: there is no such resource; it names those that there are.
            UsageError: a text that is no override, an amount that is none.
        """
        resources: dict[str, Any] = self.resources
        for text in listed("overrides", texts):
            resources = overridden(resources, *parse_override(text))
        self.resources = checked_resources(resources)
        return self

    def apply_resource_override(self, texts: Sequence[str]) -> Task:
        """The same as `apply_resource_overrides`."""
        return self.apply_resource_overrides(texts)


def _word(value: Any) -> str:
    text = str(value)
    return repr(text) if not text.isprintable() or set(text) & set(" =<>") else text
