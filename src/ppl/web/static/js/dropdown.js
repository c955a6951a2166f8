/** A menu that opens below its button; Escape, a click elsewhere or focus leaving it closes it. */

/**
 * @param {HTMLDetailsElement} menu @param {() => unknown} opened
 * @returns {() => void} closes the menu and focuses its button
 */
export function dropDown(menu, opened) {
  const close = () => {
    menu.open = false;
    menu.querySelector("summary")?.focus();
  };
  menu.addEventListener("toggle", () => { if (menu.open) opened(); });
  menu.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });
  addEventListener("pointerdown", (event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
  });
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(/** @type {Node} */ (event.relatedTarget))) menu.open = false;
  });
  return close;
}
