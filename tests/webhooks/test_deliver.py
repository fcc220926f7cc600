"""What a receiver gets: the challenge, signed events with what was before, in order, again when
it fails.
"""

import base64
import hashlib
import hmac
import time
from collections import defaultdict
from typing import Any

import pytest
from standardwebhooks import Webhook as StandardWebhook
from standardwebhooks import WebhookVerificationError

from rapport.clock import SECOND, parse_rfc3339
from rapport.webhooks.messages import rest_asked
from rapport.webhooks.post import Outcome
from tests.support.hooks import Hook, Hooks
from tests.support.server import Client, told_of


def test_numbers_of_custom_fields_are_told_with_their_very_text(hooks: Hooks) -> None:
    hook = hooks.make(event_types=["account_created", "account_updated"])
    ann = hooks.client
    made = ann.raw(
        "POST",
        "accounts.create",
        content='{"display_name":"A","custom_fields":{"a":1E2,"b":[-0,1.50]}}',
    )
    id_ = made.body["account"]["id"]
    ann.raw(
        "POST",
        "accounts.update",
        content=f'{{"id":"{id_}","custom_fields":{{"a":12345678901234567.89}}}}',
    )
    assert [one.raw.count('"custom_fields":{"a":1E2,"b":[-0,1.50]}') for one in hook.wait(2)] == [
        1,
        1,
    ]
    ann.ok("webhooks.fetch", {"id": hook.id, "object": id_})
    changed = '"custom_fields":{"a":12345678901234567.89,"b":[-0,1.50]}'
    assert [one.raw.count(changed) for one in hook.wait(3)] == [0, 1, 1]


# Verification


def test_a_webhook_is_active_once_its_receiver_has_echoed_the_challenge(hooks: Hooks) -> None:
    hook = hooks.make(active=False)
    assert hook.made["status"] == "unverified"
    hook.until("active")
    (challenge,) = hook.wait(1, challenges=True)
    assert challenge.body["webhook_id"] == hook.id
    assert challenge.body["verify"]["challenge"] == challenge.body["challenge"]
    assert len(challenge.body["challenge"]) >= 32
    StandardWebhook(hook.made["secret"]).verify(challenge.raw, challenge.headers)


@pytest.mark.parametrize("answer", ["bom", "large"])
def test_a_challenge_is_found_behind_a_bom_and_in_a_large_answer(hooks: Hooks, answer: str) -> None:
    hooks.make(verify=answer, active=False).until("active")


@pytest.mark.parametrize(
    "answer",
    ["wrong", "500", "404", "410", "redirect", "hang", "reset", "garbage", "binary", "deep"],
)
def test_whoever_does_not_echo_it_stays_unverified_and_is_asked_again(
    hooks: Hooks, answer: str
) -> None:
    hook = hooks.make(verify=answer, active=False)
    hooks.client.engagement(title="while unverified")
    first, second = hook.wait(2, challenges=True)[:2]
    assert first.body == second.body
    assert hook.now["status"] == "unverified"
    assert hook.wait(0) == []
    hook.plan("ok")
    hook.until("active")
    # What happened since it was made is not lost.
    (told,) = hook.wait(1)
    assert told.body["engagement_created"]["engagement"]["title"] == "while unverified"


def test_another_url_and_activation_are_verified_deactivation_ends_all(
    hooks: Hooks,
) -> None:
    hook, other = hooks.make(), hooks.make()
    hooks.receiver.plan("moved", verify="wrong")
    moved = hook.update(url=hooks.receiver.url("moved"))
    assert moved["status"] == "unverified"
    hooks.receiver.wait("moved", 1, challenges=True)
    assert hook.now["status"] == "unverified"
    hook.update(url=hooks.receiver.url(hook.path))
    hook.until("active")
    assert hook.update(action="activate")["status"] == "active"
    assert hook.update(action="deactivate")["status"] == "inactive"
    hooks.client.engagement(title="unheard")
    other.wait(1)
    assert hook.update(action="activate")["status"] == "unverified"
    hook.until("active")
    hooks.client.engagement(title="heard")
    (told,) = hook.wait(1)
    assert told.body["engagement_created"]["engagement"]["title"] == "heard"


# What is told


