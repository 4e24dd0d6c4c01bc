import assert from "node:assert/strict";
import test from "node:test";

import { moved, placeAfter } from "../../connectors/static/connectors/ordering.js";

test("a tile moves and the others close the gap", () => {
  assert.deepEqual(moved(["a", "b", "c"], 0, 2), ["b", "c", "a"]);
  assert.deepEqual(moved(["a", "b", "c"], 2, 0), ["c", "a", "b"]);
  assert.deepEqual(moved(["a", "b", "c"], 1, 1), ["a", "b", "c"]);
});

test("arrows move by one, Home and End to the ends, and nothing leaves the list", () => {
  assert.equal(placeAfter("ArrowUp", 1, 3), 0);
  assert.equal(placeAfter("ArrowLeft", 0, 3), 0);
  assert.equal(placeAfter("ArrowDown", 1, 3), 2);
  assert.equal(placeAfter("ArrowRight", 2, 3), 2);
  assert.equal(placeAfter("Home", 2, 3), 0);
  assert.equal(placeAfter("End", 0, 3), 2);
});

test("other keys are left alone", () => {
  assert.equal(placeAfter("Tab", 1, 3), null);
  assert.equal(placeAfter("a", 1, 3), null);
});
