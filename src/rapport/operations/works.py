"""Works: make, find, change, delete and count opportunities."""

from collections.abc import Sequence
from typing import Any

import msgspec

from rapport.clock import format_rfc3339
from rapport.contract import works as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import raise_all
from rapport.contract.kit.fields import UNSET, EnumValue, SetTagWithValue, UnsetType
from rapport.contract.kit.ids import Id
from rapport.operations.kit.atoms import (
    artifact_summaries,
    atom,
    authors,
    find_artifacts,
    tags_with_values,
)
from rapport.operations.kit.changes import (
    changed,
    changed_artifacts,
    claim_artifacts,
    custom_fields,
    detach,
    first_custom_fields,
    named_artifacts,
    subtype,
    tell_created_by,
    tell_deleted,
)
from rapport.operations.kit.context import Context, Stamps, handles, stamps_of
from rapport.operations.kit.finding import found
from rapport.operations.kit.listing import (
    add_custom_fields,
    add_dates,
    cursors,
    match_none,
    own_ids,
    own_numbers,
    read_walk,
    resolved,
)
from rapport.operations.kit.optional import chosen, given, only_set, or_unset, sent
from rapport.operations.kit.references import References, wanted
from rapport.operations.kit.refusals import referred_to
from rapport.operations.kit.showing import shows
from rapport.operations.kit.upserts import upserts
from rapport.store import engagements, meetings, summaries
from rapport.store import works as store
from rapport.store.kit import numbers, query, terms
from rapport.store.kit.db import NO_DATE, Tx
from rapport.store.kit.filters import Filter
from rapport.store.kit.references import resolve
from rapport.store.works import OpportunityDocument

# What the categories are called, by the number that stands for each; others are called by their
# number.
_FORECASTS = ("omitted", "pipeline", "upside", "strong_upside", "commit", "won")


@handles(contract.CREATE)
async def create(
    ctx: Context, request: contract.WorksCreateRequest
) -> contract.WorksCreateResponse:
    """Make an opportunity."""
    everything = [
        request.account,
        *given(request.artifacts),
        *given(request.contacts),
        *request.owned_by,
        *given(request.reported_by),
        *(tag.id for tag in given(request.tags)),
    ]
    references = References(ctx.org, await resolve(ctx.tx, wanted(ctx.org, everything)))
    references.one("account", request.account)
    document = _new_document(request, references)
    raise_all(references.problems)
    row = await add(
        ctx.tx,
        org=ctx.org,
        title=request.title,
        account=request.account.number,
        external_ref=chosen(request.external_ref, None),
        target_close_date=chosen(request.target_close_date, None),
        document=document,
        by=ctx.caller.user_id,
        now=ctx.now,
        own=ctx.own,
    )
    await claim_artifacts(ctx, document.artifacts, ids.OPPORTUNITY.display_id(row.number))
    return contract.WorksCreateResponse(work=(await _works(ctx.tx, [row]))[0])


def _new_document(
    request: contract.WorksCreateRequest, references: References
) -> OpportunityDocument:
    """The document of a new one; what is wrong with its references is among their problems."""
    document = OpportunityDocument(
        artifacts=references.artifacts("artifacts", request.artifacts, holder=None),
        contacts=references.many("contacts", request.contacts),
        owned_by=references.many("owned_by", request.owned_by),
        reported_by=references.many("reported_by", request.reported_by),
        tags=references.tags("tags", request.tags),
        part=request.applies_to_part,
        fragments=list(given(request.custom_schema_fragments)),
        forecast=_forecast(request.forecast_category_v2, request.forecast_category),
        subtype=subtype(None, request.custom_schema_spec),
        value=_money(request.value),
        annual_contract_value=_money(request.annual_contract_value),
        custom_fields=first_custom_fields(request.custom_fields),
        **sent(request, "amount", "body", "customer_budget", "priority", "probability"),
    )
    if not isinstance(request.stage, UnsetType):
        document.stage = chosen(request.stage.name, document.stage)
        document.stage_id = chosen(request.stage.id, None)
    return document


def _money(money: contract.Money | UnsetType) -> dict[str, str] | None:
    return (
        None
        if isinstance(money, UnsetType)
        else {"amount": money.amount, "currency": money.currency}
    )


