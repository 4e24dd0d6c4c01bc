// The fields that a provider declares: fetched when the provider changes, drawn by its own app's
// script where one is registered.

import { getConnector, onRegistered } from "./registry.js";
import { fragment, isHtml, part } from "./requests.js";
import { text } from "./texts.js";

const PREFIX = "field-";
const CONTROLS = "input:not([type=hidden]), select, textarea";

// What is on the form counts; a declared field that nobody drew keeps its value.
export function namesShown(controls) {
  const names = [...controls]
    .filter((control) => control.name?.startsWith(PREFIX) && !control.disabled)
    .map((control) => control.name.slice(PREFIX.length));
  return [...new Set(names)].join(" ");
}

// What was typed for the provider before stays where the next one has the same field. The address
// stays in any case: whoever leaves it as it is has seen it.
export function carryOver(before, control) {
  if (!before || before.type !== control.type) return;
  if (control.type === "checkbox") {
    if (before.checked !== before.defaultChecked) control.checked = before.checked;
  } else if (control.options) {
    const chosen = before.options[before.selectedIndex];
    const fits = [...control.options].some((option) => option.value === before.value);
    if (chosen && !chosen.defaultSelected && fits) control.value = before.value;
  } else if (control.name === "base_url" || before.value !== before.defaultValue) {
    control.value = before.value;
  }
}

export function modelFor(typed, before, next) {
  return typed === "" || typed === before ? next : typed;
}

export function mountDeclaredFields(editor, { page, announce }) {
  const form = editor.querySelector("[data-connection-form]");
  const place = editor.querySelector("[data-provider-part]");
  const provider = editor.querySelector("[name=provider]");
  let cleanUp = null;
  let drawn = null;
  let asked = 0;

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
    const errors = [...root.querySelectorAll(".errorlist")];
    cleanUp = connector.render(root, told) ?? null;
    for (const list of errors) if (!list.isConnected) root.before(list);
  };

  const clear = () => {
    if (typeof cleanUp === "function") cleanUp();
    cleanUp = null;
    drawn = null;
  };

  const showProvider = (answer) => {
    const before = place.querySelector("[data-provider-told]").dataset;
    const controls = new Map([...place.querySelectorAll(CONTROLS)].map((each) => [each.name, each]));
    clear();
    place.replaceChildren(answer);
    for (const control of place.querySelectorAll(CONTROLS)) {
      carryOver(controls.get(control.name), control);
    }
    const next = place.querySelector("[data-provider-told]").dataset;
    const { model } = form.elements;
    model.value = modelFor(model.value, before.defaultModel, next.defaultModel);
    editor.querySelector("[data-model-picker] datalist").replaceChildren();
    editor.querySelector("[data-models-status]").textContent = "";
    const heading = editor.closest("[data-tile=new]")?.querySelector("h2");
    if (heading) heading.textContent = next.heading;
    draw();
  };

  provider.addEventListener("change", async () => {
    const url = new URL(page.dataset.fields, location.href);
    url.searchParams.set("provider", provider.value);
    if (editor.dataset.editor !== "new") url.searchParams.set("connection", editor.dataset.editor);
    asked += 1;
    const turn = asked;
    try {
      const response = await part(url, "fields");
      if (!response.ok || !isHtml(response)) throw new Error("refused");
      const answer = await fragment(response);
      if (turn === asked) showProvider(answer);
    } catch {
      announce(text("failed"));
    }
  });

  form.addEventListener("formdata", (event) => {
    event.formData.set("fields_shown", namesShown(form.elements));
  });

  draw();
  const stop = onRegistered(draw);
  return () => {
    clear();
    stop();
  };
}
