import assert from "node:assert/strict";
import test from "node:test";

import { jsonLines, refusal } from "../../connectors/static/connectors/requests.js";

async function read(bytes, size) {
  async function* pieces() {
    for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  }
  const found = [];
  for await (const each of jsonLines(pieces())) found.push(each);
  return found;
}

test("lines are read however the network cuts them", async () => {
  const wanted = [{ title: "Schlüssel ✓" }, { title: "Modell" }, { title: "Ende" }];
  const text = wanted.map((each) => JSON.stringify(each)).join("\n") + "\n\n";
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size += 1) {
    assert.deepEqual(await read(bytes, size), wanted);
  }
});

test("a last line without its end counts", async () => {
  assert.deepEqual(await read(new TextEncoder().encode('{"a":1}\n{"b":2}'), 3), [{ a: 1 }, { b: 2 }]);
});

test("a cut line is an error, not an answer", async () => {
  await assert.rejects(read(new TextEncoder().encode('{"a":1}\n{"b":'), 4), SyntaxError);
});

test("who is logged out is told so, and other refusals by their status", () => {
  const content = JSON.stringify({ logged_out: "Log in.", refused: "Status {status}." });
  globalThis.document = { getElementById: () => ({ textContent: content }) };
  assert.equal(refusal({ type: "opaqueredirect", status: 0 }), "Log in.");
  assert.equal(refusal({ type: "basic", status: 403 }), "Status 403.");
});
