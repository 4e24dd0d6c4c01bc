// Brings the page to life. Without it every form on the page still works.

import { announcer } from "./announcing.js";
import { mountCopying } from "./copying.js";
import { mountDeclaredFields } from "./declared_fields.js";
import { mountKeys } from "./keys.js";
import { mountModels } from "./models.js";
import { mountOrdering } from "./ordering.js";
import { openTiles } from "./remembering.js";
import { mountRefreshing } from "./refreshing.js";
import { mountSaving } from "./saving.js";
import { mountTiles } from "./tiles.js";
import { mountTrial } from "./trials.js";

export function mount(page) {
  const announce = announcer(page);
  const remembered = openTiles(localStorage);
  const refresh = mountRefreshing(page);

  const mountEditor = (editor, close) => {
    const remount = (next) => {
      declared.clear();
      declared.stop();
      mountEditor(next, close);
    };
    const declared = mountDeclaredFields(editor, { page, announce });
    mountKeys(editor);
    mountTrial(editor, { announce, remount, refresh });
    mountModels(editor, { remount });
    mountSaving(editor, { announce, remount });
    mountCopying(editor, { announce });
    if (!close) return;
    const leave = (event) => {
      event.preventDefault();
      declared.clear();
      declared.stop();
      close();
    };
    editor.querySelector("[data-close]").addEventListener("click", leave);
    editor.querySelector("[data-keep-stored]")?.addEventListener("click", leave);
  };

  mountTiles(page, { remembered, announce, mountEditor });
  mountOrdering(page, { announce, orderChanged: refresh });
  const added = page.querySelector("[data-tile=new] [data-editor]");
  if (added) mountEditor(added, null);
  page.dataset.mounted = "";
}

const page = globalThis.document?.querySelector("[data-connectors-page]");
if (page) mount(page);
