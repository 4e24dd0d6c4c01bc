import assert from "node:assert/strict";
import test from "node:test";

import { openTiles } from "../../connectors/static/connectors/remembering.js";

function storage(kept = {}) {
  return {
    getItem: (key) => kept[key] ?? null,
    setItem: (key, value) => {
      kept[key] = value;
    },
  };
}

test("nothing is open at first", () => {
  assert.deepEqual([...openTiles(storage()).all()], []);
});

test("what was opened is remembered until it is closed", () => {
  const kept = storage();
  openTiles(kept).remember("a");
  openTiles(kept).remember("b");
  openTiles(kept).forget("a");
  assert.deepEqual([...openTiles(kept).all()], ["b"]);
});

test("tiles that are gone are forgotten", () => {
  const tiles = openTiles(storage());
  tiles.remember("a");
  tiles.remember("b");
  tiles.keepOnly(["b", "c"]);
  assert.deepEqual([...tiles.all()], ["b"]);
});

test("foreign content in the storage opens nothing", () => {
  for (const foreign of ["{", "{}", "7", "null"]) {
    assert.deepEqual([...openTiles(storage({ "connectors.open": foreign })).all()], []);
  }
});

test("a browser that keeps nothing does not break the page", () => {
  const refuses = () => {
    throw new Error("denied");
  };
  const tiles = openTiles({ getItem: refuses, setItem: refuses });
  tiles.remember("a");
  assert.deepEqual([...tiles.all()], []);
});
