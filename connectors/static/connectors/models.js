// Fills the model picker with what the provider lists; any other id can still be typed.

import { fragment, isHtml, part, refusal } from "./requests.js";
import { showAgain } from "./saving.js";
import { text } from "./texts.js";

export function mountModels(editor, { remount }) {
  const button = editor.querySelector("[data-load-models]");
  if (!button) return;
  const form = editor.querySelector("[data-connection-form]");
  const list = editor.querySelector("[data-model-picker] datalist");
  const status = editor.querySelector("[data-models-status]");

  const load = async () => {
    status.textContent = text("loading_models");
    const response = await part(form.dataset.models, "editor", {
      body: new FormData(form),
      accept: "application/json",
    });
    if (isHtml(response) && response.status === 422) {
      showAgain(editor, await fragment(response), remount);
      return;
    }
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) {
      status.textContent = answer.error ?? refusal(response);
      return;
    }
    list.replaceChildren(...answer.models.map(option));
    status.textContent = answer.message;
    form.elements.model.focus();
  };

  button.addEventListener("click", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await load();
    } catch {
      status.textContent = text("failed");
    } finally {
      button.disabled = false;
    }
  });
}

function option(model) {
  const element = document.createElement("option");
  element.value = model.id;
  if (model.name && model.name !== model.id) element.label = model.name;
  return element;
}
