"""The page that shows the API tells what the methods are."""

from importlib import import_module
from pathlib import Path

import pytest
from msgspec import Struct

from rapport.contract import table
from rapport.contract.kit.errors import OURS
from rapport.contract.kit.method import Method
from rapport.contract.table import METHODS, PAGE
from rapport.wire.schemas import components

FAMILIES = Path(table.__file__).parent


@pytest.mark.parametrize("line", PAGE, ids=lambda line: line[0])
def test_a_line_tells_what_its_method_is(
    line: tuple[str, str, str, str | None, int, str, Method],
) -> None:
    name, verbs, effect, scope, status, whose, method = line
    assert (name, verbs.split("+"), effect) == (method.name, list(method.verbs), method.effect)
    assert (scope, status, whose) == (method.scope, method.status, "ours" if method.ours else "")


def test_no_method_of_a_family_is_left_out_or_on_the_page_twice() -> None:
    families = [import_module(f"rapport.contract.{path.stem}") for path in FAMILIES.glob("*.py")]
    made = {one for family in families for one in vars(family).values() if isinstance(one, Method)}
    assert made == {method for *_, method in PAGE}
    assert len(made) == len(PAGE) == len(METHODS)


def test_a_method_that_is_ours_says_so_once_for_all_its_fields() -> None:
    def structs(*, ours: bool) -> list[type[Struct]]:
        return [
            kind
            for one in METHODS.values()
            if one.ours is ours
            for kind in (one.request, one.response)
        ]

    loose = components(structs(ours=True), strict=False)
    devrevs = components(structs(ours=False), strict=False)
    own = loose.keys() - devrevs.keys()
    # What a struct has from one of DevRev's methods is marked as those need it.
    inherited = {
        (kind.__name__, field)
        for kind in structs(ours=True)
        for base in kind.__mro__[1:]
        if base.__name__ in devrevs
        for field in devrevs[base.__name__]["properties"]
    }
    assert {"EventsListRequest", "WebhookDeliveriesListResponse"} <= own
    assert [
        (name, field)
        for name in own
        for field, one in loose[name]["properties"].items()
        if OURS in one and (name, field) not in inherited
    ] == []
