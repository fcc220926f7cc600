"""A small org to test in."""

from typing import Any, NamedTuple

from tests.support.server import Client


class World(NamedTuple):
    """One of each, as they were answered."""

    account: Any
    opportunity: Any
    tag: Any
    rev_user: Any
    engagement: Any
    artifact: Any


def make_world(client: Client) -> World:
    """Make one of each in the client's org: the tag is a size, and the engagement has
    everything.
    """
    account = client.ok("accounts.create", {"display_name": "Acme"})["account"]
    work = {
        "type": "opportunity",
        "title": "Deal",
        "account": account["id"],
        "applies_to_part": "PROD-1",
        "owned_by": [client.user],
    }
    opportunity = client.ok("works.create", work)["work"]
    tag = client.ok("tags.create", {"name": "size", "allowed_values": ["small", "large"]})["tag"]
    rev_user = client.ok(
        "rev-users.create",
        {"display_name": "Rita", "email": "rita@acme.example", "account": account["id"]},
    )
    engagement = client.engagement(
        members=[client.user, rev_user["rev_user"]["id"]],
        title="Kick-off",
        engagement_type="call",
        description="First call",
        external_ref="crm-1",
        external_url="https://example.com/1",
        parent=account["id"],
        parents=[opportunity["id"]],
        tags=[{"id": tag["id"], "value": "small"}],
    )
    artifact = client.ok("artifacts.prepare", {"file_name": "notes.txt"})
    return World(account, opportunity, tag, rev_user["rev_user"], engagement, artifact)
