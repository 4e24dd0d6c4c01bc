// The fields of Azure AI Foundry on the Connectors page: what the deployments are for as boxes to
// tick, and a button that finds both out. The server's own fields stay and are what is saved.

import { moduleData, registerConnector } from "@koneek/connectors";

export const CONNECTOR = "ai_provider/azure-ai-foundry";
const MODULE = "ai-client/azure-ai-foundry";
const PREFIX = "field-";
const FOUND_OUT = ["deployments", "capabilities"];

export function parseNames(text) {
  return text.split(",").map((name) => name.trim()).filter(Boolean);
}

// What to ask the server: the form as it is now. A key that was not typed is not sent, so that the
// server takes the stored one, if it was stored for this address.
export function question(connection, form, controls) {
  const asked = { provider: CONNECTOR.split("/")[1], base_url: form.base_url?.value.trim() ?? "" };
  if (connection !== "new") asked.connection = connection;
  const key = form.api_key?.value.trim();
  if (key) asked.api_key = key;
  const fields = {};
  for (const [name, control] of controls) {
    if (!FOUND_OUT.includes(name) && control.value) fields[name] = control.value;
  }
  return { ...asked, fields };
}

function* declared(element) {
  for (const child of element.children) {
    if (child.name?.startsWith(PREFIX)) yield [child.name.slice(PREFIX.length), child];
    yield* declared(child);
  }
}

function holds(element, wanted) {
  return element === wanted || [...element.children].some((child) => holds(child, wanted));
}

function changed(control) {
  control.dispatchEvent?.(new Event("input", { bubbles: true }));
}

function boxes(data, control) {
  const set = document.createElement("fieldset");
  set.className = "field";
  const legend = document.createElement("legend");
  legend.textContent = data.texts.capabilities;
  set.append(legend);
  const ticked = [];
  for (const { value, label } of data.capabilities) {
    const row = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.value = value;
    box.addEventListener("change", () => {
      const values = ticked.filter((each) => each.checked).map((each) => each.value);
      control.value = values.join(", ");
      changed(control);
    });
    ticked.push(box);
    row.className = "is-box";
    row.append(box, ` ${label}`);
    set.append(row);
  }
  const show = () => {
    const names = parseNames(control.value);
    const said = names.length ? names : data.usual;
    for (const box of ticked) box.checked = said.includes(box.value);
  };
  show();
  return { set, show };
}

async function ask(data, token, asked, signal) {
  const response = await fetch(data.detect, {
    method: "POST",
    body: JSON.stringify(asked),
    headers: {
      "Content-Type": "application/json",
      Accept: "application/json",
      "X-CSRFToken": token,
    },
    credentials: "same-origin",
    redirect: "error",
    signal,
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail ?? data.texts.failed);
  return answer;
}

function detector(data, connection, controls, shown) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = data.texts.detect;
  const status = document.createElement("p");
  status.className = "help";
  status.setAttribute("role", "status");
  const leaving = new AbortController();
  let busy = false;

  button.addEventListener("click", async () => {
    if (busy) return;
    busy = true;
    button.setAttribute("aria-disabled", "true");
    status.textContent = data.texts.busy;
    const form = controls.get("deployments").form?.elements ?? {};
    try {
      const token = form.csrfmiddlewaretoken?.value ?? "";
      const asked = question(connection, form, controls);
      const found = await ask(data, token, asked, leaving.signal);
      for (const [name, value] of Object.entries(found.fields)) {
        const control = controls.get(name);
        if (!control) continue;
        control.value = value;
        changed(control);
      }
      shown.show();
      status.textContent = data.texts.found.replace("{models}", found.models.join(", "));
    } catch (error) {
      if (leaving.signal.aborted) return;
      status.textContent = error instanceof TypeError ? data.texts.failed : error.message;
    } finally {
      busy = false;
      button.setAttribute("aria-disabled", "false");
    }
  });
  return { button, status, leave: () => leaving.abort() };
}

export const rendering = {
  render(root, { connection }, data = moduleData(MODULE)) {
    const controls = new Map(declared(root));
    const capabilities = controls.get("capabilities");
    if (!data || !capabilities || !controls.get("deployments")) return () => {};
    const typed = [...root.children].find((child) => holds(child, capabilities));
    const shown = boxes(data, capabilities);
    // It keeps what is saved; the boxes are another way to write it.
    typed.hidden = true;
    root.append(shown.set);
    let leave = () => {};
    if (data.detect) {
      const made = detector(data, connection, controls, shown);
      root.append(made.button, made.status);
      leave = made.leave;
    }
    return () => {
      leave();
      typed.hidden = false;
    };
  },
};

registerConnector(CONNECTOR, rendering);
