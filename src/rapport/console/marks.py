"""Where a text has the words of a query, so that pages can mark them."""

import re
from typing import NamedTuple

# Words, and words that begin so; filters and what is not wanted mark nothing.
_ASKED = re.compile(r'-?"[^"]*"|\S+')
_WORD = re.compile(r"\w+")


class Piece(NamedTuple):
    """A part of a text, and whether it is one of the words."""

    text: str
    is_word: bool


def marked(text: str, query: str) -> list[Piece]:
    """A text in pieces."""
    sought = _sought(query)
    if not sought or not text:
        return [Piece(text, is_word=False)] if text else []
    pieces = re.split(rf"\b({'|'.join(map(re.escape, sought))})", text, flags=re.IGNORECASE)
    return [Piece(one, is_word=bool(number % 2)) for number, one in enumerate(pieces) if one]


def _sought(query: str) -> list[str]:
    """The words that are asked for, the longest first."""
    found = {
        word
        for part in _ASKED.findall(query)
        if not part.startswith("-") and not (":" in part and not part.startswith('"'))
        for word in _WORD.findall(part)
        if word != "OR"
    }
    return sorted(found, key=lambda one: (-len(one), one))
