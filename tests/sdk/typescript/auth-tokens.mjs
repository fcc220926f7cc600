import assert from "node:assert/strict";
import { api, check, refused, same, signedIn } from "./checks.mjs";

let made;

await check("a token says whose it is", async () => {
  const found = await same(() => api.authTokensInfo(), api.authTokensInfoPost);
  assert.equal(found.user.email.startsWith("admin-"), true);
});

await check("a token is made, found, listed and renamed", async () => {
  const answer = await api.authTokensCreate({ token_hint: "export", scope: "engagement:read", expires_in: 30 });
  made = answer.data;
  assert.equal(answer.status, 201);
  assert.deepEqual([made.token_type, made.expires_in], ["bearer", 30 * 86400]);
  const found = await same(api.authTokensGet, api.authTokensGetPost, { token_id: made.token_id });
  assert.deepEqual([found.token.token_hint, found.token.scopes], ["export", ["engagement:read"]]);
  const { tokens } = await same(api.authTokensList, api.authTokensListPost);
  assert.deepEqual(tokens[0], found.token);
  const renamed = await api.authTokensUpdate({ token_id: made.token_id, token_hint: "weekly" });
  assert.equal(renamed.data.token.token_hint, "weekly");
});

await check("a token does what its scope allows until it is revoked", async () => {
  const program = signedIn(made.access_token);
  assert.equal((await program.engagementsCount({})).data.count, 0);
  await refused(program.tagsCreate({ name: "x" }), 403, "forbidden");
  assert.equal((await api.authTokensDelete({ token_id: made.token_id })).status, 200);
  await refused(program.engagementsCount({}), 401, "unauthenticated");
});

await check("a token revokes itself", async () => {
  const program = signedIn((await api.authTokensCreate({})).data.access_token);
  assert.equal((await program.authTokensSelfDelete({})).status, 200);
  await refused(program.authTokensInfo(), 401, "unauthenticated");
});
