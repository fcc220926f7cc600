import assert from "node:assert/strict";
import { api, check, ids, other, refused, same, user } from "./checks.mjs";

let dora;

await check("self, found and changed", async () => {
  const self = () => same(() => api.devUsersSelf(), api.devUsersSelfPost);
  assert.equal((await self()).dev_user.display_id, user);
  const changed = (await api.devUsersSelfUpdate({ full_name: "Alice Adams" })).data.dev_user;
  assert.equal(changed.full_name, "Alice Adams");
  assert.deepEqual((await self()).dev_user, changed);
});

await check("a shadow user is made and found", async () => {
  const answer = await api.devUsersCreate({ email: "dora@example.com", full_name: "Dora Doe", state: "shadow" });
  dora = answer.data.dev_user;
  assert.equal(answer.status, 201);
  assert.deepEqual([dora.email, dora.state], ["dora@example.com", "shadow"]);
  assert.deepEqual(await same(api.devUsersGet, api.devUsersGetPost, { id: dora.id }), { dev_user: dora });
});

await check("dev users are listed", async () => {
  const list = async (query) => ids((await same(api.devUsersList, api.devUsersListPost, query)).dev_users);
  assert.equal((await list({})).length, 3);
  assert.deepEqual(await list({ email: ["dora@example.com"] }), [dora.id]);
  assert.deepEqual(await list({ state: ["shadow"] }), [dora.id]);
});

await check("a dev user is changed, activated and deactivated", async () => {
  const state = async () => (await api.devUsersGet({ id: dora.id })).data.dev_user.state;
  const changed = (await api.devUsersUpdate({ id: dora.id, full_name: "Dora D.", reports_to: other })).data.dev_user;
  assert.deepEqual([changed.full_name, changed.reports_to.display_id], ["Dora D.", other]);
  await api.devUsersActivate({ id: dora.id });
  assert.equal(await state(), "active");
  await api.devUsersDeactivate({ id: dora.id });
  assert.equal(await state(), "deactivated");
});

await check("refusals can be told apart", async () => {
  const again = { email: "Dora@Example.com", state: "shadow" };
  await refused(api.devUsersCreate(again), 400, "value_not_permitted");
  await refused(api.devUsersGet({ id: "DEVU-99" }), 404, "not_found");
});

await check("what the server does not have is an unknown route: identities and merge", async () => {
  const identity = { dev_user: dora.id, id: "1", issuer: "https://idp.example" };
  await refused(api.devUsersIdentitiesLink(identity), 404, "not_found");
  await refused(api.devUsersIdentitiesUnlink(identity), 404, "not_found");
  await refused(api.devUsersMerge({ primary_user: user, secondary_user: dora.id }), 404, "not_found");
});