def _forecast(number: int | UnsetType, name: str | UnsetType) -> tuple[int, str] | None:
    if not isinstance(number, UnsetType):
        return number, _FORECASTS[number - 1] if 1 <= number <= len(_FORECASTS) else str(number)
    return None if isinstance(name, UnsetType) else (_FORECASTS.index(name) + 1, name)


async def add(
    tx: Tx,
    *,
    org: str,
    title: str,
    account: int,
    external_ref: str | None,
    target_close_date: int | None,
    document: OpportunityDocument,
    by: str,
    now: int,
    own: Stamps | None = None,
) -> store.OpportunityRow:
    """Add an opportunity."""
    row = store.OpportunityRow(
        org=org,
        number=await numbers.take_one(tx, ids.OPPORTUNITY, org),
        title=title,
        account=account,
        external_ref=external_ref,
        target_close_date=NO_DATE if target_close_date is None else int(target_close_date),
        **(own or stamps_of(by, now))._asdict(),
        document=msgspec.json.encode(document).decode(),
    )
    await store.insert(tx, row)
    await _put_terms(tx, row, document)
    await tell_created_by(
        tx, org, by, now, ids.OPPORTUNITY.display_id(row.number), imported=own is not None
    )
    return row


async def _put_terms(tx: Tx, row: store.OpportunityRow, document: OpportunityDocument) -> None:
    fields = {
        "opportunities.contacts": document.contacts,
        "opportunities.custom_fields": terms.of_custom_fields(document.custom_fields),
        "opportunities.forecast": [str(document.forecast[0])] if document.forecast else [],
        "opportunities.owned_by": document.owned_by,
        "opportunities.part": [document.part],
        "opportunities.reported_by": document.reported_by,
        "opportunities.stage": [document.stage],
        "opportunities.stage_id": [document.stage_id] if document.stage_id is not None else [],
        "opportunities.subtype": [document.subtype] if document.subtype is not None else [],
        "opportunities.tags": [tag for tag, _ in document.tags],
    }
    await terms.put(tx, row.org, ids.OPPORTUNITY.display_id(row.number), fields)


@handles(contract.GET)
async def get(ctx: Context, request: contract.WorksGetRequest) -> contract.WorksGetResponse:
    """Find a work."""
    row = await found(ctx, request.id, store.get)
    return contract.WorksGetResponse(work=(await _works(ctx.tx, [row]))[0])


@handles(contract.LIST)
async def list_(ctx: Context, request: contract.WorksListRequest) -> contract.WorksListResponse:
    """A page of works."""
    walk = read_walk("works", request, store.SORTS)
    page = await query.page(ctx.tx, _matching(ctx, request), walk)
    return contract.WorksListResponse(
        works=await _works(ctx.tx, page.rows), **cursors("works", walk, page)
    )


@handles(contract.COUNT)
async def count(ctx: Context, request: contract.WorksCountRequest) -> contract.WorksCountResponse:
    """How many match; all are counted, so there never are more."""
    return contract.WorksCountResponse(
        count=await query.count(ctx.tx, _matching(ctx, request)), has_more=False
    )


def _matching(ctx: Context, request: contract.WorksCountRequest) -> Filter[store.OpportunityRow]:
    where = store.of_org(ctx.org)
    if given(request.type) and "opportunity" not in given(request.type):
        where.nothing()
    where.among("external_ref", given(request.external_ref))
    for field in ("created_by", "modified_by", "owned_by", "reported_by", "tags"):
        where.among(field, own_ids(ctx.org, getattr(request, field)))
    where.among("part", given(request.applies_to_part))
    if not isinstance(request.stage, UnsetType):
        where.among("stage", given(request.stage.name))
        where.among("stage_id", given(request.stage.stages))
    if not isinstance(request.opportunity, UnsetType):
        _match_opportunity(where, ctx.org, request.opportunity)
    add_custom_fields(where, request.custom_fields)
    for field in ("created_date", "modified_date", "target_close_date"):
        add_dates(where, field, resolved(field, getattr(request, field), ctx.now))
    staged = (
        not isinstance(request.staged_info, UnsetType) and request.staged_info.is_staged is True
    )
    match_none(
        where,
        request.actual_close_date,
        request.issue,
        request.state,
        request.sync_metadata,
        request.ticket,
        request.vista,
        staged or UNSET,
    )
    return where


