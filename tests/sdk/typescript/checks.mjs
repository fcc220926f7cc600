// What the family scripts share: DevRev's own client, pointed at a live server, and one printed line per check.
import assert from "node:assert/strict";
import { client } from "@devrev/typescript-sdk";

export const { RAPPORT_USER: user, RAPPORT_OTHER: other } = process.env;
const { RAPPORT_URL: endpoint, RAPPORT_TOKEN: token } = process.env;
export const signedIn = (as) => client.setupBeta({ endpoint, token: as });
export const api = signedIn(token);

export async function check(what, run) {
  try {
    await run();
  } catch (error) {
    console.log(`not ok: ${what}: ${error.stack} ${JSON.stringify(error.response?.data)}`);
    process.exitCode = 1;
    return;
  }
  console.log(`ok: ${what}`);
}

export async function refused(call, status, type) {
  await assert.rejects(call, (error) => {
    assert.equal(error.response.status, status);
    assert.equal(error.response.data.type, type);
    assert.ok(error.response.data.message.length > 0);
    return true;
  });
}

// What a reading method answers, which must be the same by GET and by POST.
export async function same(get, post, request = {}) {
  const [got, posted] = [await get(request), await post(request)];
  assert.equal(got.status, 200);
  assert.deepEqual(posted.data, got.data);
  return got.data;
}

export const ids = (objects) => objects.map((object) => object.id);
