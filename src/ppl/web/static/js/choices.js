/** A menu for a tapped host or program, since touch has no second button. Loaded on the first tap. */

import { makeDialog } from "./dialog.js";
import { button } from "./element.js";

/**
 * @param {Element} part of a row: its host or program @param {(part: Element, isExcluded: boolean) => void} narrow
 * @param {() => void} openDetails
 */
export function offerPart(part, narrow, openDetails) {
  const what = part.classList.contains("program") ? "program" : "host";
  openChoices(part.textContent ?? "", [
    [`Only this ${what}`, () => narrow(part, false)],
    [`Without this ${what}`, () => narrow(part, true)],
    ["Details of the line", openDetails],
  ]);
}

/** @param {string} name @param {[string, () => void][]} choices */
function openChoices(name, choices) {
  const dialog = makeDialog("choices", name);
  for (const [words, act] of [...choices, /** @type {[string, () => void]} */ (["Cancel", () => {}])]) {
    const choice = button("", words);
    choice.addEventListener("click", () => {
      dialog.close();
      act();
    });
    dialog.append(choice);
  }
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.showModal();
}
