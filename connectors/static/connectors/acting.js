// Sends the small forms (switching on and off, deleting, bringing back, services) without leaving
// the page.

import { placeOf } from "./renewing.js";
import { fragment, isHtml, part, refusal } from "./requests.js";
import { text } from "./texts.js";
import { markSaved, markUnsaved } from "./unsaved.js";

export function mountActing(page, { announce, renew }) {
  const busy = new WeakSet();

  page.addEventListener("submit", async (event) => {
    const form = event.target.closest("[data-in-place]");
    if (!form || event.defaultPrevented) return;
    event.preventDefault();
    if (busy.has(form)) return;
    busy.add(form);
    try {
      await act(form, event.submitter);
    } catch {
      announce(text("failed"));
    } finally {
      busy.delete(form);
    }
  });

  const act = async (form, button) => {
    const body = new FormData(form);
    if (button?.name) body.append(button.name, button.value);
    const opened = form.closest("[data-tile]")?.querySelector("[data-connection-form]");
    const revision = form.matches("[data-enables]") ? opened?.elements.revision : null;
    if (revision) body.set("revision", revision.value);
    const from = placeOf(button ?? form);
    const response = await part(form.getAttribute("action"), "page", { body });
    if (response.status === 422 && isHtml(response)) {
      showRefused(form, await fragment(response));
      return;
    }
    if (!response.ok) {
      announce(refusal(response));
      return;
    }
    // What was said before a deletion may be about what is gone now.
    if (form.matches("[data-deletes]")) {
      document.querySelector('[data-part="messages"]').replaceChildren();
    }
    const changed = response.headers.get("X-Revision");
    if (revision && changed) {
      const { enabled } = opened.elements;
      revision.value = changed;
      enabled.checked = enabled.defaultChecked = body.get("enabled") === "on";
    }
    const done = form.closest("[data-editor], [data-service]");
    if (done) markSaved(done);
    await renew({ from, target: response.headers.get("X-Location") });
  };
}

function showRefused(form, answer) {
  const card = form.closest("[data-service]");
  const next = answer.querySelector(`[data-service="${card.dataset.service}"]`);
  const typed = form.elements.secret.value;
  card.replaceWith(next);
  const secret = next.querySelector("[name=secret]");
  if (!secret) return;
  secret.value = typed;
  if (typed) next.querySelector("[data-retype]")?.remove();
  markUnsaved(secret);
  (next.querySelector("[name=username]") ?? secret).focus();
}
