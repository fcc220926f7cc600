"""The refusals that families share. Each names the field and the value, and says what to do."""

from collections.abc import Sequence

from rapport.contract.kit.errors import Conflict, InvalidId, NotFound, ValueNotPermitted
from rapport.contract.kit.ids import Id

# How many objects a refusal names.
SEVERAL = 10


def quoted(text: str) -> str:
    """A value as a sentence shows it: its first 80 characters, quoted."""
    return repr(text[:80])


def absent(id_: Id) -> NotFound:
    """The answer to the id of an object that a method should act on and that is not there."""
    kind = id_.what.replace("_", " ")
    return NotFound(
        f"There is no {kind} {quoted(id_.text)}.", detail="It never was, or it was deleted."
    )


def unknown_id(field_name: str, id_: Id) -> InvalidId:
    """The answer to an id in a body that names nothing the caller may see."""
    return InvalidId(
        f"{field_name}: there is no {id_.what} {quoted(id_.text)}.",
        detail="Give the id of an object of your org that exists.",
        field_name=field_name,
    )


def stands_for_several(field_name: str, id_: Id, found: Sequence[str]) -> InvalidId:
    """The answer to a name in an id's place that more than one object has."""
    shown = ", ".join(found[:SEVERAL])
    more = " and others" if len(found) > SEVERAL else ""
    return InvalidId(
        f"{field_name}: {quoted(id_.text)} stands for several: {shown}{more}.",
        detail="Give the id of the one that is meant.",
        field_name=field_name,
    )


def in_use(what: str, values: Sequence[str], *, field_name: str = "external_ref") -> Conflict:
    """The answer to values of which another `what`, such as a rev user, has at least one."""
    named = ", ".join(map(quoted, values[:10]))
    which = named if len(values) == 1 else f"one of {named}"
    other = "other" if field_name.endswith("s") else "another"
    return Conflict(
        f"{field_name}: {which} is in use by another {what}.",
        detail=f"Update that {what}, or use {other} {field_name}.",
    )


def not_permitted(
    field_name: str, reason: str, detail: str, *, value: str | None = None, **more: Sequence[str]
) -> ValueNotPermitted:
    """The answer to a value that breaks a rule: `<field>: <value> <reason>.`, in one sentence."""
    said = reason if value is None else f"{quoted(value)} {reason}"
    return ValueNotPermitted(
        f"{field_name}: {said}.", detail=detail, field_name=field_name, reason=reason, **more
    )


def referred_to(id_: Id, count: int, what: str) -> ValueNotPermitted:
    """The refusal to delete something that others refer to."""
    return ValueNotPermitted(
        f"id: {id_.display_id} has {count} {what}, so it can't be deleted.",
        detail=f"Delete its {what} first, or take it out of them.",
        field_name="id",
        reason=f"must have no {what}; it has {count}",
    )
