"""The page that shows the whole API: each method, how it is called, and who may call it.

`POST` takes a JSON object; a method that reads also answers `GET`, with the same names in the
query. What writes runs in a transaction and takes an `Idempotency-Key`. The scope is what a token
must grant. What is "ours" is not DevRev's, and an unknown route when strict.

The rest of a method (request, answer, errors, example) stands in its family;
`tests/contract/test_table.py` holds this page against it.
"""

from rapport.contract import (
    accounts,
    artifacts,
    auth_tokens,
    batch,
    dev_orgs,
    dev_users,
    engagements,
    events,
    links,
    meetings,
    rev_orgs,
    rev_users,
    search,
    service_accounts,
    tags,
    timeline_entries,
    users,
    webhook_deliveries,
    webhooks,
    works,
)
from rapport.contract.kit.method import READ, WRITE, Method

ANY_TOKEN = None

# fmt: off
PAGE: tuple[tuple[str, str, str, str | None, int, str, Method], ...] = (
    # name                            verbs       effect scope                    status whose  in
    # its family
    ("engagements.create",           "POST",     WRITE, "engagement:write",      201, "",     engagements.CREATE),
    ("engagements.get",              "GET+POST", READ,  "engagement:read",       200, "",     engagements.GET),
    ("engagements.list",             "GET+POST", READ,  "engagement:read",       200, "",     engagements.LIST),
    ("engagements.update",           "POST",     WRITE, "engagement:write",      200, "",     engagements.UPDATE),
    ("engagements.upsert",           "POST",     WRITE, "engagement:write",      201, "ours", engagements.UPSERT),
    ("engagements.delete",           "POST",     WRITE, "engagement:all",        200, "",     engagements.DELETE),
    ("engagements.restore",          "POST",     WRITE, "engagement:all",        200, "ours", engagements.RESTORE),
    ("engagements.purge",            "POST",     WRITE, "engagement:all",        200, "ours", engagements.PURGE),
    ("engagements.summarize",        "GET+POST", READ,  "engagement:read",       200, "ours", engagements.SUMMARIZE),
    ("engagements.count",            "GET+POST", READ,  "engagement:read",       200, "",     engagements.COUNT),

    ("meetings.create",              "POST",     WRITE, "meeting:write",         201, "",     meetings.CREATE),
    ("meetings.get",                 "GET+POST", READ,  "meeting:read",          200, "",     meetings.GET),
    ("meetings.list",                "GET+POST", READ,  "meeting:read",          200, "",     meetings.LIST),
    ("meetings.update",              "POST",     WRITE, "meeting:write",         200, "",     meetings.UPDATE),
    ("meetings.upsert",              "POST",     WRITE, "meeting:write",         201, "ours", meetings.UPSERT),
    ("meetings.delete",              "POST",     WRITE, "meeting:all",           200, "",     meetings.DELETE),
    ("meetings.restore",             "POST",     WRITE, "meeting:all",           200, "ours", meetings.RESTORE),
    ("meetings.purge",               "POST",     WRITE, "meeting:all",           200, "ours", meetings.PURGE),
    ("meetings.summarize",           "GET+POST", READ,  "meeting:read",          200, "ours", meetings.SUMMARIZE),
    ("meetings.count",               "GET+POST", READ,  "meeting:read",          200, "",     meetings.COUNT),

    ("accounts.create",              "POST",     WRITE, "account:write",         201, "",     accounts.CREATE),
    ("accounts.get",                 "GET+POST", READ,  "account:read",          200, "",     accounts.GET),
    ("accounts.list",                "GET+POST", READ,  "account:read",          200, "",     accounts.LIST),
    ("accounts.update",              "POST",     WRITE, "account:write",         200, "",     accounts.UPDATE),
    ("accounts.upsert",              "POST",     WRITE, "account:write",         201, "ours", accounts.UPSERT),
    ("accounts.delete",              "POST",     WRITE, "account:all",           200, "",     accounts.DELETE),

    ("works.create",                 "POST",     WRITE, "work:write",            201, "",     works.CREATE),
    ("works.get",                    "GET+POST", READ,  "work:read",             200, "",     works.GET),
    ("works.list",                   "GET+POST", READ,  "work:read",             200, "",     works.LIST),
    ("works.update",                 "POST",     WRITE, "work:write",            200, "",     works.UPDATE),
    ("works.upsert",                 "POST",     WRITE, "work:write",            201, "ours", works.UPSERT),
    ("works.delete",                 "POST",     WRITE, "work:all",              200, "",     works.DELETE),
    ("works.count",                  "GET+POST", READ,  "work:read",             200, "",     works.COUNT),

    ("tags.create",                  "POST",     WRITE, "tag:write",             201, "",     tags.CREATE),
    ("tags.get",                     "GET+POST", READ,  "tag:read",              200, "",     tags.GET),
    ("tags.list",                    "GET+POST", READ,  "tag:read",              200, "",     tags.LIST),
    ("tags.update",                  "POST",     WRITE, "tag:write",             200, "",     tags.UPDATE),
    ("tags.delete",                  "POST",     WRITE, "tag:all",               200, "",     tags.DELETE),

    ("dev-users.create",             "POST",     WRITE, "dev_user:write",        201, "",     dev_users.CREATE),
    ("dev-users.get",                "GET+POST", READ,  "dev_user:read",         200, "",     dev_users.GET),
    ("dev-users.list",               "GET+POST", READ,  "dev_user:read",         200, "",     dev_users.LIST),
    ("dev-users.self",               "GET+POST", READ,  ANY_TOKEN,               200, "",     dev_users.SELF),
    ("dev-users.update",             "POST",     WRITE, "dev_user:write",        200, "",     dev_users.UPDATE),
    ("dev-users.self.update",        "POST",     WRITE, ANY_TOKEN,               200, "",     dev_users.SELF_UPDATE),
    ("dev-users.activate",           "POST",     WRITE, "dev_user:write",        200, "",     dev_users.ACTIVATE),
    ("dev-users.deactivate",         "POST",     WRITE, "dev_user:write",        200, "",     dev_users.DEACTIVATE),

    ("rev-users.create",             "POST",     WRITE, "rev_user:write",        201, "",     rev_users.CREATE),
    ("rev-users.get",                "GET+POST", READ,  "rev_user:read",         200, "",     rev_users.GET),
    ("rev-users.list",               "GET+POST", READ,  "rev_user:read",         200, "",     rev_users.LIST),
    ("rev-users.update",             "POST",     WRITE, "rev_user:write",        200, "",     rev_users.UPDATE),
    ("rev-users.upsert",             "POST",     WRITE, "rev_user:write",        201, "ours", rev_users.UPSERT),
    ("rev-users.delete",             "POST",     WRITE, "rev_user:all",          200, "",     rev_users.DELETE),

    ("rev-orgs.create",              "POST",     WRITE, "rev_org:write",         201, "",     rev_orgs.CREATE),
    ("rev-orgs.get",                 "GET+POST", READ,  "rev_org:read",          200, "",     rev_orgs.GET),
    ("rev-orgs.list",                "GET+POST", READ,  "rev_org:read",          200, "",     rev_orgs.LIST),
    ("rev-orgs.update",              "POST",     WRITE, "rev_org:write",         200, "",     rev_orgs.UPDATE),
    ("rev-orgs.upsert",              "POST",     WRITE, "rev_org:write",         201, "ours", rev_orgs.UPSERT),
    ("rev-orgs.delete",              "POST",     WRITE, "rev_org:all",           200, "",     rev_orgs.DELETE),

    ("users.erase",                  "POST",     WRITE, "user:all",              200, "ours", users.ERASE),

    ("service-accounts.create",      "POST",     WRITE, "service_account:write", 201, "",     service_accounts.CREATE),
    ("service-accounts.get",         "GET+POST", READ,  "service_account:read",  200, "",     service_accounts.GET),
    ("service-accounts.update",      "POST",     WRITE, "service_account:write", 200, "",     service_accounts.UPDATE),

    ("dev-orgs.get",                 "GET+POST", READ,  "dev_org:read",          200, "",     dev_orgs.GET),
    ("dev-orgs.update",              "POST",     WRITE, "dev_org:write",         200, "ours",dev_orgs.UPDATE),

    ("links.create",                 "POST",     WRITE, "link:write",            201, "",     links.CREATE),
    ("links.get",                    "GET+POST", READ,  "link:read",             200, "",     links.GET),
    ("links.list",                   "GET+POST", READ,  "link:read",             200, "",     links.LIST),
    ("links.delete",                 "POST",     WRITE, "link:all",              200, "",     links.DELETE),
    ("links.replace",                "POST",     WRITE, "link:write",            201, "",     links.REPLACE),

    ("auth-tokens.create",           "POST",     WRITE, "auth_token:write",      201, "",     auth_tokens.CREATE),
    ("auth-tokens.get",              "GET+POST", READ,  "auth_token:read",       200, "",     auth_tokens.GET),
    ("auth-tokens.list",             "GET+POST", READ,  "auth_token:read",       200, "",     auth_tokens.LIST),
    ("auth-tokens.info",             "GET+POST", READ,  ANY_TOKEN,               200, "",     auth_tokens.INFO),
    ("auth-tokens.update",           "POST",     WRITE, "auth_token:write",      200, "",     auth_tokens.UPDATE),
    ("auth-tokens.delete",           "POST",     WRITE, "auth_token:all",        200, "",     auth_tokens.DELETE),
    ("auth-tokens.self.delete",      "POST",     WRITE, ANY_TOKEN,               200, "",     auth_tokens.SELF_DELETE),

    ("artifacts.prepare",            "POST",     WRITE, "artifact:write",        200, "",     artifacts.PREPARE),
    ("artifacts.get",                "GET+POST", READ,  "artifact:read",         200, "",     artifacts.GET),
    ("artifacts.list",               "GET+POST", READ,  "artifact:read",         200, "",     artifacts.LIST),
    ("artifacts.locate",             "GET+POST", READ,  "artifact:read",         200, "",     artifacts.LOCATE),
    ("artifacts.versions.prepare",   "POST",     WRITE, "artifact:write",        200, "",     artifacts.VERSIONS_PREPARE),
    ("artifacts.versions.delete",    "POST",     WRITE, "artifact:all",          200, "",     artifacts.VERSIONS_DELETE),

    ("timeline-entries.create",      "POST",     WRITE, "timeline_entry:write",  201, "",     timeline_entries.CREATE),
    ("timeline-entries.get",         "GET+POST", READ,  "timeline_entry:read",   200, "",     timeline_entries.GET),
    ("timeline-entries.list",        "GET+POST", READ,  "timeline_entry:read",   200, "",     timeline_entries.LIST),
    ("timeline-entries.update",      "POST",     WRITE, "timeline_entry:write",  200, "",     timeline_entries.UPDATE),
    ("timeline-entries.delete",      "POST",     WRITE, "timeline_entry:all",    200, "",     timeline_entries.DELETE),

    ("search.core",                  "GET+POST", READ,  "search:read",           200, "",     search.CORE),
    ("search.suggest",               "GET+POST", READ,  "search:read",           200, "ours", search.SUGGEST),

    ("webhooks.create",              "POST",     WRITE, "webhook:write",         201, "",     webhooks.CREATE),
    ("webhooks.get",                 "GET+POST", READ,  "webhook:read",          200, "",     webhooks.GET),
    ("webhooks.list",                "GET+POST", READ,  "webhook:read",          200, "",     webhooks.LIST),
    ("webhooks.update",              "POST",     WRITE, "webhook:write",         200, "",     webhooks.UPDATE),
    ("webhooks.delete",              "POST",     WRITE, "webhook:all",           200, "",     webhooks.DELETE),
    ("webhooks.fetch",               "POST",     WRITE, "webhook:write",         200, "",     webhooks.FETCH),

    ("webhook-deliveries.list",      "GET+POST", READ,  "webhook:read",          200, "ours",webhook_deliveries.LIST),
    ("webhook-deliveries.redeliver", "POST",     WRITE, "webhook:write",         200, "ours",webhook_deliveries.REDELIVER),

    ("batch.run",                    "POST",     WRITE, ANY_TOKEN,               200, "ours", batch.RUN),

    ("events.list",                  "GET+POST", READ,  "event:read",            200, "ours",events.LIST),
)
# fmt: on

METHODS = {method.name: method for *_, method in PAGE}
