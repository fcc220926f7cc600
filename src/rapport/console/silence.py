"""How long it has been silent, by days, and from when on that is too long."""

from typing import NamedTuple

from rapport.console import words
from rapport.console.moments import Moments
from rapport.console.rhythm import Day, Rhythm
from rapport.console.touches import Touch

_QUIET_DAYS, _QUIET_DAYS_WITHOUT_TIER = 30, 60


class Silence(NamedTuple):
    """In words, and as a level: empty, `quiet`, or `lost` after twice as many days."""

    text: str
    level: str


def quiet_days(tier: str | None) -> int:
    """How many days without a touch make an account quiet."""
    return _QUIET_DAYS if tier else _QUIET_DAYS_WITHOUT_TIER


def silence(moments: Moments, rhythm: Rhythm, quiet: int | None = None) -> Silence:
    """Since the last touch; what is planned does not end it.

    Args:
        moments: the reader's.
        rhythm: of an account or a person.
        quiet: how many days are too long; None where none are.
    """
    if rhythm.last is None:
        return Silence(words.NEVER, "lost" if quiet else "")
    days = -_days_to(moments, rhythm.last)
    level = "" if quiet is None or days <= quiet else "quiet" if days <= 2 * quiet else "lost"
    return Silence(apart(moments, rhythm.last), level)


def apart(moments: Moments, touch: Touch | Day) -> str:
    """How far away a touch is, in days: Today, 3 days ago, In 3 days."""
    days = _days_to(moments, touch)
    if days in words.NEAR:
        return words.NEAR[days]
    return (words.AGO if days < 0 else words.AHEAD).format(days=abs(days))


def _days_to(moments: Moments, touch: Touch | Day) -> int:
    """How many midnights lie between now and a touch; negative when it is past."""
    return (moments.of(touch.date).instant.date() - moments.now.date()).days
