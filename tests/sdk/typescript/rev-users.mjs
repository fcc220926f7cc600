import assert from "node:assert/strict";
import { api, check, ids, refused, same } from "./checks.mjs";

const { account, default_rev_org: revOrg } = (await api.accountsCreate({ display_name: "Acme" })).data;
let rita;

await check("a rev user is made in an account's rev org and found", async () => {
  const answer = await api.revUsersCreate({
    account: account.id,
    display_name: "Rita",
    email: "rita@acme.example",
    external_ref: "crm-r1",
    phone_numbers: ["+49301"],
  });
  rita = answer.data.rev_user;
  assert.equal(answer.status, 201);
  assert.deepEqual([rita.display_name, rita.rev_org.id], ["Rita", revOrg.id]);
  assert.deepEqual(await same(api.revUsersGet, api.revUsersGetPost, { id: rita.id }), { rev_user: rita });
});

await check("rev users are listed", async () => {
  const rolf = (await api.revUsersCreate({ display_name: "Rolf" })).data.rev_user;
  const list = async (query) => ids((await same(api.revUsersList, api.revUsersListPost, query)).rev_users);
  assert.deepEqual(await list({}), [rolf.id, rita.id]);
  assert.deepEqual(await list({ email: ["rita@acme.example"], rev_org: [revOrg.id] }), [rita.id]);
  assert.deepEqual(await list({ external_ref: ["crm-r1"], phone_numbers: ["+49301"] }), [rita.id]);
});

await check("a rev user is changed", async () => {
  const changed = (await api.revUsersUpdate({ id: rita.id, display_name: "Rita R." })).data.rev_user;
  assert.deepEqual([changed.display_name, changed.email], ["Rita R.", "rita@acme.example"]);
});

await check("an external_ref is taken once, and a deleted rev user is gone", async () => {
  await refused(api.revUsersCreate({ external_ref: "crm-r1" }), 409, "conflict");
  assert.equal((await api.revUsersDelete({ id: rita.id })).status, 200);
  await refused(api.revUsersGet({ id: rita.id }), 404, "not_found");
});

await check("what the server does not have is an unknown route: merge, scan, associations and links", async () => {
  await refused(api.revUsersMerge({ primary_user: "REVU-1", secondary_user: "REVU-2" }), 404, "not_found");
  await refused(api.revUsersScan({}), 404, "not_found");
  await refused(api.revUsersAssociationsList({ id: "REVU-2" }), 404, "not_found");
  await refused(api.linkRevUserToRevOrg({ id: "REVU-2" }), 404, "not_found");
});
