// The order of the tiles: by drag, by keyboard on the handle, by the buttons. Saved at once.

import { part } from "./requests.js";
import { text } from "./texts.js";

const KEYS = {
  ArrowUp: (place) => place - 1,
  ArrowLeft: (place) => place - 1,
  ArrowDown: (place) => place + 1,
  ArrowRight: (place) => place + 1,
  Home: () => 0,
  End: (_place, count) => count - 1,
};

export function placeAfter(key, place, count) {
  const move = KEYS[key];
  if (!move) return null;
  return Math.min(Math.max(move(place, count), 0), count - 1);
}

export function moved(items, from, to) {
  const rest = items.filter((_item, index) => index !== from);
  rest.splice(to, 0, items[from]);
  return rest;
}

export function mountOrdering(root, { announce, orderChanged }) {
  const list = root.querySelector("[data-tiles]");
  if (!list || !list.querySelector("[data-handle]")) return;
  const token = root.querySelector("[name=csrfmiddlewaretoken]").value;
  const tiles = () => [...list.children];
  let saving = Promise.resolve();

  const show = (order) => {
    const focused = document.activeElement;
    for (const [index, tile] of order.entries()) {
      if (list.children[index] !== tile) list.insertBefore(tile, list.children[index]);
      tile.querySelector("[data-place]").textContent = String(index + 1);
    }
    if (list.contains(focused)) focused.focus();
  };

  const save = async () => {
    const body = new FormData();
    body.set("csrfmiddlewaretoken", token);
    for (const tile of tiles()) body.append("id", tile.dataset.tile);
    const response = await part(root.dataset.order, "order", { body });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) {
      announce(text("order_refused", { reason: answer.error ?? "" }));
      return;
    }
    for (const [id, [before, after]] of Object.entries(answer.revisions)) {
      const shown = list.querySelector(`[data-tile="${id}"] [name=revision]`);
      if (shown && shown.value === before) shown.value = after;
    }
    await orderChanged();
  };

  const saveInTurn = () => {
    saving = saving.then(save).catch(() => announce(text("failed")));
    return saving;
  };

  const moveTo = (tile, to) => {
    const order = tiles();
    const from = order.indexOf(tile);
    if (to !== from) {
      show(moved(order, from, to));
      saveInTurn();
    }
    const values = { name: tile.dataset.name, place: to + 1, count: order.length };
    announce(text("moved", values));
  };

  let dragged = null;
  let before = [];

  for (const tile of tiles()) {
    const handle = tile.querySelector("[data-handle]");
    handle.hidden = false;
    handle.addEventListener("keydown", (event) => {
      const order = tiles();
      const to = placeAfter(event.key, order.indexOf(tile), order.length);
      if (to === null) return;
      event.preventDefault();
      moveTo(tile, to);
    });
    handle.addEventListener("dragstart", (event) => {
      dragged = tile;
      before = tiles();
      tile.setAttribute("data-dragged", "");
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("text/plain", tile.dataset.name);
      event.dataTransfer.setDragImage(tile, 20, 20);
    });
    handle.addEventListener("dragend", () => {
      dragged?.removeAttribute("data-dragged");
      if (dragged) show(before);
      dragged = null;
    });
    tile.addEventListener("dragover", (event) => {
      if (!dragged) return;
      event.preventDefault();
      if (tile === dragged) return;
      const order = tiles();
      show(moved(order, order.indexOf(dragged), order.indexOf(tile)));
    });
    tile.querySelector("[data-move]").addEventListener("submit", (event) => {
      event.preventDefault();
      const order = tiles();
      const key = event.submitter?.value === "earlier" ? "ArrowUp" : "ArrowDown";
      moveTo(tile, placeAfter(key, order.indexOf(tile), order.length));
    });
  }

  list.addEventListener("dragover", (event) => {
    if (dragged) event.preventDefault();
  });
  list.addEventListener("drop", (event) => {
    if (!dragged) return;
    event.preventDefault();
    const tile = dragged;
    dragged = null;
    tile.removeAttribute("data-dragged");
    const order = tiles();
    if (order.some((each, index) => each !== before[index])) saveInTurn();
    const values = {
      name: tile.dataset.name,
      place: order.indexOf(tile) + 1,
      count: order.length,
    };
    announce(text("moved", values));
  });
}
