// Saves without leaving the page, so that what is refused keeps what was typed, the key included.

import { fragment, isHtml, part } from "./requests.js";
import { text } from "./texts.js";

export function mountSaving(editor, { announce, remount }) {
  const form = editor.querySelector("[data-connection-form]");
  form.addEventListener("submit", async (event) => {
    if (event.defaultPrevented) return;
    event.preventDefault();
    try {
      await save(form, editor, { announce, remount });
    } catch {
      announce(text("failed"));
    }
  });
}

async function save(form, editor, { announce, remount }) {
  const response = await part(form.action, "editor", { body: new FormData(form) });
  const target = response.headers.get("X-Location");
  if (response.ok && target) {
    const here = new URL(location.href);
    const there = new URL(target, here);
    if (there.pathname === here.pathname && there.search === here.search) {
      location.hash = there.hash;
      location.reload();
    } else {
      location.assign(there);
    }
    return;
  }
  if (!isHtml(response) || ![200, 409, 422].includes(response.status)) {
    announce(text("refused", { status: response.status }));
    return;
  }
  showAgain(editor, await fragment(response), remount);
}

export function showAgain(editor, answer, remount) {
  const typed = editor.querySelector("[name=api_key]")?.value ?? "";
  const next = answer.querySelector("[data-editor]");
  editor.replaceWith(next);
  const key = next.querySelector("[name=api_key]");
  if (key && typed) {
    key.value = typed;
    next.querySelector("[data-retype]")?.remove();
    key.closest("details")?.setAttribute("open", "");
  }
  remount(next);
  const first = next.querySelector("[data-conflict], .has-errors :is(input, select, textarea)");
  if (first?.matches("[data-conflict]")) first.setAttribute("tabindex", "-1");
  first?.focus();
}
