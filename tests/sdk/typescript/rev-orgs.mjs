import assert from "node:assert/strict";
import { api, check, ids, refused, same } from "./checks.mjs";

const { account, default_rev_org: first } = (await api.accountsCreate({ display_name: "Acme" })).data;
let west;

await check("a rev org is made and found, also by its account", async () => {
  const answer = await api.revOrgsCreate({ account: account.id, display_name: "West", external_ref: "crm-w" });
  west = answer.data.rev_org;
  assert.equal(answer.status, 201);
  assert.deepEqual([west.display_name, west.account.id], ["West", account.id]);
  assert.deepEqual(await same(api.revOrgsGet, api.revOrgsGetPost, { id: west.id }), { rev_org: west });
  const byAccount = await same(api.revOrgsGet, api.revOrgsGetPost, { account: account.id });
  assert.equal(byAccount.rev_org.id, first.id);
});

await check("rev orgs are listed", async () => {
  const list = async (query) => ids((await same(api.revOrgsList, api.revOrgsListPost, query)).rev_orgs);
  assert.deepEqual(await list({}), [west.id, first.id]);
  assert.deepEqual(await list({ account: [account.id], display_name: ["West"] }), [west.id]);
  assert.deepEqual(await list({ external_ref: ["crm-w"], limit: 1 }), [west.id]);
});

await check("a rev org is changed and deleted", async () => {
  const changed = (await api.revOrgsUpdate({ id: west.id, display_name: "Far west" })).data.rev_org;
  assert.deepEqual([changed.display_name, changed.external_ref], ["Far west", "crm-w"]);
  assert.equal((await api.revOrgsDelete({ id: west.id })).status, 200);
  await refused(api.revOrgsGet({ id: west.id }), 404, "not_found");
});
