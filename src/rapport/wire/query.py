"""The GET form: a query string read into the object that the POST form's JSON would have been
(behaviour: Requests).
"""

import re
from urllib.parse import unquote_to_bytes

from rapport.contract.kit.errors import ParseError
from rapport.wire.json_text import read_json
from rapport.wire.places import Place

_NAME = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[[^.\[\]]*\])*")
_SEGMENT = re.compile(r"[^.\[\]]+|\[\]")
_INDEX = re.compile(r"[0-9]{1,4}", re.ASCII)
_WHOLE_NUMBER = re.compile(r"[+-]?[0-9]{1,100}", re.ASCII)
_BOOLS = {"true": True, "false": False}

# The items that one parameter adds to an array, and its place among the others: `name[3]` says one.
_Entry = tuple[int, list[str]]


def read_query(query: bytes, root: Place) -> tuple[dict[str, object], set[str]]:
    """Read a query string along a contract.

    Nested names are `created_date.after` or `created_date[after]`. An array is a comma list, a
    repeated name, or both, and commas inside double quotes that wrap a whole item don't split;
    `name[]` and `name[0]` give one item each, exactly as written. Nothing behind the `=` is no
    item, or the empty text of a single value.

    Returns:
        The object, with unknown names as they came, and the paths of single values that came more
        than once.

    Raises:
        ParseError: bytes that are not UTF-8.
    """
    texts: dict[tuple[str, ...], list[str]] = {}
    entries: dict[tuple[str, ...], list[_Entry]] = {}
    places: dict[tuple[str, ...], Place] = {}
    for parameter in filter(None, query.split(b"&")):
        raw_name, _, raw_value = parameter.partition(b"=")
        name, text = _decoded(raw_name), _decoded(raw_value)
        keys, place, index = _find(root, name)
        places[keys] = place
        texts.setdefault(keys, []).append(text)
        items = _split(text) if index is None else [text] if text else []
        entries.setdefault(keys, []).append((index or 0, items))
    result: dict[str, object] = {}
    repeated = set()
    for keys, place in places.items():
        if place.items is not None:
            inner = place.items
            by_index = sorted(entries[keys], key=lambda entry: entry[0])
            value: object = [_single(inner, item) for _, items in by_index for item in items]
        else:
            value = _single(place, texts[keys][0])
        once = place.items is not None or len(texts[keys]) == 1
        if not (_put(result, keys, value) and once):
            repeated.add(".".join(keys))
    for name, field in root.fields.items():
        if field.items is not None and isinstance(result.get(name), dict):
            result[name] = [result[name]]
    return result, repeated


def _decoded(raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        shown = raw[:80].decode("latin-1")
        raise ParseError(
            f"The query has {shown!r}, which is not UTF-8.", detail="Percent-encode UTF-8."
        ) from None


def _find(root: Place, name: str) -> tuple[tuple[str, ...], Place, int | None]:
    """The path that a parameter means, what stands there, and its index if it has one: `name[]`
    has 0.
    """
    unknown = ((name,), Place(arms={}), None)
    if not _NAME.fullmatch(name):
        return unknown
    place, keys, index = root, [], None
    for segment in _SEGMENT.findall(name):
        if index is not None:
            return unknown
        if segment in place.fields:
            place = place.fields[segment]
            keys.append(segment)
        elif place.items is not None and not keys[1:] and segment in place.items.fields:
            # An array of objects has one in a query, whose fields have a dot as in any object.
            place = place.items.fields[segment]
            keys.append(segment)
        elif place.items is not None and (segment == "[]" or _INDEX.fullmatch(segment)):
            index = 0 if segment == "[]" else int(segment)
        else:
            return unknown
    return tuple(keys), place, index


def _split(text: str) -> list[str]:
    """The items of a comma list. A double quote that doesn't wrap a whole item is a character
    like any other.
    """
    items = []
    start, closable = 0, True
    while text and start <= len(text):
        end = -1
        if closable and text.startswith('"', start):
            end = text.find('",', start + 1)
            if end < 0 and text.endswith('"') and len(text) - 1 > start:
                end = len(text) - 1
            closable = end >= 0
        if end >= 0:
            items.append(text[start + 1 : end])
            start = end + 2
            continue
        comma = text.find(",", start)
        stop = len(text) if comma < 0 else comma
        items.append(text[start:stop])
        start = stop + 1
    return items


def _single(place: Place, text: str) -> object:
    """A text as the JSON value that the contract wants; what doesn't read so stays text, for
    the walk to refuse.
    """
    if "number" in place.arms and _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    if "bool" in place.arms:
        return _BOOLS.get(text, text)
    if place.free_form:
        try:
            return read_json(text.encode())
        except ParseError:
            return text
    return text


def _put(result: dict[str, object], keys: tuple[str, ...], value: object) -> bool:
    """Store a value at its path; False when another value stands in the way."""
    container = result
    for key in keys[:-1]:
        inner = container.setdefault(key, {})
        if not isinstance(inner, dict):
            return False
        container = inner
    return container.setdefault(keys[-1], value) is value
