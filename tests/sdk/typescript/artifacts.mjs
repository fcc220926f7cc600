import assert from "node:assert/strict";
import { api, check, ids, refused, same, user } from "./checks.mjs";

// The client only says what comes; the bytes go to and come from the URLs that it is given.
async function upload(prepared, content) {
  const form = new FormData();
  for (const { key, value } of prepared.form_data) form.append(key, value);
  form.append("file", new Blob([content]), "notes.txt");
  return (await fetch(prepared.url, { method: "POST", body: form })).status;
}

const download = async (located) => await (await fetch(located.url)).text();
const text = "Renewal: they want two years.\n日本語";
let artifact;
let engagement;

await check("a file is prepared, uploaded as multipart, and found", async () => {
  const answer = await api.artifactsPrepare({ file_name: "notes.txt", file_type: "text/plain" });
  assert.equal(answer.status, 200);
  assert.equal(await upload(answer.data, text), 204);
  assert.equal(await upload(answer.data, text), 403);
  artifact = answer.data.id;
  const found = await same(api.artifactsGet, api.artifactsGetPost, { id: artifact });
  const file = { type: "text/plain", name: "notes.txt", size: new Blob([text]).size };
  assert.deepEqual([found.artifact.id, found.artifact.file], [artifact, file]);
});

await check("its bytes come back from the URL that locate answers", async () => {
  assert.equal(await download((await api.artifactsLocate({ id: artifact })).data), text);
  assert.equal(await download((await api.artifactsLocatePost({ id: artifact })).data), text);
});

await check("it is attached to one engagement for ever", async () => {
  const call = { members: [user], scheduled_date: "2023-01-01T12:00:00Z", title: "Call", artifacts: [artifact] };
  engagement = (await api.engagementsCreate(call)).data.engagement;
  assert.deepEqual(engagement.artifacts, [artifact]);
  const listed = await same(api.artifactsList, api.artifactsListPost, { parent_id: engagement.id });
  assert.deepEqual(ids(listed.artifacts), [artifact]);
  await refused(api.engagementsCreate(call), 400, "artifact_already_attached_to_a_parent");
});

await check("it gets a second version, and loses the first", async () => {
  const prepared = (await api.artifactsVersionsPrepare({ id: artifact })).data;
  assert.equal(await upload(prepared, "three years"), 204);
  assert.equal(await download((await api.artifactsLocate({ id: artifact })).data), "three years");
  assert.equal(await download((await api.artifactsLocate({ id: artifact, version: "1" })).data), text);
  assert.equal((await api.artifactsHardDeleteVersion({ id: artifact, version: "1" })).status, 200);
  await refused(api.artifactsLocate({ id: artifact, version: "1" }), 404, "not_found");
});