def test_events_carry_the_object_and_what_it_was_before(hook: Hook, ann: Client) -> None:
    made = ann.engagement(title="First", description="Notes")
    changed = ann.ok("engagements.update", {"id": made["id"], "title": "Second"})["engagement"]
    ann.ok("engagements.delete", {"id": made["id"]})
    created, updated, deleted = (one.body for one in hook.wait(3))
    assert created["type"] == "engagement_created"
    assert created["engagement_created"] == {"engagement": made}
    assert updated["engagement_updated"]["engagement"] == changed
    assert updated["engagement_updated"]["old_engagement"] == made
    assert deleted["engagement_deleted"]["old_engagement"] == changed
    assert deleted["engagement_deleted"]["engagement"] == {
        "display_id": made["display_id"],
        "id": made["id"],
    }
    for body in (created, updated, deleted):
        assert set(body) == {"id", "webhook_id", "timestamp", "type", body["type"]}
        assert body["webhook_id"] == hook.id
        assert body["id"].startswith(f"{hook.id}:event/")
    assert created["timestamp"] == made["created_date"]
    assert len({body["id"] for body in (created, updated, deleted)}) == 3


def test_only_what_was_asked_for_is_told_and_nothing_without_types(hooks: Hooks) -> None:
    nothing = hooks.make(event_types=[])
    accounts = hooks.make(event_types=["account_created", "rev_org_created", "survey_created"])
    engagements = hooks.make()
    hooks.client.ok("accounts.create", {"display_name": "Acme"})
    hooks.client.engagement()
    engagements.wait(1)
    assert {one.body["type"] for one in accounts.wait(2)} == {"account_created", "rev_org_created"}
    assert nothing.wait(0) == []
    assert nothing.deliveries() == []


def test_each_webhook_has_an_event_id_of_its_own_per_write(hooks: Hooks) -> None:
    both = [hooks.make(), hooks.make()]
    for number in range(5):
        hooks.client.engagement(title=f"{number}")
    ids = [{one.body["id"] for one in hook.wait(5)} for hook in both]
    assert len(ids[0]) == len(ids[1]) == 5
    assert not ids[0] & ids[1]


def test_webhooks_changes_are_told_without_secrets(hooks: Hooks) -> None:
    watching = hooks.make(event_types=["webhook_created", "webhook_updated", "webhook_deleted"])
    secret, password = "c3VwZXItc2VjcmV0LWtleS0yNGJ5", "Bearer hunter2"
    other = hooks.make(secret=secret, headers=[{"name": "Authorization", "value": password}])
    other.update(headers={"set": [{"name": "Authorization", "value": "Bearer other"}]})
    other.update(secret="bmV3LXNlY3JldC1rZXktMjRieXRl")
    hooks.client.ok("webhooks.delete", {"id": other.id})
    while True:
        told = [
            one
            for one in watching.got_all()
            if one.body[one.body["type"]]["webhook"]["id"] == other.id
        ]
        if told and told[-1].body["type"] == "webhook_deleted":
            break
    created, verified, *changed, _ = (one.body for one in told)
    assert created["webhook_created"]["webhook"]["headers"] == [
        {"name": "Authorization", "value": "(hidden)"}
    ]
    # The server's own work is told as well.
    assert verified["webhook_updated"]["old_webhook"]["status"] == "unverified"
    assert verified["webhook_updated"]["webhook"]["status"] == "active"
    assert [body["type"] for body in changed] == ["webhook_updated", "webhook_updated"]
    for one in told:
        for hidden in (secret, password, "Bearer other", "bmV3LXNlY3JldC1rZXktMjRieXRl"):
            assert hidden not in one.raw
    assert secret not in hooks.client.server.logged()


def test_fetch_sends_an_object_as_it_is_now(hook: Hook, ann: Client) -> None:
    account = ann.ok("accounts.create", {"display_name": "Acme"})["account"]
    work = {
        "type": "opportunity",
        "title": "Deal",
        "account": account["id"],
        "applies_to_part": "PROD-1",
        "owned_by": [ann.user],
    }
    opportunity = ann.ok("works.create", work)["work"]
    for id_ in (opportunity["id"], account["display_id"]):
        assert ann.ok("webhooks.fetch", {"id": hook.id, "object": id_}) == {}
    told = {one.body["type"]: one.body for one in hook.wait(2)}
    assert told["work_fetched"]["work_fetched"]["work"]["id"] == opportunity["id"]
    assert told["account_fetched"]["account_fetched"]["account"] == told_of(account)
    ann.refused(
        "webhooks.fetch", {"id": hook.id, "object": "ENGAGEMENT-99"}, "invalid_id", "object"
    )
    narrow = ann.server.make_user(ann, role="admin", scope="webhook:all tag:read")
    refused = narrow.call("webhooks.fetch", {"id": hook.id, "object": account["id"]})
    assert (refused.status, "account:read" in refused.body["message"]) == (403, True)