def _match_opportunity(
    where: Filter[store.OpportunityRow], org: str, wanted_: contract.WorksFilterOpportunity
) -> None:
    where.among("contacts", own_ids(org, wanted_.contacts))
    where.among("account", own_numbers(org, wanted_.account))
    where.among("forecast", [str(number) for number in given(wanted_.forecast_category_v2)])
    where.among("subtype", given(wanted_.subtype))


@handles(contract.UPDATE)
async def update(
    ctx: Context, request: contract.WorksUpdateRequest
) -> contract.WorksUpdateResponse:
    """Change an opportunity, all fields or none. What changes nothing is no change."""
    row = await found(ctx, request.id, store.lock)
    before = msgspec.json.decode(row.document, type=OpportunityDocument)
    document = await _document_after(ctx, request, before)
    target = chosen(request.target_close_date, row.target_close_date)
    after = row._replace(
        title=chosen(request.title, row.title),
        target_close_date=NO_DATE if target is None else int(target),
        account=row.account if isinstance(request.account, UnsetType) else request.account.number,
        document=msgspec.json.encode(document).decode(),
    )

    async def write(row: store.OpportunityRow) -> None:
        await store.update(ctx.tx, row)
        await _put_terms(ctx.tx, row, document)
        await claim_artifacts(ctx, document.artifacts, request.id.display_id)

    work = await changed(ctx, row, after, write, _works)
    return contract.WorksUpdateResponse(work=work)


async def _document_after(
    ctx: Context, request: contract.WorksUpdateRequest, before: OpportunityDocument
) -> OpportunityDocument:
    """The document after the request.

    Raises:
        ApiError: a reference is refused.
    """
    people = {
        name: only_set(getattr(request, name)) for name in ("contacts", "owned_by", "reported_by")
    }
    artifacts, tags = request.artifacts, request.tags
    everything: list[Id] = [id_ for ids_ in people.values() for id_ in given(ids_)]
    if not isinstance(request.account, UnsetType):
        everything.append(request.account)
    everything += named_artifacts(artifacts)
    if not isinstance(tags, UnsetType):
        everything += [tag.id for tag in (*given(tags.set), *given(tags.remove), *given(tags.add))]
    references = References(ctx.org, await resolve(ctx.tx, wanted(ctx.org, everything)))
    references.one("account", request.account)
    after = msgspec.structs.replace(
        before,
        artifacts=changed_artifacts(references, before.artifacts, artifacts, request.id.display_id),
        **{
            name: references.many(f"{name}.set", ids_)
            for name, ids_ in people.items()
            if not isinstance(ids_, UnsetType)
        },
        tags=_tags(references, before.tags, tags),
        **sent(request, "amount", "body", "customer_budget", "priority", "probability"),
    )
    raise_all(references.problems)
    _set_values(after, request)
    return after


def _set_values(document: OpportunityDocument, request: contract.WorksUpdateRequest) -> None:
    """Write what refers to nothing into the document."""
    document.custom_fields = custom_fields(document.custom_fields, request.custom_fields)
    document.subtype = subtype(document.subtype, request.custom_schema_spec)
    document.part = chosen(request.applies_to_part, document.part)
    document.fragments = list(chosen(request.custom_schema_fragments, document.fragments))
    forecast = _forecast(request.forecast_category_v2, request.forecast_category)
    document.forecast = forecast or document.forecast
    document.value = _money(request.value) or document.value
    document.annual_contract_value = (
        _money(request.annual_contract_value) or document.annual_contract_value
    )
    if not isinstance(request.stage, UnsetType):
        document.stage = chosen(request.stage.name, document.stage)
        document.stage_id = chosen(request.stage.stage, document.stage_id)


