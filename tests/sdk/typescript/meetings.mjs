// The meetings family: all six methods, with what a client reads back, pages, filters and refusals.
import assert from "node:assert/strict";
import { api, check, ids, other, refused, same, user } from "./checks.mjs";

const listed = (answer) => ids(answer.data.meetings);
let made;
let second;

await check("meetingsCreate answers 201 with the meeting and summaries", async () => {
  const account = (await api.accountsCreate({ display_name: "Acme" })).data.account;
  const answer = await api.meetingsCreate({
    title: "Quarterly review",
    channel: "zoom",
    state: "completed",
    members: [user, other],
    organizer: user,
    parent: account.id,
    scheduled_date: "2023-01-01T12:00:00.000Z",
    ended_date: "2023-01-01T12:45:00.000Z",
    description: "über alles, \"quoted\", 日本語",
    external_ref: "cal-1",
    recording_url: "https://example.com/film",
    custom_fields: { tnt__room: 5 },
  });
  made = answer.data.meeting;
  assert.equal(answer.status, 201);
  assert.equal(made.description, "über alles, \"quoted\", 日本語");
  assert.deepEqual(made.members.map((member) => member.display_id), [user, other]);
  assert.equal(made.organizer.display_id, user);
  assert.equal(made.parent.display_name, "Acme");
  assert.deepEqual(made.custom_fields, { tnt__room: 5 });
  assert.match(made.id, /^don:core:dvrv-us-1:devo\/.+:meeting\/\d+$/);
});

await check("meetingsGet and meetingsGetPost find it by both its ids", async () => {
  for (const id of [made.id, made.display_id]) {
    assert.deepEqual(await same(api.meetingsGet, api.meetingsGetPost, { id }), { meeting: made });
  }
});

await check("meetingsList and meetingsListPost filter, sort and go on", async () => {
  const least = { title: "Visit", channel: "offline", state: "scheduled", members: [other] };
  second = (await api.meetingsCreate({ ...least, external_ref: "cal, with a comma" })).data.meeting;
  for (const [query, found] of [
    [{}, [second, made]],
    [{ members: [user] }, [made]],
    [{ channel: ["offline", "teams"] }, [second]],
    [{ state: ["completed"], organizer: [user] }, [made]],
    [{ parent: [made.parent.id] }, [made]],
    [{ external_ref: ["cal, with a comma", "none"] }, [second]],
    [{ direction: ["incoming"] }, []],
    [{ subtype: ["review"] }, []],
    [{ sort_by: ["title:asc", "created_date:desc"], limit: 1 }, [made]],
  ]) {
    const page = await same(api.meetingsList, api.meetingsListPost, query);
    assert.deepEqual(page.meetings, found);
  }
  const first = await api.meetingsList({ limit: 1 });
  assert.deepEqual(listed(first), [second.id]);
  const next = await api.meetingsList({ limit: 1, cursor: first.data.next_cursor });
  assert.deepEqual(listed(next), [made.id]);
});

await check("meetingsListPost filters by dates and links", async () => {
  const account = made.parent.id;
  await api.linksCreate({ link_type: "is_related_to", source: second.id, target: account });
  const links = [{ target: account, link_type: "is_related_to" }];
  assert.deepEqual(listed(await api.meetingsListPost({ links })), [second.id]);
  const ended_date = { type: "range", after: "2022-12-31T00:00:00Z" };
  assert.deepEqual(listed(await api.meetingsListPost({ ended_date })), [made.id]);
});

await check("meetingsCount and meetingsCountPost agree", async () => {
  for (const [query, count] of [[{}, 2], [{ state: ["completed"] }, 1], [{ members: [user, other] }, 2]]) {
    assert.deepEqual(await same(api.meetingsCount, api.meetingsCountPost, query), { count });
  }
});

await check("meetingsUpdate changes what is named and keeps the rest", async () => {
  const answer = await api.meetingsUpdate({ id: made.id, state: "canceled", members: { set: [other] } });
  const updated = answer.data.meeting;
  assert.equal(updated.state, "canceled");
  assert.deepEqual(updated.members.map((member) => member.display_id), [other]);
  assert.equal(updated.description, made.description);
  assert.ok(updated.modified_date > made.modified_date);
  const cleared = await api.meetingsUpdate({ id: made.id, ended_date: null, scheduled_date: null });
  assert.equal(cleared.data.meeting.ended_date, undefined);
});

await check("refusals can be told apart", async () => {
  const least = { title: "x", channel: "zoom", state: "scheduled", members: [user] };
  await refused(api.meetingsCreate({ ...least, channel: "fax" }), 400, "invalid_enum_value");
  await refused(api.meetingsCreate({ ...least, members: ["DEVU-9999"] }), 400, "invalid_id");
  await refused(api.meetingsCreate({ ...least, state: undefined }), 400, "missing_required_field");
  await refused(api.meetingsCreate({ ...least, external_ref: "cal-1" }), 400, "value_not_permitted");
});

await check("meetingsDelete answers 200 and the meeting is gone", async () => {
  assert.equal((await api.meetingsDelete({ id: made.id })).status, 200);
  await refused(api.meetingsGet({ id: made.id }), 404, "not_found");
  await refused(api.meetingsDelete({ id: made.id }), 404, "not_found");
  assert.equal((await api.meetingsCount({})).data.count, 1);
});
