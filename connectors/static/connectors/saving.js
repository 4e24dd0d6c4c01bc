// Saves without leaving the page, so that what is refused keeps what was typed, the key included.

import { fragment, isHtml, part, refusal } from "./requests.js";
import { text } from "./texts.js";
import { markUnsaved } from "./unsaved.js";

export function mountSaving(editor, { announce, remount, saved }) {
  const form = editor.querySelector("[data-connection-form]");
  let isSaving = false;
  form.addEventListener("submit", async (event) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    if (isSaving) return;
    isSaving = true;
    try {
      await save(form, editor, { announce, remount, saved });
    } catch {
      announce(text("failed"));
    } finally {
      isSaving = false;
    }
  });
}

async function save(form, editor, { announce, remount, saved }) {
  const body = new FormData(form);
  const response = await part(form.getAttribute("action"), "editor", { body });
  const target = response.headers.get("X-Location");
  if (response.ok && target) {
    await saved(editor, target);
    return;
  }
  if (!isHtml(response) || ![200, 409, 422].includes(response.status)) {
    announce(refusal(response));
    return;
  }
  showAgain(editor, await fragment(response), remount);
}

export function showAgain(editor, answer, remount) {
  const typed = editor.querySelector("[name=api_key]")?.value ?? "";
  const next = answer.querySelector("[data-editor]");
  editor.replaceWith(next);
  markUnsaved(next);
  const key = next.querySelector("[name=api_key]");
  if (key && typed) {
    key.value = typed;
    for (const asked of next.querySelectorAll("[data-retype]")) asked.remove();
    key.closest("details")?.setAttribute("open", "");
  }
  remount(next);
  const first = next.querySelector("[data-conflict], .has-errors [aria-invalid=true]");
  if (first?.matches("[data-conflict]")) first.setAttribute("tabindex", "-1");
  first?.focus();
}
