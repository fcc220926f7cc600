import assert from "node:assert/strict";
import { api, check, ids, refused, same, user } from "./checks.mjs";

// A name that no resolver knows: what is told to it goes nowhere.
const url = "https://receiver.invalid/hook";
let webhook;

await check("a webhook is made, unverified until its receiver answers the challenge, and found", async () => {
  const answer = await api.webhooksCreate({ url, event_types: ["account_created"], secret: "c2VjcmV0IGZvciB0ZXN0cw==" });
  webhook = answer.data.webhook;
  assert.equal(answer.status, 201);
  assert.deepEqual(
    [webhook.url, webhook.event_types, webhook.status, webhook.secret],
    [url, ["account_created"], "unverified", "c2VjcmV0IGZvciB0ZXN0cw=="],
  );
  assert.deepEqual(await same(api.webhooksGet, api.webhooksGetPost, { id: webhook.id }), { webhook });
});

await check("webhooks are listed by status", async () => {
  const list = async (query) => ids((await same(api.webhooksList, api.webhooksListPost, query)).webhooks);
  assert.deepEqual(await list({}), [webhook.id]);
  assert.deepEqual(await list({ status: ["active"] }), []);
});

await check("a webhook is changed, and its own network is no place for it", async () => {
  const changes = { event_types: { add: ["tag_created"] }, headers: { set: [{ name: "x-team", value: "sales" }] } };
  const changed = (await api.webhooksUpdate({ id: webhook.id, ...changes })).data.webhook;
  assert.deepEqual(changed.event_types, ["account_created", "tag_created"]);
  assert.deepEqual(changed.headers, [{ name: "x-team", value: "sales" }]);
  await refused(api.webhooksUpdate({ id: webhook.id, url: "http://169.254.169.254/" }), 400, "value_not_permitted");
});

await check("an object is fetched to a webhook, which is then deleted", async () => {
  const account = (await api.accountsCreate({ display_name: "Acme" })).data.account;
  const work = { type: "opportunity", title: "Deal", account: account.id, applies_to_part: "PROD-1", owned_by: [user] };
  const object = (await api.worksCreate(work)).data.work.id;
  assert.equal((await api.webhooksFetch({ id: webhook.id, object })).status, 200);
  assert.equal((await api.webhooksDelete({ id: webhook.id })).status, 200);
  await refused(api.webhooksGet({ id: webhook.id }), 404, "not_found");
});
