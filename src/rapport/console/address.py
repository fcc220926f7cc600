"""Views in addresses: which filters are on, and the way to the same view without one of them."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

Chosen = Mapping[str, list[str]]


def chosen(query: QueryParams, names: Iterable[str]) -> dict[str, list[str]]:
    """The values of the filters that are on."""
    values = {name: [one for one in query.getlist(name) if one] for name in names}
    return {name: ones for name, ones in values.items() if ones}


def without(chosen: Chosen, name: str, value: str) -> dict[str, list[str]]:
    """The same but for one value."""
    return {
        other: [one for one in ones if (other, one) != (name, value)]
        for other, ones in chosen.items()
    }


def address(path: str, chosen: Chosen, **more: str) -> str:
    """A page's address with filters, and with what else is not empty."""
    pairs = [(name, value) for name, values in chosen.items() for value in values]
    query = urlencode([*pairs, *((name, value) for name, value in more.items() if value)])
    return f"{path}?{query}" if query else path
