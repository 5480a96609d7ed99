"""`python -m labq`."""

from __future__ import annotations

from labq.cli.main import run

run()
