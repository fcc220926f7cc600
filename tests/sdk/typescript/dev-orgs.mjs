import assert from "node:assert/strict";
import { api, check, refused, same } from "./checks.mjs";

await check("the caller's own org is found", async () => {
  const found = await same(() => api.devOrgsGet(), api.devOrgsGetPost);
  assert.match(found.dev_org.display_id, /^DEV-/);
  assert.equal(found.dev_org.display_name, "Alice's");
});

await check("what the server does not have is an unknown route: auth connections", async () => {
  await refused(api.devOrgAuthConnectionsList(), 404, "not_found");
});
