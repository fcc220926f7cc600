import assert from "node:assert/strict";
import { api, check, ids, other, refused, same, user } from "./checks.mjs";

const account = (await api.accountsCreate({ display_name: "Acme" })).data.account;
const least = { type: "opportunity", title: "Deal", account: account.id, applies_to_part: "PROD-1", owned_by: [user] };
let deal;
let second;

await check("an opportunity is made and found", async () => {
  const answer = await api.worksCreate({
    ...least,
    body: "Two years",
    external_ref: "sf-1",
    stage: { name: "negotiation" },
    target_close_date: "2025-01-01T00:00:00Z",
  });
  deal = answer.data.work;
  assert.equal(answer.status, 201);
  assert.deepEqual([deal.type, deal.title, deal.stage.name], ["opportunity", "Deal", "negotiation"]);
  assert.deepEqual([deal.account.id, deal.applies_to_part.id], [account.id, "PROD-1"]);
  assert.deepEqual(await same(api.worksGet, api.worksGetPost, { id: deal.display_id }), { work: deal });
});

await check("opportunities are listed and counted", async () => {
  second = (await api.worksCreate({ ...least, title: "Second", owned_by: [other] })).data.work;
  for (const [query, expected] of [
    [{}, [second.id, deal.id]],
    [{ type: ["opportunity"], owned_by: [other] }, [second.id]],
    [{ external_ref: ["sf-1"], applies_to_part: ["PROD-1"] }, [deal.id]],
    [{ type: ["ticket", "issue"] }, []],
  ]) {
    const page = await same(api.worksList, api.worksListPost, query);
    assert.deepEqual(ids(page.works), expected);
    assert.equal((await same(api.worksCount, api.worksCountPost, query)).count, expected.length);
  }
  const byAccount = { opportunity: { account: [account.id] } };
  assert.equal((await api.worksListPost(byAccount)).data.works.length, 2);
  assert.equal((await api.worksList({ "opportunity.account": [account.id] })).data.works.length, 2);
});

await check("an opportunity is changed", async () => {
  const changes = { id: deal.id, type: "opportunity", title: "Bigger deal", owned_by: { set: [user, other] } };
  const changed = (await api.worksUpdate(changes)).data.work;
  assert.deepEqual([changed.title, changed.owned_by.length, changed.body], ["Bigger deal", 2, "Two years"]);
});

await check("an opportunity is deleted", async () => {
  assert.equal((await api.worksDelete({ id: second.id })).status, 200);
  await refused(api.worksGet({ id: second.id }), 404, "not_found");
});

await check("issues, tickets and tasks are not kept here, and there is no export", async () => {
  await refused(api.worksCreate({ ...least, type: "ticket" }), 400, "value_not_permitted");
  await refused(api.worksExport({}), 404, "not_found");
  await refused(api.worksExportPost({}), 404, "not_found");
});
