"""Webhooks in the console: made, told, their log, sent again."""

from tests.support.hooks import Hook, Hooks
from tests.support.pages import signed_in


def _way(hook: Hook) -> str:
    return f"/settings/webhooks/{hook.made['display_id']}"


def test_a_webhook_is_made_changed_and_deleted_in_settings(hooks: Hooks) -> None:
    hooks.receiver.plan("console")
    browser = signed_in(hooks.client)
    form = browser.open("/settings/webhooks").form("/settings/webhooks")
    refused = browser.send(form, url="ftp://x", event=["tag_created"])
    assert "ftp://x" in refused.error("url")
    form = refused.form("/settings/webhooks")
    assert ("event", "tag_created") in form.fields
    page = browser.send(form, url=hooks.receiver.url("console"))
    (made,) = hooks.client.ok("webhooks.list")["webhooks"]
    way = f"/settings/webhooks/{made['display_id']}"
    assert page.way.endswith(f"{way}?done")
    assert made["secret"] in page.source
    page = browser.send(page.form(way), event=["tag_created", "user_erased"])
    now = hooks.client.ok("webhooks.get", {"id": made["id"]})["webhook"]
    assert set(now["event_types"]) == {"tag_created", "user_erased"}
    page = browser.send(page.form("/deactivate"))
    assert "inactive" in page.text
    assert "None is yet" in browser.send(page.form("/delete")).text


def test_a_failed_delivery_says_why_and_is_sent_again(hooks: Hooks) -> None:
    hook = hooks.make("picky")
    bad = hooks.client.engagement(title="bad")
    hooks.client.engagement(title="good")
    hook.settled(1, "failed")
    hook.plan("ok")
    browser = signed_in(hooks.client)
    page = browser.open(browser.open("/settings/health").link(hook.made["display_id"]))
    assert f"engagement_created {bad['display_id']}" in page.text
    assert "500," in page.text
    every = next(form for form in page.forms if form.action.endswith("/send") and not form.fields)
    assert "On its way: 1." in browser.send(every).text
    hook.settled(2)
    assert "Nothing was sent yet." in browser.open(f"{_way(hook)}?status=failed").text


def test_one_delivery_is_sent_again_but_no_challenge(hook: Hook) -> None:
    hook.client.engagement()
    (sent,) = hook.settled(1)
    browser = signed_in(hook.client)
    page = browser.open(_way(hook))
    assert "verify" in page.text
    (one,) = [form for form in page.forms if dict(form.fields).get("delivery")]
    assert dict(one.fields)["delivery"] == sent["display_id"]
    assert "On its way: 1." in browser.send(one).text
    assert [got.body["id"] for got in hook.wait(2)] == [sent["event_id"]] * 2
