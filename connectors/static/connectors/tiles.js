// Tiles open to full width and close again; which ones are open is remembered.

import { fragment, isHtml, part } from "./requests.js";
import { text } from "./texts.js";

export function mountTiles(root, { remembered, announce, mountEditor }) {
  const tiles = [...root.querySelectorAll("[data-tiles] > [data-tile]")];
  remembered.keepOnly(tiles.map((tile) => tile.dataset.tile));

  for (const tile of tiles) {
    const toggle = tile.querySelector("[data-toggle]");
    const place = tile.querySelector("[data-editor-place]");
    const isOpen = () => tile.hasAttribute("data-open");
    toggle.setAttribute("role", "button");
    toggle.setAttribute("aria-expanded", String(isOpen()));

    const close = () => {
      tile.removeAttribute("data-open");
      toggle.setAttribute("aria-expanded", "false");
      remembered.forget(tile.dataset.tile);
      place.replaceChildren();
    };

    const open = async () => {
      const response = await part(toggle.href, "editor");
      if (!response.ok || !isHtml(response)) {
        location.assign(toggle.href);
        return;
      }
      place.replaceChildren(await fragment(response));
      tile.setAttribute("data-open", "");
      toggle.setAttribute("aria-expanded", "true");
      remembered.remember(tile.dataset.tile);
      mountEditor(place.querySelector("[data-editor]"), close);
    };

    const flip = (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      if (isOpen()) close();
      else open().catch(failed);
    };
    const failed = () => announce(text("failed"));

    toggle.addEventListener("click", flip);
    toggle.addEventListener("keydown", (event) => {
      if (event.key === " ") flip(event);
    });
    const shown = place.querySelector("[data-editor]");
    if (shown) mountEditor(shown, close);
    else if (remembered.all().has(tile.dataset.tile)) open().catch(failed);
  }
}
