import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { register } from "node:module";
import test from "node:test";

// The page's import map, for Node.
const at = (path) => new URL(`../../${path}`, import.meta.url).href;
const names = {
  "@koneek/connectors": at("connectors/static/connectors/registry.js"),
  "@koneek/connectors/testing": at("connectors/static/connectors/testing.js"),
};
const hooks = `const names = ${JSON.stringify(names)};
export function resolve(name, context, next) {
  return name in names ? { url: names[name], shortCircuit: true } : next(name, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);

const page = await readFile(new URL("../../docs/connectors_page.md", import.meta.url), "utf8");
const scripts = [...page.matchAll(/^```js\n(.*?)^```/gms)].map(([, script]) => script);
const REMARK = /^(page\.controls\(\));  \/\/ (\{.*?\}).*$/gm;
const checked = (script) =>
  `import assert from "node:assert/strict";
   ${script.replace(REMARK, "assert.deepEqual($1, $2);")}`;
const run = (script) => import(`data:text/javascript,${encodeURIComponent(script)}`);

test("the document's scripts run beside those of the apps, and do what their remarks say", async () => {
  await import("../../ai_client/static/ai_client/azure_ai_foundry.js");
  assert.equal(scripts.length, 2);
  assert.equal(scripts[1].match(REMARK).length, 2);
  for (const script of scripts) await run(checked(script));
});
