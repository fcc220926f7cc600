import assert from "node:assert/strict";
import { api, check, refused, same, signedIn } from "./checks.mjs";

let robot;

await check("a service account is made, found and renamed", async () => {
  const answer = await api.serviceAccountsCreate({ display_name: "Import" });
  robot = answer.data.service_account;
  assert.equal(answer.status, 201);
  const found = await same(api.serviceAccountsGet, api.serviceAccountsGetPost, { id: robot.id });
  assert.deepEqual(found, { service_account: robot });
  const renamed = await api.serviceAccountsUpdate({ id: robot.id, display_name: "Nightly import" });
  assert.equal(renamed.data.service_account.display_name, "Nightly import");
  await refused(api.serviceAccountsGet({ id: "SVCACC-99" }), 404, "not_found");
});

await check("its token records engagements in its name", async () => {
  const made = await api.authTokensCreate({ act_as: robot.id, scope: "engagement:write" });
  const program = signedIn(made.data.access_token);
  const call = { members: [robot.id], scheduled_date: "2023-01-01T12:00:00Z", title: "Imported" };
  const recorded = (await program.engagementsCreate(call)).data.engagement;
  assert.deepEqual([recorded.created_by.type, recorded.created_by.id], ["service_account", robot.id]);
  await refused(program.serviceAccountsCreate({ display_name: "x" }), 403, "forbidden");
});
