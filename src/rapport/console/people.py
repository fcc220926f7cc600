"""Whom somebody means: by address, id or name, as one types them."""

from typing import Any

from rapport.console import words
from rapport.console.guard import Visit
from rapport.contract import accounts, dev_users, rev_users, search
from rapport.contract.kit import ids

# How many of one name are told apart, and how long a text may be that is looked for.
_MOST, _LONGEST = 100, 256


class CannotTell(Exception):
    """Nobody or several fit what was typed; the text says so to whoever typed it.

    Args:
        said: the text.
        unknown: what fits nobody; empty where several fit.
    """

    def __init__(self, said: str, unknown: str = "") -> None:
        super().__init__(said)
        self.unknown = unknown


async def find_people(visit: Visit, text: str) -> list[str]:
    """The ids of those whom a list with commas names.

    Raises:
        CannotTell: a name fits nobody, or several.
    """
    return [await _find_person(visit, name) for name in dict.fromkeys(names_of(text))]


async def find_account(visit: Visit, text: str) -> list[str]:
    """The id of the account that is named, or ids with commas as they are; empty for nothing.

    Raises:
        CannotTell: no account is called so, or several are.
    """
    if not text:
        return []
    if all(_is_id(one) for one in names_of(text)):
        return names_of(text)
    by = "domains" if "." in text and " " not in text else "display_name"
    found = (await visit.ask(accounts.LIST, {by: [text], "limit": 5}))["accounts"]
    return [_only(text, [(one["display_id"], one["display_name"]) for one in found])]


async def _find_person(visit: Visit, name: str) -> str:
    if name.lower() == "me":
        return visit.caller.user_id
    if _is_id(name):
        return name
    if "@" in name:
        own = (await visit.ask(dev_users.LIST, {"email": [name]}))["dev_users"]
        theirs = own or (await visit.ask(rev_users.LIST, {"email": [name]}))["rev_users"]
        return _only(name, [(one["display_id"], called(one)) for one in theirs])
    found = await suggested(visit, name, ["dev_user", "rev_user"], _MOST)
    fitting = [one for one in found if one["name"].casefold() == name.casefold()]
    return _only(name, [(one["display_id"], one.get("detail") or one["name"]) for one in fitting])


async def suggested(visit: Visit, text: str, kinds: list[str], most: int) -> list[Any]:
    """What is called so, of some kinds; nothing for who may not search."""
    if not text or not visit.may(search.SUGGEST):
        return []
    request = {"query": text[:_LONGEST], "namespaces": kinds, "limit": most}
    return list((await visit.ask(search.SUGGEST, request))["suggestions"])


def called(person: Any) -> str:
    """What a person or an account is called; what is gone has only its id."""
    if isinstance(person, str):
        return person.rpartition("/")[2]
    return str(
        person.get("display_name")
        or person.get("full_name")
        or person.get("email")
        or person["display_id"]
    )


def initials(person: Any) -> str:
    """One or two letters for a person."""
    parts = called(person).replace("@", " ").split()
    return "".join(part[0] for part in (parts[0], *parts[1:][-1:])).upper()


def names_of(text: str) -> list[str]:
    """What stands between the commas of a list."""
    return [name.strip() for name in text.replace(";", ",").split(",") if name.strip()]


def _is_id(text: str) -> bool:
    """Whether it is an id, short or long: the API says whether there is such a one."""
    try:
        ids.Id.parse(text)
    except ValueError:
        return False
    return True


def _only(name: str, found: list[tuple[str, str]]) -> str:
    if not found:
        raise CannotTell(words.NOBODY_FITS.format(name=name), name)
    if len(found) > 1:
        who = ", ".join(what for _, what in found)
        raise CannotTell(words.SEVERAL_FIT.format(name=name, who=who))
    return found[0][0]
