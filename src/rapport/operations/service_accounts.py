"""Service accounts: make, find, change. They may hold tokens and be members, like people."""

from rapport.contract import service_accounts as contract
from rapport.contract.kit import ids
from rapport.contract.users import UserState
from rapport.operations.kit.atoms import atom, authors
from rapport.operations.kit.changes import audited
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.finding import found
from rapport.operations.kit.optional import chosen, or_unset
from rapport.store import indexing
from rapport.store import users as store
from rapport.store.indexing import Change
from rapport.store.kit import numbers
from rapport.store.kit.db import Tx
from rapport.store.users import UserRow


@handles(contract.CREATE)
async def create(
    ctx: Context, request: contract.ServiceAccountsCreateRequest
) -> contract.ServiceAccountsCreateResponse:
    """Make a service account, with the rights of a member."""
    number = await numbers.take_one(ctx.tx, ids.SERVICE_ACCOUNT, ctx.org)
    row = UserRow(
        org=ctx.org,
        display_id=ids.SERVICE_ACCOUNT.display_id(number),
        kind=ids.SERVICE_ACCOUNT.name,
        number=number,
        display_name=request.display_name,
        full_name=None,
        email=None,
        state="active",
        role="member",
        external_ref=None,
        rev_org=None,
        **ctx.stamps._asdict(),
        document="{}",
    )
    await store.insert(ctx.tx, row)
    # No event tells of service accounts.
    await indexing.note(ctx.tx, [Change(ctx.org, row.display_id)])
    return contract.ServiceAccountsCreateResponse(
        service_account=await _service_account(ctx.tx, row)
    )


@handles(contract.GET)
async def get(
    ctx: Context, request: contract.ServiceAccountsGetRequest
) -> contract.ServiceAccountsGetResponse:
    """Find a service account."""
    row = await found(ctx, request.id, store.get)
    return contract.ServiceAccountsGetResponse(service_account=await _service_account(ctx.tx, row))


@handles(contract.UPDATE)
async def update(
    ctx: Context, request: contract.ServiceAccountsUpdateRequest
) -> contract.ServiceAccountsUpdateResponse:
    """Change a service account. What changes nothing is no change."""
    row = await found(ctx, request.id, store.lock)
    after = audited(
        ctx, row, row._replace(display_name=chosen(request.display_name, row.display_name))
    )
    if after is not None:
        row = after
        await store.update(ctx.tx, row)
        await indexing.note(ctx.tx, [Change(ctx.org, row.display_id, renames=True)])
    return contract.ServiceAccountsUpdateResponse(
        service_account=await _service_account(ctx.tx, row)
    )


async def _service_account(tx: Tx, row: UserRow) -> contract.ServiceAccount:
    people = await authors(tx, [row])
    state: UserState = row.state  # type: ignore[assignment]  # a column holds nothing else
    return contract.ServiceAccount(
        **atom(ids.SERVICE_ACCOUNT, row, people),
        display_name=or_unset(row.display_name),
        state=state,
    )
