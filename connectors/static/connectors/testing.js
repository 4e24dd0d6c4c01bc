// For tests of other apps' connectors, without a browser: import it as "@koneek/connectors/testing".
//
//   import { mockConnectorPage } from "@koneek/connectors/testing";
//   const page = mockConnectorPage("ai_provider/azure-ai-foundry", { values: { region: "eu" } });
//   page.render();                        // calls your render as the page would
//   page.controls();                      // { "field-region": "eu" }: what would be saved
//   page.root.find("button").dispatch("click");
//   page.leave();                         // calls what your render returned
//
// Under Node map the names with a loader, or import the files by their path. `page.root` knows the
// part of the DOM that a rendering needs; `page.document` makes elements, and is what the global
// `document` is while `render` runs.

import { getConnector } from "./registry.js";

class MockElement {
  constructor(name) {
    this.tagName = name.toUpperCase();
    this.children = [];
    this.attributes = new Map();
    this.dataset = {};
    this.listeners = new Map();
    this.ownText = "";
    this.value = "";
    this.name = "";
    this.checked = false;
  }

  get textContent() {
    return this.ownText + this.children.map((child) => child.textContent).join("");
  }

  set textContent(text) {
    this.children = [];
    this.ownText = String(text);
  }

  setAttribute(name, value) {
    this.attributes.set(name, String(value));
    if (name === "name" || name === "value") this[name] = String(value);
  }

  getAttribute(name) {
    return this.attributes.get(name) ?? null;
  }

  append(...added) {
    for (const each of added) {
      if (each instanceof MockElement) this.children.push(each);
      else this.ownText += String(each);
    }
  }

  replaceChildren(...added) {
    this.children = [];
    this.ownText = "";
    this.append(...added);
  }

  addEventListener(type, listener) {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
  }

  dispatch(type, detail = {}) {
    const event = { type, target: this, preventDefault() {}, ...detail };
    for (const listener of this.listeners.get(type) ?? []) listener(event);
  }

  *descendants() {
    for (const child of this.children) {
      yield child;
      yield* child.descendants();
    }
  }

  find(tagName) {
    return this.findAll(tagName)[0] ?? null;
  }

  findAll(tagName) {
    return [...this.descendants()].filter((each) => each.tagName === tagName.toUpperCase());
  }
}

export function mockConnectorPage(name, { connection = "new", values = {} } = {}) {
  const document = { createElement: (tagName) => new MockElement(tagName) };
  const root = document.createElement("div");
  for (const [field, value] of Object.entries(values)) {
    const input = document.createElement("input");
    input.name = `field-${field}`;
    input.value = String(value);
    root.append(input);
  }
  let cleanUp;
  return {
    document,
    root,
    render() {
      const connector = getConnector(name);
      if (!connector) throw new Error(`The connector "${name}" is not registered.`);
      const before = globalThis.document;
      globalThis.document = document;
      try {
        cleanUp = connector.render(root, { connection, connector: name, values });
      } finally {
        globalThis.document = before;
      }
    },
    controls() {
      const named = [...root.descendants()].filter((each) => each.name);
      return Object.fromEntries(named.map((each) => [each.name, each.value]));
    },
    leave() {
      if (typeof cleanUp === "function") cleanUp();
      cleanUp = undefined;
    },
  };
}
