/** A dialog for times that no menu offers. Loaded on first use. */

import { UNREACHABLE } from "./api.js";
import { now } from "./clock.js";
import { term } from "./query.js";
import { readQuery } from "./search.js";

/** How far the estimate of the server's clock may be off. */
const UNSURE_MS = 5000;

/** @typedef {(times: Record<string, number>, terms: string) => void} Chosen ms since 1970 by field, and as query text */

/** A dialog with fields for times in words, which the server parses. */
export class TimeDialog {
  /**
   * @param {HTMLDialogElement} dialog with fields named `after` and `before`, or one of these
   * @param {Chosen} chosen
   */
  constructor(dialog, chosen) {
    this.dialog = dialog;
    this.chosen = chosen;
    this.form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
    this.error = /** @type {HTMLElement} */ (dialog.querySelector(".problem"));
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    dialog.querySelector(".cancel")?.addEventListener("click", () => dialog.close());
  }

  /** @param {Record<string, string>} [values] by field */
  open(values = {}) {
    this.error.textContent = "";
    for (const field of this.form.querySelectorAll("input")) field.value = values[field.name] ?? "";
    this.dialog.showModal();
  }

  async submit() {
    /** @type {Record<string, number>} */
    const times = {};
    const texts = [];
    for (const { name, value } of this.form.querySelectorAll("input")) {
      if (!value.trim()) continue;
      texts.push(term(name, value.trim()));
      const meaning = await readQuery(texts[texts.length - 1]);
      if (!meaning || meaning.error) {
        this.error.textContent = meaning ? `Expected ${meaning.error.expected ?? "a time"}.` : UNREACHABLE;
        return;
      }
      times[name] = Date.parse(meaning[name === "after" ? "from" : "to"] ?? "1970-01-01T00:00:00Z");
      if (name === "after" && times.after > now() + UNSURE_MS) {
        this.error.textContent = "That time is in the future: there are no lines yet.";
        return;
      }
    }
    this.dialog.close();
    this.chosen(times, texts.join(" "));
  }
}
