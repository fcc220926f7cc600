"""Links between objects."""

from collections.abc import Sequence
from typing import NamedTuple

from rapport.store.kit.db import Tx
from rapport.store.kit.filters import Column, Filter, Listing


class LinkRow(NamedTuple):
    """A row. `source` and `target` are display ids; the kinds are those of what they name."""

    org: str
    number: int
    link_type: str
    custom_link_type: str | None
    source: str
    source_kind: str
    target: str
    target_kind: str
    created_by: str
    created_date: int
    modified_by: str
    modified_date: int


async def insert(tx: Tx, row: LinkRow) -> None:
    """Add a link."""
    await tx.run(
        """
        INSERT INTO links (org, number, link_type, custom_link_type, source, source_kind, target,
                           target_kind,
                           created_by, created_date, modified_by, modified_date)
        VALUES (:org, :number, :link_type, :custom_link_type, :source, :source_kind, :target,
                :target_kind,
                :created_by, :created_date, :modified_by, :modified_date)
        """,
        **row._asdict(),
    )


_GET = """
    SELECT org, number, link_type, custom_link_type, source, source_kind, target, target_kind,
           created_by, created_date, modified_by, modified_date
    FROM links WHERE org = :org AND number = :number"""


async def get(tx: Tx, org: str, number: int) -> LinkRow | None:
    """A link."""
    row = await tx.one(_GET, org=org, number=number)
    return LinkRow(*row) if row else None


async def lock(tx: Tx, org: str, number: int) -> LinkRow | None:
    """A link, held against other writers until this transaction ends."""
    row = await tx.one(f"{_GET} FOR UPDATE", org=org, number=number)
    return LinkRow(*row) if row else None


async def delete(tx: Tx, org: str, numbers: Sequence[int]) -> None:
    """Delete links."""
    await tx.run(
        "DELETE FROM links WHERE org = :org AND number IN (SELECT number "
        "FROM rows(:numbers, number bigint))",
        org=org,
        numbers=[(number,) for number in numbers],
    )


async def numbers_of(tx: Tx, org: str, objects: Sequence[str]) -> list[int]:
    """The numbers of all links of objects, named by display ids."""
    rows = await tx.all(
        """
        SELECT number FROM links
        WHERE org = :org AND (source IN (SELECT display_id FROM rows(:objects, display_id text))
                              OR target IN (SELECT display_id FROM rows(:objects, display_id text)))
        ORDER BY number
        """,
        org=org,
        objects=[(display_id,) for display_id in objects],
    )
    return [number for (number,) in rows]


async def sources(tx: Tx, org: str) -> list[str]:
    """The display ids of all that links of an org begin at."""
    rows = await tx.all(
        "SELECT DISTINCT source FROM links WHERE org = :org ORDER BY source", org=org
    )
    return [source for (source,) in rows]


_COLUMNS = ", ".join(LinkRow._fields)


async def set_aside(tx: Tx, org: str, object_: str) -> None:
    """Keep the links of an object where nothing finds them."""
    await tx.run(
        f"""
        INSERT INTO deleted_links (holder, {_COLUMNS}) SELECT :object, {_COLUMNS} FROM links
        WHERE org = :org AND (source = :object OR target = :object)
        """,  # noqa: S608  # our own names
        org=org,
        object=object_,
    )
    await delete(tx, org, await numbers_of(tx, org, [object_]))


async def set_aside_of(tx: Tx, org: str, object_: str) -> list[LinkRow]:
    """The links of an object that were set aside, by number."""
    rows = await tx.all(
        f"SELECT {_COLUMNS} FROM deleted_links WHERE org = :org AND holder = :object "  # noqa: S608  # our own names
        "ORDER BY number",
        org=org,
        object=object_,
    )
    return [LinkRow(*row) for row in rows]


async def hand_over(tx: Tx, org: str, links: Sequence[tuple[int, str]]) -> None:
    """Let links that are set aside, given by number, come back with others than until now."""
    await tx.run(
        """
        UPDATE deleted_links SET holder = r.holder
        FROM rows(:links, number bigint, holder text) r
        WHERE deleted_links.org = :org AND deleted_links.number = r.number
        """,
        org=org,
        links=links,
    )


async def bring_back(tx: Tx, org: str, rows: Sequence[LinkRow]) -> None:
    """Put back links that were set aside."""
    await forget(tx, org, [row.number for row in rows])
    for row in rows:
        await insert(tx, row)


async def forget(tx: Tx, org: str, numbers: Sequence[int]) -> None:
    """Let go of links that were set aside."""
    await tx.run(
        "DELETE FROM deleted_links WHERE org = :org AND number IN (SELECT number "
        "FROM rows(:numbers, number bigint))",
        org=org,
        numbers=[(number,) for number in numbers],
    )


async def purge(tx: Tx, org: str, objects: Sequence[str]) -> None:
    """Remove the links of objects, named by display ids, that were set aside with them."""
    await tx.run(
        "DELETE FROM deleted_links WHERE org = :org AND holder IN (SELECT holder "
        "FROM rows(:objects, holder text))",
        org=org,
        objects=[(object_,) for object_ in objects],
    )


SORTS = {"created_date": int}
_LISTING = Listing(
    select=", ".join(f"l.{column}" for column in LinkRow._fields),
    table="links l",
    scope="l.org = :org",
    number="l.number",
    sorts={name: f"l.{name}" for name in SORTS},
    make=LinkRow._make,
    filters={"link_type": Column("l.link_type")},
)


def of_org(org: str) -> Filter[LinkRow]:
    """The org's links."""
    return _LISTING.of_org(org)


def of_object(
    org: str, object_: str, *, direction: str | None, other_kinds: Sequence[str]
) -> Filter[LinkRow]:
    """The links of an object.

    Args:
        org: whose.
        object_: its display id.
        direction: `is_source` or `is_target`; None for either.
        other_kinds: what may be at the other end; anything when empty.
    """
    where = of_org(org)
    ends = []
    for way, this, other in (
        ("is_source", "source", "target_kind"),
        ("is_target", "target", "source_kind"),
    ):
        if direction in {None, way}:
            known = f" AND l.{other} IN (SELECT kind FROM rows(:kinds, kind text))"  # noqa: S608
            ends.append(f"l.{this} = :object{known if other_kinds else ''}")
    where.where(f"({' OR '.join(ends)})", object=object_)
    if other_kinds:
        where.parameters["kinds"] = [(kind,) for kind in other_kinds]
    return where
