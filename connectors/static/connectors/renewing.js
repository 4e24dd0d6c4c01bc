// Brings the page up to date after something was done, and leaves alone what is open: what was
// typed there stays.

import { showAnswering } from "./refreshing.js";
import { fragment, isHtml, part } from "./requests.js";
import { text } from "./texts.js";
import { isUnsaved } from "./unsaved.js";

const REPLACED = [".tile-summary", "[data-live]", ".tile-actions"];

export function mountRenewing(page, { announce, ordering, tiles }) {
  const partOf = (root, name) => root.querySelector(`[data-part="${name}"]`);

  const renewTile = (tile, fresh) => {
    tile.dataset.name = fresh.dataset.name;
    tile.dataset.state = fresh.dataset.state;
    for (const piece of REPLACED) {
      const next = fresh.querySelector(piece);
      if (next) tile.querySelector(piece)?.replaceWith(next);
    }
  };

  const renewTiles = (answer) => {
    const place = partOf(page, "connections");
    const next = partOf(answer, "connections");
    const list = place.querySelector("[data-tiles]");
    const wanted = next.querySelector("[data-tiles]");
    if (!list || !wanted) {
      if (isUnsaved(place)) return;
      const isAdding = page.querySelector("[data-tile=new]") !== null;
      place.replaceChildren(...(wanted || !isAdding ? next.childNodes : []));
    } else {
      const fresh = [...wanted.children];
      const ids = new Set(fresh.map((tile) => tile.dataset.tile));
      for (const tile of [...list.children]) {
        if (!ids.has(tile.dataset.tile) && !isUnsaved(tile)) tiles.remove(tile);
      }
      const shown = new Map([...list.children].map((tile) => [tile.dataset.tile, tile]));
      for (const [index, tile] of fresh.entries()) {
        const known = shown.get(tile.dataset.tile);
        if (known) renewTile(known, tile);
        const here = known ?? tile;
        if (list.children[index] !== here) list.insertBefore(here, list.children[index] ?? null);
      }
    }
    for (const tile of place.querySelectorAll("[data-tiles] > [data-tile]")) tiles.show(tile);
  };

  const renewServices = (answer) => {
    const place = partOf(page, "services");
    const next = partOf(answer, "services");
    if (!place || !next) return;
    for (const fresh of next.querySelectorAll("[data-service]")) {
      const card = place.querySelector(`[data-service="${fresh.dataset.service}"]`);
      if (!card || isUnsaved(card)) continue;
      fresh.querySelector("details").open = card.querySelector("details").open;
      card.replaceWith(fresh);
    }
  };

  // Where the focus goes when what had it is gone: back to the same control, else to the heading
  // of what it was about.
  const focusAgain = (from, target) => {
    if (document.activeElement && document.activeElement !== document.body) return;
    const card = from?.card ? page.querySelector(from.card) : null;
    const there = target ? document.getElementById(new URL(target, location.href).hash.slice(1)) : null;
    const found =
      (from?.control && card?.querySelector(`[data-control="${from.control}"]`)) ||
      (card ?? there)?.querySelector("[data-toggle], summary") ||
      partOf(page, "deletions")?.querySelector("button") ||
      page.querySelector("[data-tiles] [data-toggle], .preset-name");
    found?.focus();
  };

  // `from` is what was pressed, as `placeOf` describes it; `target` is where a plain form would
  // have led; `isElsewhere` says that the page's own address is not that of the list any more.
  const renew = async ({ from = null, target = "", isElsewhere = false }) => {
    await ordering.settled();
    const response = await part(page.dataset.index, "page");
    if (!response.ok || !isHtml(response)) throw new Error("refused");
    const answer = await fragment(response);
    const messages = partOf(answer, "messages");
    if (messages.children.length) partOf(document, "messages").replaceChildren(...messages.childNodes);
    if (isElsewhere) partOf(document, "breadcrumbs")?.replaceWith(partOf(answer, "breadcrumbs"));
    partOf(page, "deletions")?.replaceChildren(...partOf(answer, "deletions").childNodes);
    showAnswering(page, answer);
    renewTiles(answer);
    renewServices(answer);
    ordering.renewed();
    focusAgain(from, target);
  };

  return async (about) => {
    try {
      await renew(about);
    } catch {
      // What was to be done is done all the same.
      announce(text("not_renewed"));
    }
  };
}

export function placeOf(control) {
  const tile = control?.closest("[data-tile]")?.dataset.tile;
  const service = control?.closest("[data-service]")?.dataset.service;
  const card = tile ? `[data-tile="${tile}"]` : service ? `[data-service="${service}"]` : "";
  return { card, control: control?.dataset.control ?? "" };
}
