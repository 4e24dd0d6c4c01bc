import assert from "node:assert/strict";
import { register } from "node:module";
import test from "node:test";

import { mockConnectorPage } from "../../connectors/static/connectors/testing.js";

// The page's import map, for Node.
const registry = new URL("../../connectors/static/connectors/registry.js", import.meta.url).href;
const hooks = `export function resolve(name, context, next) {
  if (name !== "@koneek/connectors") return next(name, context);
  return { url: ${JSON.stringify(registry)}, shortCircuit: true };
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
const { CONNECTOR, parseNames, question } = await import(
  "../../ai_client/static/ai_client/azure_ai_foundry.js"
);

const DATA = {
  detect: "/connectors/v1/detect",
  capabilities: [
    { value: "text_generation", label: "Text" },
    { value: "chat_history", label: "Conversations" },
    { value: "image_generation", label: "Images" },
  ],
  usual: ["text_generation", "chat_history"],
  texts: {
    capabilities: "What for",
    detect: "Connect and detect",
    busy: "Asking…",
    found: "Found: {models}.",
    failed: "Failed.",
  },
};
const VALUES = { deployments: "", capabilities: "image_generation", api_version: "2024-10-21" };

function pageWith(values = VALUES, { connection = "new", form = {}, data = DATA } = {}) {
  const page = mockConnectorPage(CONNECTOR, { connection, values });
  for (const input of page.root.findAll("input")) input.form = { elements: form };
  const text = JSON.stringify(data);
  page.document.getElementById = (id) =>
    data && id === "connectors-module-data-ai-client/azure-ai-foundry"
      ? { textContent: text }
      : null;
  page.render();
  return page;
}

function ticked(page) {
  return boxesOf(page).filter((box) => box.checked).map((box) => box.value);
}

function boxesOf(page) {
  return page.root.findAll("input").filter((input) => input.type === "checkbox");
}

function answering(status, body) {
  const asked = [];
  const before = globalThis.fetch;
  globalThis.fetch = async (url, options) => {
    asked.push({ url, ...options, body: JSON.parse(options.body) });
    return { ok: status === 200, status, json: async () => body };
  };
  return { asked, restore: () => (globalThis.fetch = before) };
}

async function settled(page) {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  return page.root.find("p").textContent;
}

test("names are separated by commas", () => {
  assert.deepEqual(parseNames(" gpt-4.1, ,tts-1 "), ["gpt-4.1", "tts-1"]);
  assert.deepEqual(parseNames(""), []);
});

test("boxes stand for the words that are saved", () => {
  const page = pageWith();
  assert.deepEqual(ticked(page), ["image_generation"]);
  const [text] = boxesOf(page);
  text.checked = true;
  text.dispatch("change");
  assert.equal(page.controls()["field-capabilities"], "text_generation, image_generation");
  assert.equal(page.root.find("legend").textContent, "What for");
  assert.equal(page.root.findAll("label")[0].textContent, " Text");
});

test("nothing said is text", () => {
  const page = pageWith({ ...VALUES, capabilities: "" });
  assert.deepEqual(ticked(page), ["text_generation", "chat_history"]);
  assert.equal(page.controls()["field-capabilities"], "");
});

test("the boxes themselves are not saved", () => {
  assert.deepEqual(Object.keys(pageWith().controls()), [
    "field-deployments",
    "field-capabilities",
    "field-api_version",
  ]);
});

test("what is found is filled in", async (t) => {
  const fields = { deployments: "gpt-4.1", capabilities: "text_generation, chat_history" };
  const server = answering(200, { models: ["gpt-4.1"], fields, source: "x", saved: false });
  t.after(server.restore);
  const form = {
    base_url: { value: " https://r.openai.azure.com " },
    api_key: { value: "typed" },
    csrfmiddlewaretoken: { value: "token" },
  };
  const page = pageWith(VALUES, { connection: "42", form });
  page.root.find("button").dispatch("click");
  assert.equal(page.root.find("p").textContent, "Asking…");
  page.root.find("button").dispatch("click");
  assert.equal(await settled(page), "Found: gpt-4.1.");
  assert.equal(server.asked.length, 1);
  const [asked] = server.asked;
  assert.equal(asked.headers["X-CSRFToken"], "token");
  assert.deepEqual(asked.body, {
    provider: "azure-ai-foundry",
    base_url: "https://r.openai.azure.com",
    connection: "42",
    api_key: "typed",
    fields: { api_version: "2024-10-21" },
  });
  assert.equal(page.controls()["field-deployments"], "gpt-4.1");
  assert.deepEqual(ticked(page), ["text_generation", "chat_history"]);
});

test("a key that was not typed is not sent", () => {
  const asked = question("new", { base_url: { value: "" }, api_key: { value: " " } }, new Map());
  assert.deepEqual(asked, { provider: "azure-ai-foundry", base_url: "", fields: {} });
});

test("a refusal is said in the server's words, and changes nothing", async (t) => {
  const server = answering(422, { detail: "Type the names of your deployments." });
  t.after(server.restore);
  const page = pageWith();
  page.root.find("button").dispatch("click");
  assert.equal(await settled(page), "Type the names of your deployments.");
  assert.equal(page.controls()["field-capabilities"], "image_generation");
});

test("who may not detect has no button, and without the page's data nothing changes", () => {
  assert.equal(pageWith(VALUES, { data: { ...DATA, detect: "" } }).root.find("button"), null);
  const plain = pageWith(VALUES, { data: null });
  assert.equal(plain.root.find("fieldset"), null);
  assert.equal(plain.controls()["field-capabilities"], "image_generation");
});

test("an answer that comes after leaving changes nothing", async (t) => {
  const before = globalThis.fetch;
  t.after(() => (globalThis.fetch = before));
  globalThis.fetch = (url, { signal }) =>
    new Promise((_, refuse) => signal.addEventListener("abort", () => refuse(signal.reason)));
  const page = pageWith();
  page.root.find("button").dispatch("click");
  page.leave();
  assert.equal(await settled(page), "Asking…");
});
