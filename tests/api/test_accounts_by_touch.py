"""accounts.list by when accounts were in touch, and what accounts say of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.server import Client

pytestmark = pytest.mark.engines("sqlite", "postgres")
LONG_AGO, LATER, AHEAD = (
    "2023-01-01T12:00:00.000Z",
    "2023-03-05T12:00:00.000Z",
    "2199-01-01T00:00:00.000Z",
)
FIELDS = ("last_engagement", "next_engagement", "engagements_last_30_days")


def _account(client: Client, name: str) -> str:
    made = client.ok("accounts.create", {"display_name": name})["account"]
    return str(made["display_id"])


def _said(client: Client, account: str) -> tuple[Any, ...]:
    found = client.ok("accounts.get", {"id": account})["account"]
    return tuple(found.get(field) for field in FIELDS)


def _listed(client: Client, **fields: Any) -> list[str]:
    """The names of all accounts of a list, a page for each."""
    names: list[str] = []
    while True:
        page = client.ok("accounts.list", {"limit": 1, **fields})
        names += [one["display_name"] for one in page["accounts"]]
        if "next_cursor" not in page:
            return names
        fields["cursor"] = page["next_cursor"]


def test_whom_have_we_neglected_is_one_list(alice: Client) -> None:
    for name, dates in {"Old": [LONG_AGO], "New": [LONG_AGO, LATER], "Planned": [AHEAD]}.items():
        account = _account(alice, name)
        for date in dates:
            alice.engagement(parents=[account], scheduled_date=date)
    _account(alice, "Never")
    asc = _listed(alice, sort_by=["last_engagement:asc", "display_name:asc"])
    assert asc == ["Never", "Planned", "Old", "New"]
    assert _listed(alice, sort_by=["last_engagement:desc"])[:2] == ["New", "Old"]
    assert _listed(alice, sort_by=["next_engagement:desc"])[0] == "Planned"
    assert _listed(alice, last_engagement={"before": LATER}) == ["Old"]
    assert _listed(alice, next_engagement={"after": LATER}) == ["Planned"]
    quiet = _listed(alice, engagements_last_30_days={"max": 0}, sort_by=["display_name:asc"])
    assert quiet == ["Never", "New", "Old", "Planned"]
    assert _listed(alice, engagements_last_30_days={"min": 1}) == []


def test_an_account_is_in_touch_through_its_deals_and_people_and_meetings(alice: Client) -> None:
    account, other = _account(alice, "Acme"), _account(alice, "Globex")
    request: Any = {
        "type": "opportunity",
        "title": "D",
        "applies_to_part": "PROD-1",
        "account": account,
    }
    request["owned_by"] = [alice.user]
    deal = alice.ok("works.create", request)["work"]["id"]
    person = alice.ok("rev-users.create", {"display_name": "P", "account": account})["rev_user"]
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    members = [alice.user, person["id"]]
    alice.engagement(parents=[account, deal], members=members, scheduled_date=yesterday)
    assert _said(alice, account)[2] == 1
    met = alice.meeting(parent=deal, scheduled_date=AHEAD)
    assert _said(alice, account)[1] == AHEAD
    alice.ok("works.update", {"id": deal, "type": "opportunity", "account": other})
    assert (_said(alice, account)[1], _said(alice, other)[1:]) == (None, (AHEAD, 1))
    alice.ok("meetings.delete", {"id": met["id"]})
    assert _said(alice, other)[1] is None
    alice.ok("meetings.restore", {"id": met["id"]})
    assert _said(alice, other)[1] == AHEAD
    alice.meeting(members=[alice.user, person["id"]], scheduled_date=LONG_AGO)
    alice.ok("rev-users.update", {"id": person["id"], "account": other})
    assert _said(alice, account)[2] == 1
    assert _said(alice, other)[2] == 1


def test_what_changes_deletes_and_restores_engagements_moves_the_last_touch(alice: Client) -> None:
    account, other = _account(alice, "Acme"), _account(alice, "Globex")
    alice.engagement(parents=[account], scheduled_date=LONG_AGO)
    made = alice.engagement(parents=[account], scheduled_date=LATER)["id"]
    assert _said(alice, account)[0] == LATER
    alice.ok("engagements.update", {"id": made, "scheduled_date": AHEAD})
    assert _said(alice, account)[:2] == (LONG_AGO, AHEAD)
    alice.ok(
        "engagements.update", {"id": made, "scheduled_date": LATER, "parents": {"set": [other]}}
    )
    assert (_said(alice, account)[0], _said(alice, other)[0]) == (LONG_AGO, LATER)
    alice.ok("engagements.delete", {"id": made})
    assert _said(alice, other)[0] is None
    alice.ok("engagements.restore", {"id": made})
    assert _said(alice, other)[0] == LATER
    alice.ok("engagements.delete", {"id": made})
    alice.ok("engagements.purge", {"id": made})
    assert _said(alice, other)[0] is None


def test_a_batch_and_an_upsert_are_touches_as_any(alice: Client) -> None:
    account = _account(alice, "Acme")
    fields = {"title": "T", "members": [alice.user], "parent": account}
    requests = [
        {"method": "engagements.create", "body": {**fields, "scheduled_date": date}}
        for date in (LONG_AGO, LATER)
    ]
    alice.ok("batch.run", {"requests": requests})
    assert _said(alice, account)[0] == LATER
    upsert = {**fields, "external_ref": "crm-1", "scheduled_date": AHEAD}
    alice.ok("engagements.upsert", upsert)
    assert _said(alice, account)[:2] == (LATER, AHEAD)


def test_touches_are_told_to_those_alone_who_may_read_them(alice: Client) -> None:
    account = _account(alice, "Acme")
    alice.engagement(parents=[account], scheduled_date=LATER)
    made = alice.server.run("tokens create", user=alice.user, scope="account:read", org=alice.org)
    narrow = Client(alice.server, made["token"])
    assert _said(narrow, account) == (None, None, None)
    for fields in ({"sort_by": ["last_engagement:asc"]}, {"next_engagement": {"after": LATER}}):
        narrow.refused("accounts.list", fields, "forbidden", status=403)
