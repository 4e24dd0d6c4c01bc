// Replace and Remove exclude each other: what is typed wins over the mark, and the other way round.

export function mountKeys(editor) {
  const typed = editor.querySelector("[name=api_key]");
  const remove = editor.querySelector("[name=remove_key]");
  if (!typed || !remove) return;
  typed.addEventListener("input", () => {
    if (typed.value) remove.checked = false;
  });
  remove.addEventListener("change", () => {
    if (!remove.checked) return;
    typed.value = "";
    typed.closest("details")?.removeAttribute("open");
  });
}