# Signatures


def devrevs(secret: str, raw: str) -> str:
    return hmac.new(secret.encode(), raw.encode(), hashlib.sha256).hexdigest()


def test_both_signatures_are_good_by_other_peoples_code(hooks: Hooks) -> None:
    hook = hooks.make(
        secret=base64.b64encode(b"12345678").decode(),
        headers=[{"name": "X-Team", "value": "blue sky"}],
    )
    hooks.client.engagement(title="Grüße, 世界")
    (told,) = hook.wait(1)
    assert told.headers["x-devrev-signature"] == devrevs(hook.made["secret"], told.raw)
    assert StandardWebhook(hook.made["secret"]).verify(told.raw, told.headers) == told.body
    assert told.headers["webhook-id"] == told.body["id"]
    assert told.headers["x-team"] == "blue sky"
    assert told.headers["content-type"] == "application/json"
    assert told.headers["accept-encoding"] == "identity"
    with pytest.raises(WebhookVerificationError):
        StandardWebhook(hook.made["secret"]).verify(told.raw + " ", told.headers)


def test_after_a_change_both_secrets_sign(hook: Hook, ann: Client) -> None:
    before = hook.made["secret"]
    after = base64.b64encode(b"k" * 32).decode()
    changed = hook.update(secret=after)
    assert (changed["secret"], changed["status"]) == (after, "active")
    ann.engagement()
    (told,) = hook.wait(1)
    assert told.headers["x-devrev-signature"] == devrevs(after, told.raw)
    assert len(told.headers["webhook-signature"].split()) == 2
    for secret in (before, after):
        StandardWebhook(secret).verify(told.raw, told.headers)


# Failing


@pytest.mark.parametrize("failure", ["500", "404", "hang", "reset", "redirect", "drip", "garbage"])
def test_what_fails_is_sent_again_with_the_same_id_and_a_new_signature(
    hooks: Hooks, failure: str
) -> None:
    hook = hooks.make(failure, "ok")
    made = hooks.client.engagement()
    first, second = hook.wait(2)
    assert first.raw == second.raw
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    for one in (first, second):
        StandardWebhook(hook.made["secret"]).verify(one.raw, one.headers)
    (delivery,) = hook.settled(1)
    assert delivery["object"] == made["id"]
    assert delivery["event_id"] == first.body["id"]
    bad, good = delivery["attempts"]
    assert (good["http_status"], good["answer"]) == (200, '{"thanks": true}')
    statuses = {"500": 500, "404": 404, "redirect": 307}
    assert bad.get("http_status") == statuses.get(failure)
    assert ("error" in bad) == (failure not in statuses)
    if failure in {"hang", "drip"}:
        assert "0.6 s" in bad["error"]
        assert 500 < bad["duration_ms"] < 2000
    assert hooks.receiver.got("stolen") == []


def test_an_endless_answer_is_not_read_to_its_end(hooks: Hooks) -> None:
    hook = hooks.make("endless")
    hooks.client.engagement()
    (delivery,) = hook.settled(1)
    assert len(delivery["attempts"][0]["answer"]) <= 1024


def test_one_object_s_events_come_in_order_and_others_are_not_held_up(hooks: Hooks) -> None:
    hook = hooks.make("slow", event_types=["engagement_created", "engagement_updated"])
    made = [hooks.client.engagement(title="0") for _ in range(6)]
    for step in range(1, 5):
        for one in made:
            hooks.client.ok("engagements.update", {"id": one["id"], "title": f"{step}"})
    titles: dict[str, list[str]] = defaultdict(list)
    for told in hook.wait(30, seconds=30):
        engagement = told.body[told.body["type"]]["engagement"]
        titles[engagement["id"]].append(engagement["title"])
    assert set(map(tuple, titles.values())) == {("0", "1", "2", "3", "4")}


