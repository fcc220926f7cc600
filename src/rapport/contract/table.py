"""METHODS: the page that shows the whole API."""

from rapport.contract import accounts, artifacts, auth_tokens, dev_users, engagements, rev_users, tags, works

METHODS = {
    method.name: method
    for method in (
        engagements.CREATE,
        engagements.GET,
        engagements.LIST,
        engagements.UPDATE,
        engagements.DELETE,
        engagements.COUNT,
        accounts.CREATE,
        accounts.GET,
        accounts.LIST,
        works.CREATE,
        works.GET,
        works.LIST,
        tags.CREATE,
        tags.GET,
        tags.LIST,
        dev_users.CREATE,
        dev_users.GET,
        dev_users.LIST,
        dev_users.SELF,
        rev_users.CREATE,
        rev_users.GET,
        rev_users.LIST,
        auth_tokens.CREATE,
        auth_tokens.GET,
        auth_tokens.LIST,
        auth_tokens.INFO,
        auth_tokens.UPDATE,
        auth_tokens.DELETE,
        auth_tokens.SELF_DELETE,
        artifacts.PREPARE,
        artifacts.GET,
        artifacts.LIST,
        artifacts.LOCATE,
        artifacts.VERSIONS_PREPARE,
        artifacts.VERSIONS_DELETE,
    )
}
