// What was typed and is not saved: marked while somebody types, never given up unasked.

import { text } from "./texts.js";

const HOLDERS = "[data-editor], [data-service]";

export function isUnsaved(part) {
  return part.matches("[data-unsaved]") || part.querySelector("[data-unsaved]") !== null;
}

export function markUnsaved(part) {
  part.closest(HOLDERS)?.setAttribute("data-unsaved", "");
}

export function markSaved(part) {
  for (const holder of [part, ...part.querySelectorAll("[data-unsaved]")]) {
    holder.removeAttribute("data-unsaved");
  }
}

export function mayLose(part, ask = globalThis.confirm) {
  return !isUnsaved(part) || ask(text("unsaved"));
}

export function mountUnsaved(page) {
  for (const kind of ["input", "change"]) {
    page.addEventListener(kind, (event) => markUnsaved(event.target));
  }
  addEventListener("beforeunload", (event) => {
    if (isUnsaved(page)) event.preventDefault();
  });
}
