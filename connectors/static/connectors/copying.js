// Copies a snippet.

import { text } from "./texts.js";

export function mountCopying(editor, { announce }) {
  for (const snippet of editor.querySelectorAll("[data-snippet]")) {
    const button = snippet.querySelector("[data-copy]");
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(snippet.querySelector("code").textContent);
        announce(text("copied"));
      } catch {
        announce(text("not_copied"));
      }
    });
  }
}
