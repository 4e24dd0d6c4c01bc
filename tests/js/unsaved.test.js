import assert from "node:assert/strict";
import test from "node:test";

import { isUnsaved, markSaved, mayLose } from "../../connectors/static/connectors/unsaved.js";

function part({ marked = false, inside = 0 } = {}) {
  const holders = Array.from({ length: inside }, () => part({ marked: true }));
  return {
    matches: () => marked,
    querySelector: () => holders.find((each) => each.matches()) ?? null,
    querySelectorAll: () => holders.filter((each) => each.matches()),
    removeAttribute: () => {
      marked = false;
    },
  };
}

test("a part is unsaved if it, or something in it, is", () => {
  assert.equal(isUnsaved(part()), false);
  assert.equal(isUnsaved(part({ marked: true })), true);
  assert.equal(isUnsaved(part({ inside: 1 })), true);
});

test("what was saved is marked no more", () => {
  const saved = part({ marked: true, inside: 2 });
  markSaved(saved);
  assert.equal(isUnsaved(saved), false);
});

test("only what is unsaved is asked about", () => {
  globalThis.document = { getElementById: () => null };
  try {
    assert.equal(mayLose(part(), () => assert.fail("asked")), true);
    assert.equal(mayLose(part({ marked: true }), () => false), false);
    assert.equal(mayLose(part({ inside: 1 }), () => true), true);
  } finally {
    delete globalThis.document;
  }
});
