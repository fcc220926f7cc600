"""The dev org: find the caller's own."""

import re

from rapport.clock import format_rfc3339
from rapport.contract import dev_orgs as contract
from rapport.contract.kit import ids
from rapport.contract.kit.errors import NotFound
from rapport.operations.kit.context import Context, handles
from rapport.store import dev_orgs as store

_NOT_IN_A_SLUG = re.compile(r"[^a-z0-9]+")


@handles(contract.GET)
async def get(ctx: Context, _request: contract.DevOrgsGetRequest) -> contract.DevOrgsGetResponse:
    """The caller's org. It is made once and never changed."""
    row = await store.get(ctx.tx, ctx.org)
    if row is None:
        raise NotFound("The org is gone.", detail="Ask the operator of this server.")
    name, created = row
    made = format_rfc3339(created)
    return contract.DevOrgsGetResponse(
        dev_org=contract.DevOrg(
            created_date=made,
            dev_slug=_NOT_IN_A_SLUG.sub("-", name.lower()).strip("-") or ctx.org.lower(),
            display_id=ids.org_display_id(ctx.org),
            display_name=name,
            id=ids.org_don(ctx.org),
            modified_date=made,
        )
    )
