// The page's JavaScript API for other apps: import it as "@koneek/connectors".
//
//   import { registerConnector } from "@koneek/connectors";
//   registerConnector("ai_provider/azure-ai-foundry", {
//     render(root, { connection, connector, values }) { ...; return () => { ... } },
//   });
//
// `root` holds the fields that the provider declares, as the server made them. `render` may add to
// them or replace them; what counts at saving are form controls named "field-<name>", and a field
// without one keeps its value. `values` are their stored values, `connection` is the connection's id
// or "new". A function that `render` returns is called before the fields go away. To replace a
// rendering, unregister it first. `moduleData("@koneek/connectors")` tells of all connectors.

export { moduleData } from "./texts.js";

const NAME = /^[a-z0-9_-]+\/[a-z0-9_-]+$/;
const connectors = new Map();
const changes = new EventTarget();

export function registerConnector(name, connector) {
  if (!NAME.test(name)) {
    throw new TypeError(`"${name}" is no connector: write it like "ai_provider/openai".`);
  }
  if (typeof connector?.render !== "function") {
    throw new TypeError(`The connector "${name}" needs a render function.`);
  }
  if (connectors.has(name)) {
    throw new Error(`The connector "${name}" is registered already; unregister it first.`);
  }
  connectors.set(name, connector);
  changes.dispatchEvent(new CustomEvent("registered", { detail: name }));
}

export function unregisterConnector(name) {
  return connectors.delete(name);
}

export function getConnector(name) {
  return connectors.get(name) ?? null;
}

export function onRegistered(listener) {
  const told = (event) => listener(event.detail);
  changes.addEventListener("registered", told);
  return () => changes.removeEventListener("registered", told);
}
