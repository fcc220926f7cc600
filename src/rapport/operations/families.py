"""Every family, imported so that each registers the methods that it does."""

from rapport.operations import accounts, artifacts, dev_users, engagements, rev_users, tags, works

__all__ = ["accounts", "artifacts", "dev_users", "engagements", "rev_users", "tags", "works"]
