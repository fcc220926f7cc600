"""Every family, imported so that each registers the methods that it does."""

from rapport.operations import accounts, artifacts, auth_tokens, dev_users, engagements, rev_users, tags, works

__all__ = ["accounts", "artifacts", "auth_tokens", "dev_users", "engagements", "rev_users", "tags", "works"]
