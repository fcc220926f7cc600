"""The words of a text, for both engines alike: what is written and what is asked for are made the
same here, and the engines only compare.

A text is folded (case, accents, width) and split into words. Scripts that put no space between
words are split into pairs of neighbours, so that any two characters find what has them; the last
character of such a run stands by itself too, so that a prefix finds every single one.
"""

import functools
import re
import unicodedata

# In characters; what follows is no longer told apart.
LONGEST = 64
# Up to how many letters what stands between two spaces is remembered.
_SHORT = 32
# What stands between two texts that are no neighbours, such as two names: no word is so written.
GAP = "\ue000"
_PLAIN_WORD = re.compile(r"[^\W_]+")
# Beyond Latin and its punctuation may be marks that are vowels, and scripts without spaces.
_FURTHER = re.compile("[^\0-\u02ff\u2000-\u2bff]")
_ASCII = re.compile(r"[a-z0-9]+")
# Accents: not the vowel signs that some scripts write as marks.
_ACCENTS = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a"
    "\u064b-\u065f\u0670\u06d6-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f"
    "\ufe20-\ufe2f]+"
)
# Letters that Unicode does not take apart: the last is the i without a dot.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "æ": "ae", "œ": "oe", "\u0131": "i"}
)
# Han, kana, Hangul, Thai, Lao, Tibetan, Myanmar, Khmer, and their extensions.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u0f00-\u109f\u1100-\u11ff\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3130-\u318f"
    "\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\ua9e0-\ua9ff\uaa60-\uaa7f\uac00-\ud7ff"
    "\uf900-\ufaff\U0001aff0-\U0001b16f\U00020000-\U0003ffff]+"
)


def fold(text: str) -> str:
    """A text without case, accents and width."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    text = _ACCENTS.sub("", text).casefold().translate(_PLAIN)
    return unicodedata.normalize("NFKC", text)


def words(text: str) -> list[str]:
    """The words of a text as they are kept, in their order."""
    found: list[str] = []
    for piece in text.split():
        found += _known(piece) if len(piece) <= _SHORT else _of(piece)
    return found


def _of(text: str) -> tuple[str, ...]:
    if text.isascii():
        return tuple(word[:LONGEST] for word in _ASCII.findall(text.lower()))
    folded = fold(text)
    if not _FURTHER.search(folded):
        return tuple(word[:LONGEST] for word in _PLAIN_WORD.findall(folded))
    found: list[str] = []
    for run in _letters().findall(folded):
        for part, is_unspaced in _parts(run):
            found += [*_pairs(part), part[-1]] if is_unspaced else [part[:LONGEST]]
    return tuple(found)


# Texts say most of what they say in the same words.
_known = functools.lru_cache(maxsize=16_384)(_of)


def asked(text: str) -> tuple[list[str], bool]:
    """The words that a text which asks for them has to meet one after the other, and whether the
    last of them is only a beginning.
    """
    parts = [part for run in _letters().findall(fold(text)) for part in _parts(run)]
    found: list[str] = []
    for part, is_unspaced in parts:
        found += [*_pairs(part), part[-1]] if is_unspaced else [part[:LONGEST]]
    if not parts or not parts[-1][1]:
        return found, False
    # Its run may go on in a text: the last character stands by itself only at the end of one.
    is_single = len(parts[-1][0]) == 1
    return (found, True) if is_single else (found[:-1], False)


@functools.cache
def _letters() -> re.Pattern[str]:
    """Letters, digits, and the marks that belong to letters."""
    return re.compile(rf"(?:[^\W_]|[{_marks()}])+")


@functools.cache
def _marks() -> str:
    """The marks that are vowels to whoever reads them, though no letters to Python."""
    planes = [(0x300, 0x3100), (0xA000, 0xB000), (0x10A00, 0x12000), (0x16A00, 0x17000)]
    marks = [
        chr(code)
        for start, end in planes
        for code in range(start, end)
        if unicodedata.category(chr(code)) in {"Mn", "Mc"}
    ]
    return re.escape("".join(marks))


def _parts(run: str) -> list[tuple[str, bool]]:
    """A run of letters, parted where a script without spaces begins or ends."""
    parts: list[tuple[str, bool]] = []
    end = 0
    for match in _UNSPACED.finditer(run):
        if match.start() > end:
            parts.append((run[end : match.start()], False))
        parts.append((match[0], True))
        end = match.end()
    if end < len(run):
        parts.append((run[end:], False))
    return parts


def _pairs(run: str) -> list[str]:
    return [run[place : place + 2] for place in range(len(run) - 1)]
