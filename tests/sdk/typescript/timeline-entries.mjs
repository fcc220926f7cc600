import assert from "node:assert/strict";
import { api, check, ids, other, refused, same, user } from "./checks.mjs";

const call = { members: [user], scheduled_date: "2023-01-01T12:00:00Z", title: "Call" };
const object = (await api.engagementsCreate(call)).data.engagement.id;
let comment;

await check("a comment is made and found", async () => {
  const request = { type: "timeline_comment", object, body: "They want two years.", labels: ["next step"] };
  const answer = await api.timelineEntriesCreate(request);
  comment = answer.data.timeline_entry;
  assert.equal(answer.status, 201);
  assert.deepEqual([comment.type, comment.body, comment.object], ["timeline_comment", "They want two years.", object]);
  assert.deepEqual(await same(api.timelineEntriesGet, api.timelineEntriesGetPost, { id: comment.id }), {
    timeline_entry: comment,
  });
});

await check("comments and changes are in one list", async () => {
  await api.engagementsUpdate({ id: object, title: "Renewal call" });
  const list = async (query) =>
    (await same(api.timelineEntriesList, api.timelineEntriesListPost, { object, ...query })).timeline_entries;
  const all = await list({});
  const changes = all.filter((entry) => entry.type === "timeline_change_event").map((entry) => entry.event);
  assert.deepEqual(changes.map((event) => event.type).sort(), ["created", "updated"]);
  const [delta] = changes.find((event) => event.type === "updated").updated.field_deltas;
  assert.equal(delta.name, "title");
  assert.deepEqual(ids(await list({ collections: ["discussions"] })), [comment.id]);
  assert.deepEqual(ids(await list({ labels: ["next step"] })), [comment.id]);
  const { data } = await api.timelineEntriesList({ object, limit: 2 });
  const rest = await list({ limit: 2, cursor: data.next_cursor });
  assert.deepEqual([...ids(data.timeline_entries), ...ids(rest)], ids(all));
});

await check("a comment is changed without saying its type, and deleted", async () => {
  const answer = await api.timelineEntriesUpdate({ id: comment.id, body: "They want three." });
  assert.equal(answer.data.timeline_entry.body, "They want three.");
  assert.equal((await api.timelineEntriesDelete({ id: comment.id })).status, 200);
  await refused(api.timelineEntriesGet({ id: comment.id }), 404, "not_found");
});

await check("a private comment names those who may read it", async () => {
  const secret = { type: "timeline_comment", object, body: "Salary", visibility: "private", private_to: [other] };
  const made = (await api.timelineEntriesCreate(secret)).data.timeline_entry;
  assert.equal(made.visibility, "private");
});
