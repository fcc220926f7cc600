// The engagements family: all six methods, with what a client reads back, pages, filters and refusals.
import assert from "node:assert/strict";
import { api, check, ids, other, refused, signedIn, user } from "./checks.mjs";

const listed = (answer) => ids(answer.data.engagements);
let made;
let second;

await check("engagementsCreate answers 201 with the engagement", async () => {
  const answer = await api.engagementsCreate({
    members: [user],
    scheduled_date: "2023-01-01T12:00:00.000Z",
    title: "Discuss the quarterly roadmap",
    engagement_type: "call",
    description: "über alles, \"quoted\", 日本語",
    external_ref: "crm-1",
    external_url: "https://example.com/calls/1",
  });
  made = answer.data.engagement;
  assert.equal(answer.status, 201);
  assert.equal(made.title, "Discuss the quarterly roadmap");
  assert.equal(made.description, "über alles, \"quoted\", 日本語");
  assert.equal(made.created_by.display_id, user);
  assert.match(made.id, /^don:core:dvrv-us-1:devo\/.+:engagement\/\d+$/);
});

await check("engagementsGet finds it by its id", async () => {
  const answer = await api.engagementsGet({ id: made.id });
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.data.engagement, made);
});

await check("engagementsGetPost finds it by its display id", async () => {
  const answer = await api.engagementsGetPost({ id: made.display_id });
  assert.deepEqual(answer.data.engagement, made);
});

await check("a second one, with another type and two members", async () => {
  const answer = await api.engagementsCreate({
    members: [user, other],
    scheduled_date: "2024-06-01T09:30:00+02:00",
    title: "Visit",
    engagement_type: "offline",
    external_ref: "crm, with a comma",
  });
  second = answer.data.engagement;
  assert.equal(second.scheduled_date, "2024-06-01T07:30:00.000Z");
  assert.equal(second.members.length, 2);
});

await check("engagementsList gives both, the newest first", async () => {
  const answer = await api.engagementsList({});
  assert.deepEqual(answer.data.engagements, [second, made]);
});

await check("engagementsList with arrays in the query", async () => {
  assert.deepEqual(listed(await api.engagementsList({ members: [other] })), [second.id]);
  assert.deepEqual(listed(await api.engagementsList({ members: [user, other] })), [second.id, made.id]);
  assert.deepEqual(listed(await api.engagementsList({ type: ["call", "email"] })), [made.id]);
  assert.deepEqual(listed(await api.engagementsList({ external_ref: ["crm, with a comma", "none"] })), [second.id]);
  const sorted = { sort_by: ["title:asc", "created_date:desc"], limit: 1 };
  assert.deepEqual(listed(await api.engagementsList(sorted)), [made.id]);
});

await check("engagementsList goes on and comes back with cursors", async () => {
  const first = await api.engagementsList({ limit: 1 });
  assert.deepEqual(listed(first), [second.id]);
  assert.equal(first.data.prev_cursor, undefined);
  const next = await api.engagementsList({ limit: 1, cursor: first.data.next_cursor });
  assert.deepEqual(listed(next), [made.id]);
  assert.equal(next.data.next_cursor, undefined);
  const back = await api.engagementsList({ limit: 1, cursor: next.data.prev_cursor, mode: "before" });
  assert.deepEqual(listed(back), [second.id]);
});

await check("engagementsListPost gives the same as engagementsList", async () => {
  for (const query of [{}, { members: [other] }, { type: ["offline", "call"] }, { external_ref: ["crm-1"] }, { limit: 1 }]) {
    assert.deepEqual((await api.engagementsListPost(query)).data, (await api.engagementsList(query)).data);
  }
});

await check("engagementsCount and engagementsCountPost agree", async () => {
  for (const [query, count] of [[{}, 2], [{ type: ["call"] }, 1], [{ members: [user, other] }, 2], [{ type: ["email"] }, 0]]) {
    assert.equal((await api.engagementsCount(query)).data.count, count);
    assert.equal((await api.engagementsCountPost(query)).data.count, count);
  }
});

await check("engagementsUpdate changes what is named and keeps the rest", async () => {
  const answer = await api.engagementsUpdate({ id: made.id, title: "Renewal", members: { set: [other] } });
  assert.equal(answer.status, 200);
  const updated = answer.data.engagement;
  assert.equal(updated.title, "Renewal");
  assert.deepEqual(updated.members, [second.members[1]]);
  assert.equal(updated.description, made.description);
  assert.ok(updated.modified_date > made.modified_date);
  assert.deepEqual((await api.engagementsGet({ id: made.id })).data.engagement, updated);
});

await check("engagementsDelete answers 200 and the engagement is gone", async () => {
  assert.equal((await api.engagementsDelete({ id: made.id })).status, 200);
  await refused(api.engagementsGet({ id: made.id }), 404, "not_found");
  await refused(api.engagementsGetPost({ id: made.id }), 404, "not_found");
  await refused(api.engagementsDelete({ id: made.id }), 404, "not_found");
  await refused(api.engagementsUpdate({ id: made.id, title: "x" }), 404, "not_found");
  assert.equal((await api.engagementsCount({})).data.count, 1);
});

await check("refusals can be told apart", async () => {
  const least = { members: [user], scheduled_date: "2023-01-01T12:00:00.000Z", title: "x" };
  await refused(api.engagementsCreate({ ...least, title: undefined }), 400, "missing_required_field");
  await refused(api.engagementsCreate({ ...least, members: [] }), 400, "value_not_permitted");
  await refused(api.engagementsCreate({ ...least, members: ["DEVU-9999"] }), 400, "invalid_id");
  await refused(api.engagementsCreate({ ...least, members: ["ACC-1"] }), 400, "unexpected_id_type");
  await refused(api.engagementsCreate({ ...least, engagement_type: "fax" }), 400, "invalid_enum_value");
  await refused(api.engagementsCreate({ ...least, title: 7 }), 400, "unexpected_json_type");
  await refused(api.engagementsCreate({ ...least, colour: "red" }), 400, "invalid_field");
  await refused(api.engagementsCreate({ ...least, external_ref: "crm, with a comma" }), 400, "value_not_permitted");
  await refused(api.engagementsList({ cursor: "broken" }), 400, "invalid_field");
  await refused(api.engagementsList({ limit: 101 }), 400, "value_not_permitted");
});

await check("a wrong token is unauthenticated", async () => {
  const stranger = signedIn("rpt_wrong");
  await refused(stranger.engagementsGet({ id: second.id }), 401, "unauthenticated");
});