def test_after_the_last_try_it_is_verified_and_told_all_that_was_kept(
    hooks: Hooks,
) -> None:
    hook = hooks.make("500", verify="ok")
    hook.plan("500", verify="500")
    lost = hooks.client.engagement(title="before")
    degraded = hook.until("unverified")
    assert degraded["modified_date"] == hook.made["modified_date"]
    (failed,) = hook.deliveries(status=["failed"])
    assert (failed["object"], len(failed["attempts"])) == (lost["id"], 3)
    hooks.client.engagement(title="meanwhile")
    assert len(hook.wait(3)) == 3
    hook.plan("ok")
    hook.until("active")
    titles = [one.body["engagement_created"]["engagement"]["title"] for one in hook.wait(5)]
    assert sorted(titles[3:]) == ["before", "meanwhile"]
    assert len(hook.settled(2)) == len(hook.deliveries()) == 2
    assert len({one.body["id"] for one in hook.got_all()}) == 2


@pytest.mark.parametrize("answer", ["later", "dated"])
def test_a_receiver_that_asks_for_a_rest_is_told_nothing_until_then(
    hooks: Hooks, answer: str
) -> None:
    hook = hooks.make(answer, "ok")
    hooks.client.engagement(title="refused")
    first = hook.wait(1)[0]
    hooks.client.engagement(title="meanwhile")
    others = hook.wait(3)[1:]
    # A date of HTTP's has whole seconds.
    assert min(one.at for one in others) - first.at >= 1.9
    assert {one.body["engagement_created"]["engagement"]["title"] for one in others} == {
        "refused",
        "meanwhile",
    }
    hook.settled(2)


def test_another_url_does_not_wait_for_what_the_one_before_asked_for(hooks: Hooks) -> None:
    hook = hooks.make("later")
    hooks.client.engagement()
    first = hook.wait(1)[0]
    hooks.receiver.plan("rested", "ok")
    hook.update(url=hooks.receiver.url("rested"))
    hooks.client.engagement()
    assert hooks.receiver.wait("rested", 1)[0].at - first.at < 1.9


def test_a_receiver_that_is_gone_is_told_nothing_until_it_answers(
    hooks: Hooks,
) -> None:
    hook = hooks.make()
    hooks.client.engagement(title="taken")
    hook.settled(1)
    hook.plan("410", verify="410")
    hooks.client.engagement(title="gone")
    hook.until("unverified")
    (failed,) = hook.deliveries(status=["failed"])
    assert [attempt["http_status"] for attempt in failed["attempts"]] == [410]
    hooks.client.engagement(title="meanwhile")
    hook.wait(3, challenges=True)  # asked again, and again
    assert len(hook.got_all()) == 2
    hook.plan("ok")
    hook.until("active")
    titles = {one.body["engagement_created"]["engagement"]["title"] for one in hook.wait(4)[2:]}
    assert titles == {"gone", "meanwhile"}


def test_a_rest_lasts_an_hour_at_most() -> None:
    now = parse_rfc3339("2026-01-01T00:00:00Z")
    asked = {
        "0": 0,
        "7": 7,
        "3601": 3600,
        "9" * 5_000: 3600,
        "-1": 0,
        "1.5": 0,
        "soon": 0,
        "": 0,
        "\u0661": 0,
        "Thu, 01 Jan 2026 00:00:30 GMT": 30,
        "Thu, 01 Jan 2026 09:00:00 GMT": 3600,
        "Wed, 31 Dec 2025 00:00:00 GMT": 0,
        "Thursday, 01-Jan-26 00:00:30 GMT": 30,
        "Thu Jan  1 00:00:30 2026": 30,
        "Thu, 99 Jan 2026 00:00:30 GMT": 0,
    }
    for text, seconds in asked.items():
        outcome = Outcome(429, b"", None, 1, text)
        assert rest_asked(outcome, now) == seconds * SECOND, text


def test_one_bad_event_degrades_nobody_whose_receiver_takes_the_others(hooks: Hooks) -> None:
    hook = hooks.make("picky")
    hooks.client.engagement(title="bad")
    hooks.client.engagement(title="good")
    (failed,) = hook.settled(1, "failed")
    assert [attempt["http_status"] for attempt in failed["attempts"]] == [500, 500, 500]
    assert hook.now["status"] == "active"
    hook.plan("ok")
    assert hooks.client.ok(
        "webhook-deliveries.redeliver", {"webhook": hook.id, "status": ["failed"]}
    ) == {"count": 1}
    hook.settled(2)


