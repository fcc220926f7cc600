"""An org that the operator deletes is gone with all that it has, and no other feels it."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rapport.store.dev_orgs import TABLES
from tests.support import fetch
from tests.support.rows import rows_of
from tests.support.server import Client, Server
from tests.support.world import make_world

pytestmark = pytest.mark.engines("sqlite", "postgres")


def _sign_in(client: Client) -> None:
    """A session of the console, and a link that nobody used."""
    server = client.server
    used, _unused = (server.run("login", org=client.org)["url"] for _ in range(2))
    path = used.partition("/sign-in/")[2]
    answer = fetch.post(
        f"{server.url}/sign-in/{path}", data={"next": ""}, headers={"origin": server.url}
    )
    assert answer.status_code == 303, answer.text


# Rows of these come and go, or are of no org.
MAY_BE_EMPTY = {
    "derived_search_pending", "derived_search_progress", "derived_search_renamed", "event_floors",
    "loose_blobs",
}  # fmt: skip


def _is_settled(client: Client) -> bool:
    """Whether the webhook was tried, and all words are indexed."""
    rows = rows_of(client.server, client.org)
    return bool(rows["webhook_attempts"]) and not rows["derived_search_pending"]


def _fill(client: Client) -> None:
    """A row in each table, but for that of the floors of feeds."""
    _sign_in(client)
    world = make_world(client)
    engagement = world.engagement["id"]
    meeting = {"title": "Review", "channel": "zoom", "members": [client.user], "state": "scheduled"}
    made = client.ok("meetings.create", meeting)["meeting"]["id"]
    ends = {"source": made, "target": world.account["id"]}
    client.ok("links.create", {"link_type": "is_related_to", **ends})
    client.ok("meetings.delete", {"id": made})
    client.ok("meetings.create", meeting)
    file = client.upload(b"one")
    client.ok("engagements.update", {"id": engagement, "artifacts": {"set": [file]}})
    comment = {"object": engagement, "type": "timeline_comment", "body": "Hi"}
    client.ok("timeline-entries.create", comment, idempotency_key="k1")
    gone = client.engagement()["id"]
    client.ok("timeline-entries.create", {**comment, "object": gone})
    client.ok("engagements.delete", {"id": gone})
    ends = {"source": world.account["id"], "target": world.opportunity["id"]}
    client.ok("links.create", {"link_type": "is_related_to", **ends})
    client.ok("accounts.update", {"id": world.account["id"], "external_refs": ["crm-1"]})
    # No receiver may be there, so that the attempt fails by itself.
    client.ok(
        "webhooks.create", {"url": "https://receiver.invalid/", "event_types": ["tag_created"]}
    )
    until = time.monotonic() + 20
    while not _is_settled(client):
        assert time.monotonic() < until, client.server.logged()[-2000:]


def _files(server: Server, org: str) -> list[Path]:
    folder = server.data / "blobs" / org.removeprefix("DEV-")
    return [*folder.rglob("*"), *folder.parent.glob(folder.name)]


def test_all_that_a_deleted_org_had_is_gone_and_another_keeps_all(
    server: Server, alice: Client, charlie: Client
) -> None:
    for client in (alice, charlie):
        _fill(client)
    before = rows_of(server, alice.org)
    assert {table for table, rows in before.items() if not rows} <= MAY_BE_EMPTY
    kept, files = rows_of(server, charlie.org), _files(server, charlie.org)
    assert _files(server, alice.org)

    gone = server.run("orgs delete", org=alice.org, name="Alice's")
    assert gone["org"]["display_id"] == alice.org
    assert gone["deleted"] is True
    assert {table for table, rows in rows_of(server, alice.org).items() if rows} == set()
    assert _files(server, alice.org) == []
    assert alice.call("dev-users.self").type == "unauthenticated"
    assert alice.org not in str(server.run("orgs list"))
    assert "there is no org" in server.run("users list", org=alice.org)["error"]
    after = rows_of(server, charlie.org)
    # Its own webhook is asked again and again meanwhile.
    for table in before.keys() - {"webhook_deliveries", "webhook_attempts"}:
        assert after[table] == kept[table], table
    assert _files(server, charlie.org) == files
    assert charlie.ok("engagements.count")["count"] == 1


def test_deletion_knows_each_table_that_has_rows_of_orgs(server: Server, alice: Client) -> None:
    # A blob that is being uploaded goes when its time is over; how far a store is indexed is no
    # org's.
    others = {"orgs", "loose_blobs", "derived_search_progress"}
    assert rows_of(server, alice.org).keys() == TABLES.keys() | others


def test_what_is_written_while_an_org_is_deleted_is_gone_too(
    server: Server, alice: Client, charlie: Client
) -> None:
    for _ in range(3):
        org = server.make_org("Going")
        writers = [org, *(server.make_user(org) for _ in range(3))]
        with ThreadPoolExecutor(5) as pool:
            writing = [pool.submit(_write_until_refused, one) for one in writers]
            while len(rows_of(server, org.org)["engagements"]) < 4:
                pass
            assert server.run("orgs delete", org=org.org)["deleted"] is True
            assert {one.result() for one in writing} == {401}
        assert {table for table, rows in rows_of(server, org.org).items() if rows} == set()
    assert charlie.engagement()["display_id"] == "ENGAGEMENT-1"
    assert alice.ok("dev-orgs.get")["dev_org"]["display_name"] == "Alice's"


def _write_until_refused(client: Client) -> int:
    until = time.monotonic() + 30
    request = {"members": [client.user], "scheduled_date": "2023-01-01T12:00:00Z", "title": "x"}
    while (answer := client.call("engagements.create", request)).status == 201:
        assert time.monotonic() < until
        client.call("artifacts.prepare", {"file_name": "x.txt"})
    return answer.status


def test_a_wrong_name_deletes_nothing(server: Server, alice: Client) -> None:
    with alice.unchanged():
        said = server.run("orgs delete", org=alice.org, name="Alices")["error"]
    assert said == f"{alice.org} is not called 'Alices': nothing was deleted"


def test_one_of_several_orgs_of_one_name_is_named_by_its_id(server: Server) -> None:
    twins = [server.make_org("Twins") for _ in range(2)]
    for command, more in (("delete", {}), ("rename", {"name": "Other"})):
        said = server.run(f"orgs {command}", org="Twins", **more)["error"]
        assert said.startswith("2 orgs are called 'Twins': name one by its id, of DEV-")
    assert server.run("orgs delete", org=twins[0].org)["deleted"] is True
    assert server.run("orgs delete", org="Twins")["org"]["display_id"] == twins[1].org


def test_a_reader_of_the_feed_is_let_go_when_its_org_is_deleted(
    server: Server, alice: Client
) -> None:
    end = alice.feed_end()
    with server.http.stream(
        "GET",
        f"{server.url}/events?after={end}",
        headers={"authorization": f"Bearer {alice.token}"},
    ) as stream:
        lines = stream.iter_lines()
        next(lines)
        server.run("orgs delete", org=alice.org)
        assert not any("data" in line for line in lines)
