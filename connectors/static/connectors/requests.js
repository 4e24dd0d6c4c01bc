// Requests to the page's own addresses, and how answers are read.

import { text } from "./texts.js";

const TOKEN = "csrfmiddlewaretoken";
let isTokenOld = false;

export class Refused extends Error {
  constructor(status, reason = "") {
    super(reason || `The site answered ${status}.`);
    this.status = status;
    this.reason = reason;
  }
}

export async function part(url, name, { body = null, accept = "text/html" } = {}) {
  if (body && isTokenOld) await renewToken(body);
  const response = await fetch(url, {
    method: body ? "POST" : "GET",
    body,
    headers: { "X-Part": name, Accept: accept },
    credentials: "same-origin",
    redirect: "manual",
  });
  if (body && isLoggedOut(response)) isTokenOld = true;
  return response;
}

// Who logs in gets a new token; the forms on the page still hold the one from before.
async function renewToken(body) {
  const { index } = document.querySelector("[data-connectors-page]").dataset;
  const response = await part(index, "live");
  if (!response.ok || !isHtml(response)) return;
  const token = (await fragment(response)).querySelector(`[name=${TOKEN}]`).value;
  for (const held of document.querySelectorAll(`[name=${TOKEN}]`)) held.value = token;
  body.set(TOKEN, token);
  isTokenOld = false;
}

// The only redirect that scripts are sent leads to the login.
function isLoggedOut(response) {
  return response.type === "opaqueredirect";
}

// What to tell the person of an answer that is none of those a script waits for.
export function refusal(response) {
  if (isLoggedOut(response)) return text("logged_out");
  return text("refused", { status: response.status });
}

export function isHtml(response) {
  return (response.headers.get("content-type") ?? "").startsWith("text/html");
}

export async function fragment(response) {
  const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
  const held = document.createDocumentFragment();
  held.append(...parsed.body.childNodes);
  return held;
}

// Lines of JSON as they come, in whatever pieces the network hands them over.
export async function* jsonLines(pieces) {
  const decoder = new TextDecoder();
  let waiting = "";
  for await (const piece of pieces) {
    waiting += decoder.decode(piece, { stream: true });
    const lines = waiting.split("\n");
    waiting = lines.pop();
    for (const line of lines) if (line.trim()) yield JSON.parse(line);
  }
  waiting += decoder.decode();
  if (waiting.trim()) yield JSON.parse(waiting);
}

export async function* piecesOf(response) {
  const reader = response.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.releaseLock();
  }
}
