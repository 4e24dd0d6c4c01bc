// The fields that a provider declares: fetched when the provider changes, drawn by its own app's
// script where one is registered.

import { getConnector, onRegistered } from "./registry.js";
import { fragment, isHtml, part } from "./requests.js";
import { text } from "./texts.js";

export function mountDeclaredFields(editor, { page, announce }) {
  const place = editor.querySelector("[data-provider-part]");
  const provider = editor.querySelector("[name=provider]");
  let cleanUp = null;
  let drawn = null;

  const draw = () => {
    const data = place.querySelector("script[type='application/json']");
    if (!data) return;
    const told = JSON.parse(data.textContent);
    const connector = getConnector(told.connector);
    if (!connector || drawn === told.connector) return;
    let root = place.querySelector("[data-rendering]");
    if (!root) {
      root = document.createElement("div");
      root.className = "declared-fields";
      place.append(root);
    }
    drawn = told.connector;
    cleanUp = connector.render(root, told) ?? null;
  };

  const clear = () => {
    if (typeof cleanUp === "function") cleanUp();
    cleanUp = null;
    drawn = null;
  };

  provider.addEventListener("change", async () => {
    const url = new URL(page.dataset.fields, location.href);
    url.searchParams.set("provider", provider.value);
    if (editor.dataset.editor !== "new") url.searchParams.set("connection", editor.dataset.editor);
    try {
      const response = await part(url, "fields");
      if (!response.ok || !isHtml(response)) throw new Error("refused");
      const answer = await fragment(response);
      clear();
      place.replaceChildren(answer);
      draw();
    } catch {
      announce(text("failed"));
    }
  });

  draw();
  return { clear, stop: onRegistered(draw) };
}
