import assert from "node:assert/strict";
import { api, check, ids, refused, same, user } from "./checks.mjs";

const account = (await api.accountsCreate({ display_name: "Acme" })).data.account;
const rita = (await api.revUsersCreate({ display_name: "Rita" })).data.rev_user;
const work = { type: "opportunity", title: "Deal", account: account.id, applies_to_part: "PROD-1", owned_by: [user] };
const deal = (await api.worksCreate(work)).data.work;
let link;

await check("a link is made and found", async () => {
  const answer = await api.linksCreate({ link_type: "is_part_of", source: deal.id, target: account.id });
  link = answer.data.link;
  assert.equal(answer.status, 201);
  assert.deepEqual([link.source.type, link.target.type], ["opportunity", "account"]);
  assert.deepEqual(await same(api.linksGet, api.linksGetPost, { id: link.id }), { link });
});

await check("an object's links are listed", async () => {
  const served = (await api.linksCreate({ link_type: "serves", source: account.id, target: rita.id })).data.link;
  const object = account.id;
  const list = async (query) => ids((await same(api.linksList, api.linksListPost, { object, ...query })).links);
  assert.deepEqual(await list({}), [served.id, link.id]);
  assert.deepEqual(await list({ direction: "is_source" }), [served.id]);
  assert.deepEqual(await list({ link_type: ["is_part_of", "imports"], object_types: ["opportunity"] }), [link.id]);
});

await check("a link is replaced and deleted", async () => {
  const request = { id: link.id, link_type: "is_related_to", source: deal.id, target: account.id };
  const replaced = (await api.linksReplace(request)).data.link;
  await refused(api.linksGet({ id: link.id }), 404, "not_found");
  assert.equal((await api.linksDelete({ id: replaced.id })).status, 200);
  await refused(api.linksGet({ id: replaced.id }), 404, "not_found");
});

await check("the list's filter custom_link_type is not in the documented API", async () => {
  await refused(api.linksList({ object: account.id, custom_link_type: ["x"] }), 400, "invalid_field");
});
