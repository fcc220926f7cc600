"""Somebody whom nobody here knows yet, added as a contact by the form that names them."""

from typing import NamedTuple

from rapport.console import words
from rapport.console.guard import Visit
from rapport.console.people import find_account, names_of
from rapport.console.refusals import Errors, Typed, said_of
from rapport.contract import rev_users
from rapport.contract.kit import ids
from rapport.contract.kit.errors import ApiError

_FIELDS = {"display_name": "newcomer_name", "email": "newcomer_email"}


class Newcomer(NamedTuple):
    """What the form offers to add: who was typed, what is filled in, whether it is chosen."""

    typed: str
    name: str
    email: str
    is_chosen: bool = False


def offered(visit: Visit, unknown: str) -> Newcomer | None:
    """What to offer for a name or an address that fits nobody."""
    if not unknown or not visit.may(rev_users.CREATE):
        return None
    form, is_again = visit.form, visit.form.one("newcomer") == unknown
    if is_again:
        return Newcomer(
            unknown, form.one("newcomer_name"), form.one("newcomer_email"), is_chosen=True
        )
    is_address = "@" in unknown
    return Newcomer(unknown, "" if is_address else unknown, unknown if is_address else "")


async def add(visit: Visit, typed: Typed) -> Errors:
    """Add the one whom the form says to add, and put their id for the name; what was refused."""
    wanted = visit.form.one("newcomer")
    if not wanted or wanted not in names_of(typed["who"]):
        return {}
    if not visit.form.one("newcomer_name"):
        return {"newcomer_name": words.NO_NAME}
    try:
        made = await _make(visit, typed)
    except ApiError as error:
        return said_of(error, _FIELDS)
    typed["who"] = ", ".join(made if one == wanted else one for one in names_of(typed["who"]))
    return {}


async def _make(visit: Visit, typed: Typed) -> str:
    """Sent twice, a form makes one: it has a key."""
    request = {"display_name": visit.form.one("newcomer_name")}
    if email := visit.form.one("newcomer_email"):
        request["email"] = email
    parents = map(ids.Id.parse, await find_account(visit, typed["account"]))
    if account := next((one for one in parents if one.kind is ids.ACCOUNT), None):
        request["account"] = account.display_id
    key = f"{typed['key']}.newcomer" if typed["key"] else None
    made = await visit.ask(rev_users.CREATE, request, key=key)
    return str(made["rev_user"]["display_id"])
