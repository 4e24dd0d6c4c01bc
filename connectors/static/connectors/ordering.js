// The order of the tiles: by drag, by keyboard on the handle, by the buttons. Saved at once.

import { part, refusal } from "./requests.js";
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

export function mountOrdering(page, { announce, orderChanged }) {
  const list = () => page.querySelector("[data-tiles]");
  const tiles = () => [...(list()?.children ?? [])];
  const tileOf = (event) => event.target.closest?.("[data-tiles] > [data-tile]");
  let saving = Promise.resolve();
  let stored = tiles();

  const show = (order) => {
    const shown = list();
    const focused = document.activeElement;
    for (const [index, tile] of order.entries()) {
      if (shown.children[index] !== tile) shown.insertBefore(tile, shown.children[index]);
      tile.querySelector("[data-place]").textContent = String(index + 1);
    }
    if (shown.contains(focused)) focused.focus();
  };

  const save = async () => {
    const body = new FormData();
    body.set("csrfmiddlewaretoken", page.querySelector("[name=csrfmiddlewaretoken]").value);
    const wanted = tiles();
    for (const tile of wanted) body.append("id", tile.dataset.tile);
    const response = await part(page.dataset.order, "order", { body });
    if (!response.ok) {
      const answer = await response.json().catch(() => ({}));
      show(stored);
      announce(text("order_refused", { reason: answer.error ?? refusal(response) }));
      return;
    }
    stored = wanted;
    await orderChanged();
  };

  const saveInTurn = () => {
    saving = saving.then(save).catch(() => {
      show(stored);
      announce(text("failed"));
    });
  };

  const tell = (tile) => {
    const order = tiles();
    const values = {
      name: tile.dataset.name,
      place: order.indexOf(tile) + 1,
      count: order.length,
    };
    announce(text("moved", values));
  };

  const moveBy = (key, tile) => {
    const order = tiles();
    const from = order.indexOf(tile);
    const to = placeAfter(key, from, order.length);
    if (to === null) return false;
    if (to !== from) {
      show(moved(order, from, to));
      saveInTurn();
    }
    tell(tile);
    return true;
  };

  let dragged = null;
  let before = [];

  page.addEventListener("keydown", (event) => {
    const tile = event.target.closest?.("[data-handle]") ? tileOf(event) : null;
    if (tile && moveBy(event.key, tile)) event.preventDefault();
  });
  page.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-move]")) return;
    event.preventDefault();
    moveBy(event.submitter?.value === "earlier" ? "ArrowUp" : "ArrowDown", tileOf(event));
  });
  page.addEventListener("dragstart", (event) => {
    if (!event.target.closest?.("[data-handle]")) return;
    dragged = tileOf(event);
    before = tiles();
    dragged.setAttribute("data-dragged", "");
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.name);
    event.dataTransfer.setDragImage(dragged, 20, 20);
  });
  page.addEventListener("dragend", () => {
    dragged?.removeAttribute("data-dragged");
    if (dragged) show(before);
    dragged = null;
  });
  page.addEventListener("dragover", (event) => {
    if (!dragged || !list().contains(event.target)) return;
    event.preventDefault();
    const tile = tileOf(event);
    if (!tile || tile === dragged) return;
    const order = tiles();
    show(moved(order, order.indexOf(dragged), order.indexOf(tile)));
  });
  page.addEventListener("drop", (event) => {
    if (!dragged || !list().contains(event.target)) return;
    event.preventDefault();
    const tile = dragged;
    dragged = null;
    tile.removeAttribute("data-dragged");
    if (tiles().some((each, index) => each !== before[index])) saveInTurn();
    tell(tile);
  });

  const renewed = () => {
    stored = tiles();
    for (const handle of page.querySelectorAll("[data-handle]")) handle.hidden = false;
  };
  renewed();
  return { renewed, settled: () => saving };
}
