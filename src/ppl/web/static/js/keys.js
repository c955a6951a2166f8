/** Keys of the viewer; never in fields, never with Ctrl, Alt or Meta. */

/** @param {Record<string, () => void>} acts key → what it does */
export function listenToKeys(acts) {
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
    // What has the focus there is not meant.
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
