// The page's sentences in the person's language, and data that the server gave a module.

function contentOf(id, root) {
  const element = root.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}

let texts = null;

export function text(name, values = {}, root = globalThis.document) {
  texts ??= contentOf("connectors-texts", root) ?? {};
  return fill(texts[name] ?? name, values);
}

export function fill(sentence, values) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) =>
    Object.hasOwn(values, name) ? String(values[name]) : whole,
  );
}

export function moduleData(name, root = globalThis.document) {
  return contentOf(`connectors-module-data-${name}`, root);
}
