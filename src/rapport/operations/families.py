"""Every family, imported so that each registers the methods that it does."""

from rapport.operations import (
    accounts,
    artifacts,
    auth_tokens,
    dev_orgs,
    dev_users,
    engagements,
    events,
    links,
    rev_orgs,
    rev_users,
    service_accounts,
    tags,
    timeline_entries,
    webhook_deliveries,
    webhooks,
    works,
)

__all__ = [
    "accounts",
    "artifacts",
    "auth_tokens",
    "dev_orgs",
    "dev_users",
    "engagements",
    "events",
    "links",
    "rev_orgs",
    "rev_users",
    "service_accounts",
    "tags",
    "timeline_entries",
    "webhook_deliveries",
    "webhooks",
    "works",
]