def _tags(
    references: References,
    before: list[tuple[str, str | None]],
    change: contract.WorksUpdateTags | UnsetType,
) -> list[tuple[str, str | None]]:
    """The tags after a change: those of `set`, without those of `remove`, with those of `add`."""
    if isinstance(change, UnsetType):
        return before
    added = references.tags("tags.add", change.add)
    removed = references.tags(
        "tags.remove", [SetTagWithValue(id=tag.id) for tag in given(change.remove)]
    )
    start = references.tags("tags.set", change.set)
    if isinstance(change.set, UnsetType):
        start = before
    gone = {tag for tag, _ in removed}
    return list({**{tag: value for tag, value in start if tag not in gone}, **dict(added)}.items())


@handles(contract.DELETE)
async def delete(
    ctx: Context, request: contract.WorksDeleteRequest
) -> contract.WorksDeleteResponse:
    """Delete an opportunity that no engagement or meeting belongs to."""
    id_ = request.id
    row = await found(ctx, id_, store.lock)
    if held := await engagements.holding(ctx.tx, ctx.org, "parent", id_.display_id):
        raise referred_to(id_, held, "engagements")
    if held := await meetings.holding(ctx.tx, ctx.org, "parent", id_.display_id):
        raise referred_to(id_, held, "meetings")
    await detach(ctx, id_.display_id)
    await tell_deleted(ctx, *await _works(ctx.tx, [row]))
    await store.delete(ctx.tx, ctx.org, id_.number)
    await terms.remove(ctx.tx, ctx.org, [id_.display_id])
    return contract.WorksDeleteResponse()


def _as_update(fields: dict[str, Any]) -> dict[str, Any]:
    """A create's fields as an update has them: a stage's id is called otherwise, and the ref, by
    which it was found, never changes.
    """
    del fields["external_ref"]
    if "stage" in fields:
        stage = fields["stage"]
        fields["stage"] = contract.StageUpdate(name=stage.name, stage=stage.id)
    fields.pop("stage_validation_options", None)
    return fields


upserts(ids.OPPORTUNITY, contract.UPSERT, contract.CREATE, contract.UPDATE, sort_out=_as_update)


@shows(ids.OPPORTUNITY)
async def show(tx: Tx, org: str, numbers_: Sequence[int]) -> dict[str, contract.Opportunity]:
    """Opportunities by display id."""
    rows = await query.numbered(tx, store.of_org(org), numbers_)
    return {work.display_id: work for work in await _works(tx, rows)}


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
    tags = await summaries.tags(
        tx, org, [tag for document in documents for tag, _ in document.tags]
    )
    accounts = await summaries.accounts(tx, org, [row.account for row in rows])
    artifacts = await find_artifacts(tx, org, [document.artifacts for document in documents])

    def users(display_ids: Sequence[str]) -> list[Any]:
        return [people[org, user] for user in display_ids if (org, user) in people]

    return [
        contract.Opportunity(
            **atom(ids.OPPORTUNITY, row, people),
            account=accounts.get(ids.ACCOUNT.display_id(row.account), UNSET),
            amount=or_unset(document.amount),
            annual_contract_value=_money_value(document.annual_contract_value),
            applies_to_part=contract.PartSummary(display_id=document.part, id=document.part),
            artifacts=or_unset(artifact_summaries(artifacts, document.artifacts)),
            body=or_unset(document.body),
            contacts=or_unset(users(document.contacts)),
            custom_fields=or_unset(document.custom_fields),
            custom_schema_fragments=or_unset(document.fragments),
            customer_budget=or_unset(document.customer_budget),
            external_ref=or_unset(row.external_ref),
            forecast_category_v2=_forecast_value(document.forecast),
            owned_by=users(document.owned_by),
            priority=or_unset(document.priority),
            probability=or_unset(document.probability),
            reported_by=or_unset(users(document.reported_by)),
            stage=store.stage(document),
            subtype=or_unset(document.subtype),
            tags=or_unset(tags_with_values(tags, document.tags)),
            target_close_date=UNSET
            if row.target_close_date == NO_DATE
            else format_rfc3339(row.target_close_date),
            title=row.title,
            value=_money_value(document.value),
        )
        for row, document in pairs
    ]


def _money_value(money: dict[str, str] | None) -> Any:
    return UNSET if money is None else contract.MoneyValue(**money)


def _forecast_value(forecast: tuple[int, str] | None) -> Any:
    if forecast is None:
        return UNSET
    number, name = forecast
    return EnumValue(id=number, label=name, ordinal=number)
