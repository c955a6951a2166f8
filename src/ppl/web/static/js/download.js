/** The content of the download menu: a file of all lines that the search finds, and a link to the view. */

import { getJson } from "./clock.js";
import { copyFor } from "./copy.js";
import { element } from "./element.js";
import { fixed } from "./fixing.js";
import { counted } from "./text.js";

const ASK_MS = 1000;

/**
 * @typedef {Object} Shown what the page shows
 * @property {string} userId the destination
 * @property {string} query
 * @property {number} newest id of the last line; 0 if there is none
 * @property {string[]} columns
 */

export class Download {
  /** @param {HTMLDetailsElement} menu @param {() => Shown} shown */
  constructor(menu, shown) {
    this.shown = shown;
    /** @param {string} selector @returns {HTMLElement} */
    const part = (selector) => /** @type {HTMLElement} */ (menu.querySelector(selector));
    this.form = /** @type {HTMLFormElement} */ (part("form"));
    this.what = part(".what");
    this.said = part(".said");
    this.problem = part(".problem");
    this.link = part(".view button");
    /** Name of the export whose progress is shown. */
    this.name = "";
  }

  /** Show which lines would be downloaded. */
  opened() {
    const { query, userId } = this.shown();
    const what = query ? ["All lines that ", element("code", "", query), " finds"] : [`All lines of ${userId}`];
    this.what.replaceChildren(...what, ", oldest first:");
  }

  begin() {
    const { query, userId } = this.shown();
    const fields = new FormData(this.form);
    this.name = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const asked = new URLSearchParams({
      user_id: userId, q: query, format: String(fields.get("format")), gzip: fields.has("gzip") ? "1" : "0", name: this.name,
    });
    const link = /** @type {HTMLAnchorElement} */ (element("a", ""));
    link.href = `/api/export?${asked}`;
    // With it the page stays, whatever the server answers.
    link.download = "";
    link.click();
    this.problem.textContent = "";
    this.said.textContent = "Started: the browser shows the file among its downloads.";
    this.follow(this.name);
  }

  /** Show the export's progress until it is complete or unknown. @param {string} name */
  async follow(name) {
    for (;;) {
      await new Promise((done) => { setTimeout(done, ASK_MS); });
      if (name !== this.name) return;
      const answer = await getJson(`/api/export/${name}`);
      if (!answer) {
        this.said.textContent = "";
        this.problem.textContent = "The server cannot report the download's progress.";
        return;
      }
      const lines = counted(answer.events, "line");
      if (answer.complete) {
        this.said.textContent = `Complete: ${lines}.`;
        return;
      }
      this.said.textContent = `${lines} so far, ${Math.floor(answer.part * 100)} % of the range.`;
    }
  }

  async copyLink() {
    const { query, userId, newest, columns } = this.shown();
    const text = new URLSearchParams({ user_id: userId, q: await fixed(query, newest) });
    if (columns.length) text.set("columns", columns.join(","));
    await copyFor(this.link, `${location.origin}/?${text}`);
  }
}
