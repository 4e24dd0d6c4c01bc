import assert from "node:assert/strict";
import test from "node:test";

import { mountKeys } from "../../connectors/static/connectors/keys.js";

class Control extends EventTarget {
  constructor(values, details) {
    super();
    Object.assign(this, { value: "", checked: false }, values);
    this.details = details;
  }

  closest() {
    return this.details;
  }

  type(text) {
    this.value = text;
    this.dispatchEvent(new Event("input"));
  }

  choose() {
    this.checked = true;
    this.dispatchEvent(new Event("change"));
  }
}

function editor({ stored = true } = {}) {
  const open = new Set(["open"]);
  const details = { removeAttribute: (name) => open.delete(name) };
  const controls = {
    api_key: new Control({}, details),
    api_key_env: new Control({}, details),
    remove_key: stored ? new Control() : null,
  };
  const sources = ["typed", "variable"].map((value) => new Control({ value }));
  const nameIn = (selector) => selector.slice("[name=".length, -1);
  mountKeys({
    querySelector: (selector) => controls[nameIn(selector)],
    querySelectorAll: (selector) => (nameIn(selector) === "key_source" ? sources : []),
  });
  return { ...controls, typed: sources[0], variable: sources[1], open };
}

test("what is typed wins over the mark to remove", () => {
  for (const name of ["api_key", "api_key_env"]) {
    const page = editor();
    page.remove_key.choose();
    page[name].type("ACME_API_KEY");
    assert.equal(page.remove_key.checked, false);
  }
});

test("removing clears what was typed and closes its place", () => {
  const page = editor();
  page.api_key.type("a key");
  page.api_key_env.type("ACME_API_KEY");
  page.remove_key.choose();
  assert.equal(page.api_key.value, "");
  assert.equal(page.api_key_env.value, "");
  assert.equal(page.open.size, 0);
});

test("taking the mark back keeps what was typed since", () => {
  const page = editor();
  page.api_key.type("a key");
  page.remove_key.checked = false;
  page.remove_key.dispatchEvent(new Event("change"));
  assert.equal(page.api_key.value, "a key");
});

test("what is not chosen is not kept unseen", () => {
  for (const stored of [true, false]) {
    const page = editor({ stored });
    page.api_key.type("a key");
    page.variable.choose();
    assert.equal(page.api_key.value, "");
    page.api_key_env.type("ACME_API_KEY");
    page.typed.choose();
    assert.equal(page.api_key_env.value, "");
  }
});

test("who may not replace keys has nothing to choose", () => {
  mountKeys({ querySelector: () => null, querySelectorAll: () => [] });
});
