"""Did you mean ...? The known word that is nearest to one that is not known."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(word: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known word most like `word`, whatever the case of either; None where none is.

    `cutoff` is the least likeness, from 0 to 1 (`difflib.get_close_matches`).
    """
    from difflib import get_close_matches

    folded = {name.casefold(): name for name in known}
    close = get_close_matches(word.strip().casefold(), list(folded), 1, cutoff)
    return folded[close[0]] if close else None


def hint(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """`: did you mean args?`, or what is said where nothing is near."""
    near = nearest(word, known)
    return f": did you mean {near}?" if near else otherwise
