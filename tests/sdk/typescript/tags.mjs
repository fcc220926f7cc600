import assert from "node:assert/strict";
import { api, check, ids, refused, same, user } from "./checks.mjs";

let size;

await check("a tag is made and found", async () => {
  const answer = await api.tagsCreate({ name: "size", description: "How big", allowed_values: ["small", "large"] });
  size = answer.data.tag;
  assert.equal(answer.status, 201);
  assert.deepEqual([size.name, size.allowed_values], ["size", ["small", "large"]]);
  assert.deepEqual(await same(api.tagsGet, api.tagsGetPost, { id: size.id }), { tag: size });
});

await check("tags are listed", async () => {
  const hot = (await api.tagsCreate({ name: "hot, new" })).data.tag;
  const list = async (query) => ids((await same(api.tagsList, api.tagsListPost, query)).tags);
  assert.deepEqual(await list({}), [hot.id, size.id]);
  assert.deepEqual(await list({ name: ["hot, new"] }), [hot.id]);
  assert.deepEqual(await list({ sort_by: ["name:desc"], limit: 1 }), [size.id]);
});

await check("a tag is changed", async () => {
  const answer = await api.tagsUpdate({ id: size.id, name: "Size", allowed_values: { set: ["small"] } });
  assert.deepEqual([answer.data.tag.name, answer.data.tag.allowed_values], ["Size", ["small"]]);
});

await check("a deleted tag disappears from the engagement that had it", async () => {
  const call = { members: [user], scheduled_date: "2023-01-01T12:00:00Z", title: "Call" };
  const tagged = { ...call, tags: [{ id: size.id, value: "small" }] };
  await refused(api.engagementsCreate({ ...call, tags: [{ id: size.id, value: "large" }] }), 400, "value_not_permitted");
  const made = (await api.engagementsCreate(tagged)).data.engagement;
  assert.deepEqual(made.tags, [size.id]);
  assert.equal((await api.tagsDelete({ id: size.id })).status, 200);
  await refused(api.tagsGet({ id: size.id }), 404, "not_found");
  assert.equal((await api.engagementsGet({ id: made.id })).data.engagement.tags, undefined);
});
