"""The dev org: find and rename the caller's own. Deleting one is the operator's: org, rows and
bytes, for good.
"""

import re

from rapport.blobs import Blobs
from rapport.clock import MILLISECOND, Clock, format_rfc3339
from rapport.contract import dev_orgs as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import NotFound
from rapport.contract.kit.fields import UNSET
from rapport.operations.kit.changes import tell_updated
from rapport.operations.kit.context import Context, handles
from rapport.operations.kit.optional import chosen
from rapport.store import artifact_cleaning, summaries
from rapport.store import dev_orgs as store
from rapport.store.dev_orgs import OrgRow
from rapport.store.kit.db import Store, Tx, alone, look

_NOT_IN_A_SLUG = re.compile(r"[^a-z0-9]+")
# How many rows go in one transaction, so that nobody else waits for long.
_BITE = 1_000


@handles(contract.GET)
async def get(ctx: Context, _request: contract.DevOrgsGetRequest) -> contract.DevOrgsGetResponse:
    """The caller's org."""
    row = await store.get(ctx.tx, ctx.org)
    if row is None:
        raise _gone()
    return contract.DevOrgsGetResponse(dev_org=await _dev_org(ctx.tx, row))


@handles(contract.UPDATE)
async def update(
    ctx: Context, request: contract.DevOrgsUpdateRequest
) -> contract.DevOrgsUpdateResponse:
    """Rename the caller's org. What changes nothing is no change."""
    row = await store.lock_name(ctx.tx, ctx.org)
    if row is None:
        raise _gone()
    after = await rename(ctx, row, chosen(request.display_name, row.name))
    return contract.DevOrgsUpdateResponse(dev_org=await _dev_org(ctx.tx, after))


async def rename(ctx: Context, row: OrgRow, name: str) -> OrgRow:
    """Give an org, whose name is held, another one; the row as it is then."""
    if name == row.name:
        return row
    modified = max(ctx.now, row.modified_date + MILLISECOND)
    after = row._replace(name=name, modified_by=ctx.caller.user_id, modified_date=modified)
    await store.rename(ctx.tx, after)
    await tell_updated(ctx, await _dev_org(ctx.tx, row), await _dev_org(ctx.tx, after))
    return after


def _gone() -> NotFound:
    return NotFound("The org is gone.", detail="Ask the operator of this server.")


async def _dev_org(tx: Tx, row: OrgRow) -> contract.DevOrg:
    by = (row.org, row.modified_by) if row.modified_by else None
    people = await summaries.users(tx, {by}) if by else {}
    return contract.DevOrg(
        created_date=format_rfc3339(row.created_date),
        dev_slug=_NOT_IN_A_SLUG.sub("-", row.name.lower()).strip("-") or row.org.lower(),
        display_id=ids.org_display_id(row.org),
        display_name=row.name,
        id=ids.org_don(row.org),
        modified_by=people.get(by, UNSET) if by else UNSET,
        modified_date=format_rfc3339(row.modified_date),
    )


# Deletion


async def clear(engine: Store, blobs: Blobs, clock: Clock, org: str) -> None:
    """Remove all that an org has which was shut, then its own row, then its bytes.

    Broken off, it goes on where it ended when it is called again, as the cleaner does; a file that
    is being uploaded is removed by the cleaner when its time is over.

    Raises:
        OSError: bytes can't be removed now; the cleaner tries again.
        ServiceUnavailable: the engine is away.
    """
    # Those who were at work when it was shut, and hold no org, may leave something once.
    while await _clear_rows(engine, clock, org):
        pass
    await alone(engine, lambda tx: store.forget(tx, org))
    while due := await look(
        engine, lambda tx: artifact_cleaning.due_blobs_of(tx, org, now=clock(), most=_BITE)
    ):
        if await alone(engine, lambda tx: tx.keeps_blobs()):
            return  # a backup reads them; the cleaner removes them when it has ended
        for blob in due:
            await blobs.delete(*blob)
        await alone(engine, lambda tx, due=due: artifact_cleaning.forget_blobs(tx, due))  # type: ignore[misc]
    await blobs.tidy(org)


async def _clear_rows(engine: Store, clock: Clock, org: str) -> bool:
    """Remove rows table by table; False when there were none."""
    found = False
    for table in store.TABLES:
        while await alone(
            engine,
            lambda tx, table=table: store.clear(tx, org, table, now=clock(), most=_BITE),  # type: ignore[misc]
        ):
            found = True
    return found
