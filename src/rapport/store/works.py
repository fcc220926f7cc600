"""Opportunities, the only works."""

from typing import NamedTuple

import msgspec

from rapport.contract import works
from rapport.contract.kit import ids
from rapport.contract.kit.fields import UNSET, Raw
from rapport.store import touches
from rapport.store.kit import terms
from rapport.store.kit.db import Tx
from rapport.store.kit.filters import Column, Date, Filter, Listing


class OpportunityDocument(msgspec.Struct, omit_defaults=True, kw_only=True):
    """What an opportunity's row keeps beside its columns; references are display ids."""

    owned_by: list[str] = []
    reported_by: list[str] = []
    contacts: list[str] = []
    tags: list[tuple[str, str | None]] = []
    stage: str = "qualification"
    part: str = ""
    body: str | None = None
    custom_fields: dict[str, Raw] | None = None
    value: dict[str, str] | None = None
    annual_contract_value: dict[str, str] | None = None
    amount: float | None = None
    artifacts: list[str] = []
    customer_budget: float | None = None
    forecast: tuple[int, str] | None = None
    fragments: list[str] = []
    priority: str | None = None
    probability: float | None = None
    stage_id: str | None = None
    subtype: str | None = None


def stage(document: OpportunityDocument) -> works.Stage:
    """Where an opportunity stands."""
    id_ = document.stage_id
    return works.Stage(
        name=document.stage,
        stage=UNSET if id_ is None else works.StageSummary(display_id=id_, id=id_),
    )


class OpportunityRow(NamedTuple):
    """A row. `account` is the account's number; `document` is an `OpportunityDocument`."""

    org: str
    number: int
    title: str
    account: int
    external_ref: str | None
    target_close_date: int
    created_by: str
    created_date: int
    modified_by: str
    modified_date: int
    document: str


async def insert(tx: Tx, row: OpportunityRow) -> None:
    """Add an opportunity."""
    await tx.run(
        """
        INSERT INTO opportunities (org, number, title, account, external_ref, target_close_date,
                                   created_by, created_date, modified_by, modified_date, document)
        VALUES (:org, :number, :title, :account, :external_ref, :target_close_date,
                :created_by, :created_date, :modified_by, :modified_date, :document)
        """,
        **row._asdict(),
    )


_GET = """
    SELECT org, number, title, account, external_ref, target_close_date,
           created_by, created_date, modified_by, modified_date, document
    FROM opportunities WHERE org = :org AND number = :number"""


async def get(tx: Tx, org: str, number: int) -> OpportunityRow | None:
    """An opportunity."""
    row = await tx.one(_GET, org=org, number=number)
    return OpportunityRow(*row) if row else None


async def lock(tx: Tx, org: str, number: int) -> OpportunityRow | None:
    """An opportunity, held against other writers until this transaction ends."""
    row = await tx.one(f"{_GET} FOR UPDATE", org=org, number=number)
    return OpportunityRow(*row) if row else None


async def update(tx: Tx, row: OpportunityRow) -> None:
    """Write a row anew."""
    was = await get(tx, row.org, row.number)
    is_elsewhere = was is not None and was.account != row.account
    movers = [ids.OPPORTUNITY.display_id(row.number)] if is_elsewhere else []
    async with touches.moving(tx, row.org, movers, row.modified_date):
        await tx.run(
            """
            UPDATE opportunities SET title = :title, account = :account,
                target_close_date = :target_close_date,
                                     modified_by = :modified_by, modified_date = :modified_date,
                                         document = :document
            WHERE org = :org AND number = :number
            """,
            org=row.org,
            number=row.number,
            title=row.title,
            account=row.account,
            target_close_date=row.target_close_date,
            modified_by=row.modified_by,
            modified_date=row.modified_date,
            document=row.document,
        )


async def delete(tx: Tx, org: str, number: int) -> None:
    """Delete an opportunity."""
    await tx.run(
        "DELETE FROM opportunities WHERE org = :org AND number = :number", org=org, number=number
    )


SORTS = {"created_date": int, "modified_date": int, "target_close_date": int, "title": str}
_LISTING = Listing(
    select=", ".join(f"o.{column}" for column in OpportunityRow._fields),
    table="opportunities o",
    scope="o.org = :org",
    number="o.number",
    sorts={name: f"o.{name}" for name in SORTS},
    make=OpportunityRow._make,
    filters={
        "account": Column("o.account", "bigint", indexed=True),
        "created_by": Column("o.created_by", indexed=True),
        "external_ref": Column("o.external_ref", indexed=True),
        "modified_by": Column("o.modified_by", indexed=True),
        **terms.filters(
            "opportunities",
            "o",
            "'OPP-' || o.number",
            "contacts",
            "custom_fields",
            "forecast",
            "owned_by",
            "part",
            "reported_by",
            "stage",
            "stage_id",
            "subtype",
            "tags",
        ),
    },
    dates={
        "created_date": Date("o.created_date"),
        "modified_date": Date("o.modified_date"),
        "target_close_date": Date("o.target_close_date", optional=True),
    },
)


def of_org(org: str) -> Filter[OpportunityRow]:
    """The org's opportunities."""
    return _LISTING.of_org(org)
