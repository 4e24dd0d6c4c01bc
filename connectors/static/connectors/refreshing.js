// How the connections are doing, brought up to date now and then while somebody looks.

import { fragment, isHtml, part } from "./requests.js";

const EVERY_MS = 15000;

export function showAnswering(page, answer) {
  const strip = answer.querySelector("[data-answering]");
  const shown = page.querySelector("[data-answering]");
  if (strip.textContent === shown.textContent) return;
  const summary = shown.querySelector("summary");
  const hadFocus = summary !== null && summary === document.activeElement;
  if (shown.querySelector("details")?.open) strip.querySelector("details")?.setAttribute("open", "");
  shown.replaceWith(strip);
  if (hadFocus) strip.querySelector("summary")?.focus();
}

export function mountRefreshing(page) {
  const refresh = async () => {
    const response = await part(page.dataset.index, "live");
    if (!response.ok || !isHtml(response)) return;
    const answer = await fragment(response);
    showAnswering(page, answer);
    for (const live of answer.querySelectorAll("[data-live]")) {
      const tile = page.querySelector(`[data-tile="${live.dataset.live}"]`);
      if (!tile) continue;
      tile.dataset.state = live.dataset.state;
      tile.querySelector("[data-priority]").textContent = live.dataset.priority;
      tile.querySelector("[data-live]").replaceChildren(...live.childNodes);
    }
  };

  setInterval(() => {
    // Without an answer the page keeps what it showed.
    if (document.visibilityState === "visible") refresh().catch(() => {});
  }, EVERY_MS);
  return refresh;
}
