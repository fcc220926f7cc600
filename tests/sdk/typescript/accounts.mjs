import assert from "node:assert/strict";
import { api, check, ids, other, refused, same, user } from "./checks.mjs";

let acme;
let globex;
let tag;

await check("an account is made with its default rev org, and found", async () => {
  tag = (await api.tagsCreate({ name: "tier", allowed_values: ["gold", "silver"] })).data.tag;
  const answer = await api.accountsCreate({
    display_name: "Acme, Inc.",
    description: "Ships",
    domains: ["acme.example"],
    external_refs: ["crm-1"],
    owned_by: [user],
    tags: [{ id: tag.id, value: "gold" }],
    tier: "enterprise",
    websites: ["https://acme.example"],
  });
  acme = answer.data.account;
  assert.equal(answer.status, 201);
  assert.equal(answer.data.default_rev_org.account.id, acme.id);
  assert.deepEqual([acme.display_name, acme.tier, acme.owned_by[0].display_id], ["Acme, Inc.", "enterprise", user]);
  assert.deepEqual([acme.tags[0].tag.name, acme.tags[0].value], ["tier", "gold"]);
  assert.deepEqual(await same(api.accountsGet, api.accountsGetPost, { id: acme.id }), { account: acme });
});

await check("accounts are listed by what the client can filter by", async () => {
  globex = (await api.accountsCreate({ display_name: "Globex", owned_by: [other] })).data.account;
  const list = async (query) => ids((await same(api.accountsList, api.accountsListPost, query)).accounts);
  assert.deepEqual(await list({}), [globex.id, acme.id]);
  assert.deepEqual(await list({ display_name: ["Acme, Inc.", "none"] }), [acme.id]);
  assert.deepEqual(await list({ owned_by: [other], created_by: [user] }), [globex.id]);
  assert.deepEqual(await list({ tags: [tag.id], tier: ["enterprise"], domains: ["acme.example"] }), [acme.id]);
  assert.deepEqual(await list({ external_refs: ["crm-1"], websites: ["https://acme.example"] }), [acme.id]);
  assert.deepEqual(await list({ sort_by: ["created_date:asc"], limit: 1 }), [acme.id]);
});

await check("dates go into a query with a dot, and into a body as an object", async () => {
  const after = acme.created_date;
  const [byQuery, byBody] = [{ "created_date.after": after }, { created_date: { after } }];
  assert.deepEqual(ids((await api.accountsList(byQuery)).data.accounts), [globex.id]);
  assert.deepEqual(ids((await api.accountsListPost(byBody)).data.accounts), [globex.id]);
});

await check("pages", async () => {
  const first = await same(api.accountsList, api.accountsListPost, { limit: 1 });
  const second = await same(api.accountsList, api.accountsListPost, { limit: 1, cursor: first.next_cursor });
  assert.deepEqual(ids([...first.accounts, ...second.accounts]), [globex.id, acme.id]);
  assert.equal(second.next_cursor, undefined);
  const back = { limit: 1, cursor: second.prev_cursor, mode: "before" };
  assert.deepEqual((await same(api.accountsList, api.accountsListPost, back)).accounts, [globex]);
});

await check("an account is changed", async () => {
  const changes = { id: acme.id, display_name: "Acme", owned_by: [user, other], custom_fields: { tnt__size: 5 } };
  const changed = (await api.accountsUpdate(changes)).data.account;
  assert.deepEqual([changed.display_name, changed.owned_by.length, changed.tier], ["Acme", 2, "enterprise"]);
  assert.deepEqual(changed.custom_fields, { tnt__size: 5 });
});

await check("by custom field the client finds by POST; its GET spells the object with brackets, not as JSON", async () => {
  const query = { custom_fields: { tnt__size: 5 } };
  assert.deepEqual(ids((await api.accountsListPost(query)).data.accounts), [acme.id]);
  await refused(api.accountsList(query), 400, "invalid_field");
});

await check("an account in use can't go, one without engagements can", async () => {
  const call = { members: [user], scheduled_date: "2023-01-01T12:00:00Z", title: "Call", parent: acme.id };
  await api.engagementsCreate(call);
  await refused(api.accountsDelete({ id: acme.id }), 400, "value_not_permitted");
  assert.equal((await api.accountsDelete({ id: globex.id })).status, 200);
  await refused(api.accountsGet({ id: globex.id }), 404, "not_found");
});

await check("refusals can be told apart", async () => {
  await refused(api.accountsCreate({ display_name: "Two", external_refs: ["crm-1"] }), 409, "conflict");
  await refused(api.accountsCreate({ display_name: " " }), 400, "value_not_permitted");
  await refused(api.accountsCreate({ display_name: "Two", owned_by: ["ACC-1"] }), 400, "unexpected_id_type");
});

await check("what the server does not have is an unknown route: merge and export", async () => {
  await refused(api.accountsMerge({ primary_account: acme.id, secondary_account: globex.id }), 404, "not_found");
  await refused(api.accountsExport({}), 404, "not_found");
  await refused(api.accountsExportPost({}), 404, "not_found");
});
