"""Works: make and find opportunities."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rapport.clock import format_rfc3339
from rapport.contract import ids
from rapport.contract import works as contract
from rapport.contract.errors import NotFound, ValueNotPermitted, raise_all
from rapport.contract.fields import UNSET, UnsetType
from rapport.operations.atoms import atom, authors, or_unset, tags_with_values, value_of
from rapport.operations.context import Context, handles
from rapport.operations.listing import add_audit, add_dates, given, own_ids, read_walk
from rapport.operations.references import References, wanted
from rapport.store import numbers, summaries, terms
from rapport.store import works as store
from rapport.store.db import NO_DATE, Tx
from rapport.store.references import resolve
from rapport.store.summaries import OpportunityDocument


@handles(contract.CREATE)
async def create(ctx: Context, request: contract.WorksCreateRequest) -> contract.WorksCreateResponse:
    """Make an opportunity."""
    if request.type != "opportunity":
        raise ValueNotPermitted(
            f"type: {request.type!r} works are not kept here.",
            detail="Rapport keeps opportunities; use type opportunity.",
            field_name="type",
            reason="must be opportunity",
            allowed_values=["opportunity"],
        )
    everything = [request.account, *given(request.contacts), *request.owned_by, *given(request.reported_by),
                  *(tag.id for tag in given(request.tags))]  # fmt: skip
    references = References(ctx.org, await resolve(ctx.tx, wanted(ctx.org, everything)))
    references.one("account", request.account)
    document = OpportunityDocument(
        contacts=references.many("contacts", request.contacts),
        owned_by=references.many("owned_by", request.owned_by),
        reported_by=references.many("reported_by", request.reported_by),
        tags=references.tags("tags", request.tags),
        part=request.applies_to_part,
        body=value_of(request.body),
        custom_fields=value_of(request.custom_fields),
        value=_money(request.value),
        annual_contract_value=_money(request.annual_contract_value),
    )
    if not isinstance(request.stage, UnsetType) and not isinstance(request.stage.name, UnsetType):
        document.stage = request.stage.name
    raise_all(references.problems)
    row = await add(
        ctx.tx, org=ctx.org, title=request.title, account=request.account.number,
        external_ref=value_of(request.external_ref), target_close_date=value_of(request.target_close_date),
        document=document, by=ctx.caller.user_id, now=ctx.now,
    )  # fmt: skip
    return contract.WorksCreateResponse(work=(await _works(ctx.tx, [row]))[0])


def _money(money: contract.Money | UnsetType) -> dict[str, str] | None:
    return None if isinstance(money, UnsetType) else {"amount": money.amount, "currency": money.currency}


async def add(
    tx: Tx, *, org: str, title: str, account: int, external_ref: str | None, target_close_date: int | None,
    document: OpportunityDocument, by: str, now: int,
) -> store.OpportunityRow:  # fmt: skip
    """Add an opportunity."""
    row = store.OpportunityRow(
        org=org, number=await numbers.take_one(tx, ids.OPPORTUNITY, org), title=title, account=account,
        external_ref=external_ref, target_close_date=NO_DATE if target_close_date is None else int(target_close_date),
        created_by=by, created_date=now, modified_by=by, modified_date=now,
        document=msgspec.json.encode(document).decode(),
    )  # fmt: skip
    await store.insert(tx, row)
    fields = {
        "opportunities.contacts": document.contacts,
        "opportunities.owned_by": document.owned_by,
        "opportunities.reported_by": document.reported_by,
        "opportunities.tags": [tag for tag, _ in document.tags],
    }
    await terms.put(tx, org, f"OPP-{row.number}", fields)
    return row


@handles(contract.GET)
async def get(ctx: Context, request: contract.WorksGetRequest) -> contract.WorksGetResponse:
    """Find a work."""
    row = await store.get(ctx.tx, ctx.org, request.id.number) if request.id.belongs_to(ctx.org) else None
    if row is None:
        raise NotFound(f"There is no work {request.id.text[:80]!r}.", detail="It never was, or it was deleted.")
    return contract.WorksGetResponse(work=(await _works(ctx.tx, [row]))[0])


@handles(contract.LIST)
async def list_(ctx: Context, request: contract.WorksListRequest) -> contract.WorksListResponse:
    """A page of works."""
    walk = read_walk("works", request, store.SORTS)
    where = store.of_org(ctx.org)
    if given(request.type) and "opportunity" not in given(request.type):
        where.where("1 = 0")
    where.any_of("external_refs", given(request.external_ref), "o.external_ref IN ({values})")
    where.any_of("modified_by", own_ids(ctx.org, request.modified_by), "o.modified_by IN ({values})")
    for field in ("owned_by", "reported_by", "tags"):
        store.having_any(where, field, own_ids(ctx.org, getattr(request, field)))
    if not isinstance(request.opportunity, UnsetType):
        store.having_any(where, "contacts", own_ids(ctx.org, request.opportunity.contacts))
        accounts = [id_.number if id_.belongs_to(ctx.org) else 0 for id_ in given(request.opportunity.account)]
        where.any_of("accounts", accounts, "o.account IN ({values})", "bigint")
    add_audit(where, "o", ctx.org, request)
    add_dates(where, "o.target_close_date", request.target_close_date)
    if not isinstance(request.target_close_date, UnsetType):
        where.where("o.target_close_date > :no_date", no_date=NO_DATE)
    page = await store.listed(ctx.tx, where, walk.sorts, **walk.arguments())
    return contract.WorksListResponse(works=await _works(ctx.tx, page.rows), **walk.cursors(page))


async def _works(tx: Tx, rows: Sequence[Any]) -> list[contract.Opportunity]:
    documents = [msgspec.json.decode(row.document, type=OpportunityDocument) for row in rows]
    pairs = list(zip(rows, documents, strict=True))
    named = [
        (row.org, user)
        for row, document in pairs
        for user in (*document.owned_by, *document.reported_by, *document.contacts)
    ]
    people = await authors(tx, rows, named)
    org = rows[0].org if rows else ""
    tags = await summaries.tags(tx, org, [tag for document in documents for tag, _ in document.tags])
    accounts = await summaries.accounts(tx, org, [row.account for row in rows])

    def users(display_ids: Sequence[str]) -> list[Any]:
        return [people[org, user] for user in display_ids if (org, user) in people]

    return [
        contract.Opportunity(
            **atom(ids.OPPORTUNITY, row, people),
            account=accounts.get(f"ACC-{row.account}", UNSET),
            annual_contract_value=_money_value(document.annual_contract_value),
            applies_to_part=contract.PartSummary(display_id=document.part, id=document.part),
            body=or_unset(document.body),
            contacts=or_unset(users(document.contacts)),
            custom_fields=or_unset(document.custom_fields),
            external_ref=or_unset(row.external_ref),
            owned_by=users(document.owned_by),
            reported_by=or_unset(users(document.reported_by)),
            stage=contract.Stage(name=document.stage),
            tags=or_unset(tags_with_values(tags, document.tags)),
            target_close_date=UNSET if row.target_close_date == NO_DATE else format_rfc3339(row.target_close_date),
            title=row.title,
            value=_money_value(document.value),
        )
        for row, document in pairs
    ]


def _money_value(money: dict[str, str] | None) -> Any:
    return UNSET if money is None else contract.MoneyValue(**money)
