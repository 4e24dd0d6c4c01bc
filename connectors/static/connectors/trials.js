// Runs a test and shows each step when it is done.

import { fragment, isHtml, jsonLines, part, piecesOf, refusal } from "./requests.js";
import { showAgain } from "./saving.js";
import { text } from "./texts.js";

export function mountTrial(editor, { announce, remount, refresh }) {
  const button = editor.querySelector("[data-run-test]");
  if (!button) return;
  const form = editor.querySelector("[data-connection-form]");
  const trial = editor.querySelector("[data-trial]");
  const steps = trial.querySelector("[data-steps]");
  const status = trial.querySelector("[data-trial-status]");
  const template = trial.querySelector("[data-step-template]");

  const show = (step) => {
    const line = template.content.cloneNode(true).querySelector("li");
    line.dataset.state = step.state;
    for (const name of ["title", "words", "time", "message", "advice"]) {
      line.querySelector(`[data-${name}]`).textContent = step[name];
    }
    steps.append(line);
  };

  const run = async () => {
    steps.replaceChildren();
    trial.hidden = false;
    status.textContent = text("testing");
    const response = await part(form.dataset.test, "editor", {
      body: new FormData(form),
      accept: "application/x-ndjson",
    });
    if (isHtml(response) && response.status === 422) {
      showAgain(editor, await fragment(response), remount);
      return;
    }
    if (!response.ok) {
      status.textContent = refusal(response);
      return;
    }
    let hasFailed = false;
    for await (const step of jsonLines(piecesOf(response))) {
      show(step);
      hasFailed ||= step.state === "failed";
    }
    status.textContent = text(hasFailed ? "test_failed" : "tested");
    await refresh();
  };

  button.addEventListener("click", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await run();
    } catch {
      status.textContent = text("failed");
      announce(text("failed"));
    } finally {
      button.disabled = false;
    }
  });
}
