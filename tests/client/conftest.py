from __future__ import annotations

from clients import client, crew

__all__ = ["client", "crew"]
