"""What a field offers while one types: people and accounts, by name and address."""

from typing import Any, NamedTuple

from starlette.responses import Response

from rapport.console.guard import Visit
from rapport.console.people import called, known_accounts, known_people

_MOST = 8


class Option(NamedTuple):
    """One that may be meant, and what the field says once it is chosen."""

    value: str
    name: str
    detail: str
    account: str = ""


async def people(visit: Visit) -> Response:
    """Those whose name or address has a word that begins so."""
    asked = visit.request.query_params.get("q", "")
    return _page(visit, [_person(one) for one in await known_people(visit) if _fits(one, asked)])


async def accounts(visit: Visit) -> Response:
    """Accounts of which a word begins so."""
    asked = visit.request.query_params.get("q", "")
    return _page(visit, [_account(one) for one in await known_accounts(visit) if _fits(one, asked)])


def _page(visit: Visit, options: list[Option]) -> Response:
    return visit.page("options", options=options[:_MOST])


def _person(one: Any) -> Option:
    company = one.get("rev_org", {})
    detail = " · ".join(filter(None, (one.get("email"), company.get("display_name"))))
    return Option(
        one.get("email") or one["display_id"], called(one), detail, company.get("display_name", "")
    )


def _account(one: Any) -> Option:
    return Option(one["display_id"], called(one), ", ".join(one.get("domains", [])))


def _fits(one: Any, asked: str) -> bool:
    said = " ".join(
        str(one.get(name, "")) for name in ("display_name", "full_name", "email")
    ).casefold()
    begun = asked.casefold().split()
    return bool(begun) and all(f" {part}" in f" {said}" for part in begun)
