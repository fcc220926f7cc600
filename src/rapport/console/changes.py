"""What a change changed, in words."""

import re
from typing import Any

from rapport.console import words
from rapport.console.moments import Moments

_ID = re.compile(r"don:[^ ]*[:/]([a-z_]+)/([0-9]+)")
# A text beyond this stands as its hash and length.
_HASHED = re.compile(r"sha256:[0-9a-f]{64}.*")


def said(delta: Any, moments: Moments) -> tuple[str, str]:
    """A field before and after, as its reader would write it; empty for what was absent."""
    return _value(delta.get("old_value"), moments), _value(delta.get("new_value"), moments)


def _value(value: Any, moments: Moments) -> str:
    if value is None:
        return ""
    if "values" in value:
        return ", ".join(_one(one) for one in value["values"])
    if "fields" in value:
        return ", ".join(f"{name}: {_one(one)}" for name, one in value["fields"].items())
    plain = value.get("value", "")
    if value["type"] == "date_time":
        return moments.of(plain).short
    return _one(plain)


def _one(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get("name") or value.get("fields") or value.get("value") or "")
    text = str(value)
    if _HASHED.fullmatch(text):
        return words.LONG_TEXT
    found = _ID.fullmatch(text)
    return f"{found[1].upper()}-{found[2]}" if found else words.KINDS_BY_NAME.get(text, text)
