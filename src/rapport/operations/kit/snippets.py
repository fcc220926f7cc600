"""What a search shows of a text: what stands around the first place that fits."""

import re
from collections.abc import Sequence

from rapport.store.kit.asking import Phrase
from rapport.store.kit.words import fold, words

# In characters: how much is shown, and how much of it stands before the place.
_LENGTH, _BEFORE = 160, 50
# How far into a text a place is looked for.
_FAR = 65_536
_PIECE = re.compile(r"\S+")


def snippet(texts: Sequence[str], phrases: Sequence[Phrase]) -> str | None:
    """Of the first text that has one of these phrases' words what stands around it; None where
    none has.
    """
    for text in texts:
        place = _place(text[:_FAR], phrases)
        if place is not None:
            return _around(text, place)
    return None


def _place(text: str, phrases: Sequence[Phrase]) -> int | None:
    wanted = {word for phrase in phrases for word in phrase.words if not phrase.is_begun}
    begun = tuple(phrase.words[-1] for phrase in phrases if phrase.is_begun)
    wanted |= {word for phrase in phrases if phrase.is_begun for word in phrase.words[:-1]}
    for piece in _PIECE.finditer(text):
        for word in words(piece[0]):
            if word in wanted or (begun and word.startswith(begun)):
                # A piece without spaces may be a whole text: nearly there is near enough.
                return piece.start() + max(fold(piece[0]).find(word), 0)
    return None


def _around(text: str, place: int) -> str:
    start = max(place - _BEFORE, 0)
    if start:
        # Not in the middle of a word, where there is a space to begin behind.
        space = text.find(" ", start, place)
        start = space + 1 if space >= 0 else start
    shown = " ".join(text[start : start + _LENGTH].split())
    return f"{'… ' if start else ''}{shown}{' …' if start + _LENGTH < len(text) else ''}"
