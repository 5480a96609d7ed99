"""`Client.events`: what became of the tasks, from a token on."""

from __future__ import annotations

import labq


def test_events_go_on_behind_a_token(uri):
    with labq.Client(uri, "q") as client:
        client.submit({"x": 1})
        client.submit({"x": 2})
        first, second = client.events()
        assert (first["number"], first["to"], second["number"]) == (1, "pending", 2)
        assert list(client.events(first["token"])) == [second]
        assert list(client.events(filter="args.x > 1")) == [second]
        assert next(client.events(first["token"], follow=True)) == second
