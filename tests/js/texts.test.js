import assert from "node:assert/strict";
import test from "node:test";

import { fill, moduleData, text } from "../../connectors/static/connectors/texts.js";

function page(contents) {
  return {
    getElementById: (id) => (id in contents ? { textContent: JSON.stringify(contents[id]) } : null),
  };
}

test("names are filled in, others stay", () => {
  assert.equal(fill("{name} is {place} of {count}", { name: "a", place: 1 }), "a is 1 of {count}");
  assert.equal(fill("{toString}", {}), "{toString}");
});

test("sentences come from the page", () => {
  const root = page({ "connectors-texts": { moved: "{name} moved" } });
  assert.equal(text("moved", { name: "a" }, root), "a moved");
  assert.equal(text("unknown", {}, root), "unknown");
});

test("a module finds its own data", () => {
  const root = page({ "connectors-module-data-shop/azure": { a: 1 } });
  assert.deepEqual(moduleData("shop/azure", root), { a: 1 });
  assert.equal(moduleData("shop/other", root), null);
});
