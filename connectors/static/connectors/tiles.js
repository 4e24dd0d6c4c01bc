// Tiles open to full width and close again; which ones are open is remembered.

import { fragment, isHtml, part } from "./requests.js";
import { text } from "./texts.js";
import { markSaved, mayLose } from "./unsaved.js";

export function mountTiles(page, { remembered, announce, mountEditor, leaveEditor }) {
  const tiles = () => [...page.querySelectorAll("[data-tiles] > [data-tile]")];
  const toggleOf = (tile) => tile.querySelector("[data-toggle]");
  const placeOf = (tile) => tile.querySelector("[data-editor-place]");
  const isOpen = (tile) => tile.hasAttribute("data-open");
  const failed = () => announce(text("failed"));

  const show = (tile) => {
    toggleOf(tile).setAttribute("role", "button");
    toggleOf(tile).setAttribute("aria-expanded", String(isOpen(tile)));
  };

  const empty = (tile) => {
    const editor = placeOf(tile).querySelector("[data-editor]");
    if (editor) leaveEditor(editor);
    placeOf(tile).replaceChildren();
  };

  const close = (tile) => {
    if (!mayLose(tile)) return;
    const hadFocus = placeOf(tile).contains(document.activeElement);
    empty(tile);
    tile.removeAttribute("data-open");
    show(tile);
    remembered.forget(tile.dataset.tile);
    if (hadFocus) toggleOf(tile).focus();
  };

  const mountIn = (tile) => {
    mountEditor(placeOf(tile).querySelector("[data-editor]"), ({ sure = false } = {}) => {
      if (sure) markSaved(tile);
      close(tile);
    });
  };

  const open = async (tile) => {
    const response = await part(toggleOf(tile).href, "editor");
    if (!response.ok || !isHtml(response)) {
      location.assign(toggleOf(tile).href);
      return;
    }
    const answer = await fragment(response);
    empty(tile);
    placeOf(tile).replaceChildren(answer);
    tile.setAttribute("data-open", "");
    show(tile);
    remembered.remember(tile.dataset.tile);
    mountIn(tile);
  };

  const flip = (event) => {
    const toggle = event.target.closest?.("[data-tiles] [data-toggle]");
    if (!toggle || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const tile = toggle.closest("[data-tile]");
    if (isOpen(tile)) close(tile);
    else open(tile).catch(failed);
  };

  const remove = (tile) => {
    empty(tile);
    remembered.forget(tile.dataset.tile);
    tile.remove();
  };

  page.addEventListener("click", flip);
  page.addEventListener("keydown", (event) => {
    if (event.key === " ") flip(event);
  });
  remembered.keepOnly(tiles().map((tile) => tile.dataset.tile));
  for (const tile of tiles()) {
    show(tile);
    if (placeOf(tile).querySelector("[data-editor]")) mountIn(tile);
    else if (remembered.all().has(tile.dataset.tile)) open(tile).catch(failed);
  }
  return { show, open, remove };
}
