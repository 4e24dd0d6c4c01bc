import assert from "node:assert/strict";
import test from "node:test";

import {
  getConnector,
  onRegistered,
  registerConnector,
  unregisterConnector,
} from "../../connectors/static/connectors/registry.js";
import { mockConnectorPage } from "../../connectors/static/connectors/testing.js";

const AZURE = "ai_provider/azure-ai-foundry";

test("a connector is registered once, under a proper name, with a rendering", (t) => {
  t.after(() => unregisterConnector(AZURE));
  assert.throws(() => registerConnector("azure", { render() {} }), TypeError);
  assert.throws(() => registerConnector(AZURE, {}), TypeError);
  const connector = { render() {} };
  registerConnector(AZURE, connector);
  assert.equal(getConnector(AZURE), connector);
  assert.throws(() => registerConnector(AZURE, connector), /already/);
  assert.equal(unregisterConnector(AZURE), true);
  assert.equal(getConnector(AZURE), null);
});

test("who asked is told of a registration, until it leaves", (t) => {
  t.after(() => unregisterConnector(AZURE));
  const told = [];
  const stop = onRegistered((name) => told.push(name));
  registerConnector(AZURE, { render() {} });
  stop();
  unregisterConnector(AZURE);
  registerConnector(AZURE, { render() {} });
  assert.deepEqual(told, [AZURE]);
});

test("an app tests its rendering without a browser", (t) => {
  t.after(() => unregisterConnector(AZURE));
  let left = false;
  registerConnector(AZURE, {
    render(root, { connection, values }) {
      const input = document.createElement("input");
      input.name = "field-region";
      input.value = values.region;
      const button = document.createElement("button");
      button.textContent = `Use the default for ${connection}`;
      button.addEventListener("click", () => {
        input.value = "eu";
      });
      root.replaceChildren(input, button);
      return () => {
        left = true;
      };
    },
  });
  const page = mockConnectorPage(AZURE, { values: { region: "us" } });
  assert.deepEqual(page.controls(), { "field-region": "us" });
  page.render();
  assert.equal(page.root.textContent, "Use the default for new");
  page.root.find("button").dispatch("click");
  assert.deepEqual(page.controls(), { "field-region": "eu" });
  page.leave();
  assert.equal(left, true);
  assert.equal(globalThis.document, undefined);
});

test("a rendering that nobody registered is named", () => {
  assert.throws(() => mockConnectorPage("ai_provider/none").render(), /ai_provider\/none/);
});
