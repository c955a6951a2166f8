/** A dialog that is created when it opens and removed when it closes. */

import { element } from "./element.js";

/** @param {string} name its class @param {string} title @returns {HTMLDialogElement} to be filled and shown */
export function makeDialog(name, title) {
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", name));
  const heading = element("h2", "", title);
  heading.id = `${name}-title`;
  dialog.setAttribute("aria-labelledby", heading.id);
  dialog.append(heading);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  return dialog;
}