# Again


def test_one_delivery_and_a_range_are_sent_again_with_their_ids(hook: Hook, ann: Client) -> None:
    for number in range(4):
        ann.engagement(title=f"{number}")
    first = {one.body["id"]: one.raw for one in hook.wait(4)}
    delivered = hook.settled(4)
    assert ann.ok("webhook-deliveries.redeliver", {"id": delivered[1]["display_id"]}) == {
        "count": 1
    }
    again = hook.wait(5)[4]
    assert again.body["id"] == delivered[1]["event_id"]
    assert again.raw == first[again.body["id"]]
    hook.settled(4)
    between = {"after": delivered[0]["created_date"], "before": delivered[3]["created_date"]}
    in_range = [
        one for one in delivered if between["after"] < one["created_date"] < between["before"]
    ]
    answer = ann.ok("webhook-deliveries.redeliver", {"webhook": hook.id, "created_date": between})
    assert answer == {"count": len(in_range)}
    hook.wait(5 + len(in_range))
    hook.settled(4)  # what still waits to be sent would be sent once only
    everything = ann.ok(
        "webhook-deliveries.redeliver", {"webhook": hook.id, "status": ["delivered", "pending"]}
    )
    assert everything["count"] >= 1
    ids = {one.body["id"] for one in hook.wait(5 + len(in_range) + everything["count"])}
    assert len(ids) == 4
    assert ann.ok(
        "webhook-deliveries.redeliver", {"webhook": hook.id, "event_type": ["tag_created"]}
    ) == {"count": 0}


def test_the_list_of_deliveries_is_filtered_and_walked(hook: Hook, ann: Client) -> None:
    for _ in range(5):
        ann.engagement()
    hook.settled(5)
    whole = ann.ok("webhook-deliveries.list")["webhook_deliveries"]
    assert [one["event_type"] for one in whole] == ["engagement_created"] * 5 + ["verify"]
    request: dict[str, Any] = {"limit": 2}
    walked: list[Any] = []
    while True:
        page = ann.ok("webhook-deliveries.list", request)
        walked += page["webhook_deliveries"]
        if "next_cursor" not in page:
            break
        request["cursor"] = page["next_cursor"]
    assert walked == whole
    listed = {
        "verify": {"event_type": ["verify"]},
        "engagement_created": {"event_type": ["engagement_created"]},
    }
    for name, filters in listed.items():
        assert {
            one["event_type"]
            for one in ann.ok("webhook-deliveries.list", filters)["webhook_deliveries"]
        } == {name}
    for empty in (
        {"status": ["failed"]},
        {"webhook": ["WEBHOOK-99"]},
        {"created_date": {"after": "2099-01-01T00:00:00Z"}},
    ):
        assert ann.ok("webhook-deliveries.list", empty) == {"webhook_deliveries": []}


def test_another_org_sees_and_sends_nothing(hook: Hook, ann: Client, quick: Any) -> None:
    ann.engagement()
    (delivery,) = hook.settled(1)
    charlie = quick.make_org("Charlie's")
    assert charlie.ok("webhook-deliveries.list", {"webhook": [hook.id]}) == {
        "webhook_deliveries": []
    }
    charlie.refused("webhook-deliveries.redeliver", {"id": delivery["id"]}, "not_found", status=404)
    charlie.refused("webhook-deliveries.redeliver", {"webhook": hook.id}, "invalid_id", "webhook")
    charlie.refused(
        "webhooks.update", {"id": hook.id, "action": "deactivate"}, "not_found", status=404
    )
    own = Hooks(charlie, hook.receiver).make()
    charlie.refused(
        "webhooks.fetch", {"id": own.id, "object": delivery["object"]}, "invalid_id", "object"
    )
    charlie.engagement(title="theirs")
    own.wait(1)
    assert len(hook.wait(1)) == 1


def test_a_deleted_webhook_is_told_nothing_more(hooks: Hooks) -> None:
    gone, stays = hooks.make("500"), hooks.make()
    hooks.client.engagement(title="one")
    gone.wait(1)
    hooks.client.ok("webhooks.delete", {"id": gone.id})
    hooks.client.engagement(title="two")
    stays.wait(2)
    time.sleep(0.6)
    assert {one.body["engagement_created"]["engagement"]["title"] for one in gone.got_all()} == {
        "one"
    }
