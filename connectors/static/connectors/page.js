// Brings the page to life. Without it every form on the page still works.

import { mountActing } from "./acting.js";
import { announcer } from "./announcing.js";
import { mountCopying } from "./copying.js";
import { mountDeclaredFields } from "./declared_fields.js";
import { mountKeys } from "./keys.js";
import { mountModels } from "./models.js";
import { mountOrdering } from "./ordering.js";
import { openTiles } from "./remembering.js";
import { mountRefreshing } from "./refreshing.js";
import { mountRenewing, placeOf } from "./renewing.js";
import { mountSaving } from "./saving.js";
import { mountTiles } from "./tiles.js";
import { mountTrial } from "./trials.js";
import { markSaved, mayLose, mountUnsaved } from "./unsaved.js";

export function mount(page) {
  const announce = announcer(page);
  const remembered = openTiles(localStorage);
  const refresh = mountRefreshing(page);
  const ordering = mountOrdering(page, { announce, orderChanged: refresh });
  const cleanUps = new WeakMap();

  const leaveEditor = (editor) => {
    cleanUps.get(editor)?.();
    cleanUps.delete(editor);
  };

  const saved = async (editor, target) => {
    const tile = editor.closest("[data-tile]");
    const from = placeOf(tile);
    const isElsewhere = tile.hasAttribute("data-own-page");
    markSaved(tile);
    if (isElsewhere) history.replaceState(null, "", target);
    if (tile.dataset.tile === "new") {
      leaveEditor(editor);
      tile.remove();
    } else {
      tile.removeAttribute("data-own-page");
      await tiles.open(tile);
    }
    await renew({ from, target, isElsewhere });
  };

  const mountEditor = (editor, close) => {
    const remount = (next) => {
      leaveEditor(editor);
      mountEditor(next, close);
    };
    cleanUps.set(editor, mountDeclaredFields(editor, { page, announce }));
    mountKeys(editor);
    mountTrial(editor, { announce, remount, refresh });
    mountModels(editor, { remount });
    mountSaving(editor, { announce, remount, saved });
    mountCopying(editor, { announce });
    const leave = (selector, how) => {
      editor.querySelector(selector)?.addEventListener("click", (event) => {
        event.preventDefault();
        close(how);
      });
    };
    leave("[data-close]", {});
    leave("[data-keep-stored]", { sure: true });
  };

  const tiles = mountTiles(page, { remembered, announce, mountEditor, leaveEditor });
  const renew = mountRenewing(page, { announce, ordering, tiles });
  mountActing(page, { announce, renew });
  mountUnsaved(page);

  const added = page.querySelector("[data-tile=new]");
  if (added) {
    mountEditor(added.querySelector("[data-editor]"), () => {
      if (!mayLose(added)) return;
      leaveEditor(added.querySelector("[data-editor]"));
      added.remove();
      history.replaceState(null, "", page.dataset.index);
      renew({ isElsewhere: true });
    });
  }
  page.dataset.mounted = "";
}

const page = globalThis.document?.querySelector("[data-connectors-page]");
if (page) mount(page);
