/** Keys of the viewer; ignored in fields and with Ctrl, Alt or Meta. */

/** @param {Record<string, () => void>} acts key → action */
export function listenToKeys(acts) {
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    // Menus and popovers handle their own keys.
    if (target.closest(".menu, [popover]")) return;
    const inField = target.closest("input, select, textarea");
    if (inField && event.key === "Escape") target.blur();
    // A focused button keeps its own Space and Enter.
    if (inField || ((event.key === " " || event.key === "Enter") && target.closest("button, a"))) return;
    const act = acts[event.key];
    if (act) {
      event.preventDefault();
      act();
    }
  });
}
