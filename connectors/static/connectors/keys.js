// Replace and Remove exclude each other: what is typed wins over the mark, and the other way round.
// A key and the name of a variable exclude each other too: what is not chosen is not kept unseen.

export function mountKeys(editor) {
  const entries = new Map(
    [
      ["typed", "api_key"],
      ["variable", "api_key_env"],
    ].map(([source, name]) => [source, editor.querySelector(`[name=${name}]`)]),
  );
  const filled = [...entries.values()].filter(Boolean);
  const remove = editor.querySelector("[name=remove_key]");

  for (const source of editor.querySelectorAll("[name=key_source]")) {
    source.addEventListener("change", () => {
      if (!source.checked) return;
      for (const [name, entry] of entries) if (entry && name !== source.value) entry.value = "";
    });
  }
  if (!remove) return;
  for (const entry of filled) {
    entry.addEventListener("input", () => {
      if (entry.value) remove.checked = false;
    });
  }
  remove.addEventListener("change", () => {
    if (!remove.checked) return;
    for (const entry of filled) {
      entry.value = "";
      entry.closest("details")?.removeAttribute("open");
    }
  });
}
