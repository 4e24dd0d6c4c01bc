// Requests to the page's own addresses, and how answers are read.

export class Refused extends Error {
  constructor(status, reason = "") {
    super(reason || `The site answered ${status}.`);
    this.status = status;
    this.reason = reason;
  }
}

export async function part(url, name, { body = null, accept = "text/html" } = {}) {
  return fetch(url, {
    method: body ? "POST" : "GET",
    body,
    headers: { "X-Part": name, Accept: accept },
    credentials: "same-origin",
    redirect: "manual",
  });
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
