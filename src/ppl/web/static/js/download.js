/** The menu of what can be taken along: all lines that the search finds, in a file, and a link to what is shown. */

import { getJson } from "./clock.js";
import { copyFor } from "./copy.js";
import { element } from "./element.js";
import { fixed } from "./fixing.js";
import { counted } from "./text.js";

const ASK_MS = 1000;

/**
 * @typedef {Object} Shown what the page shows
 * @property {string} userId whose lines
 * @property {string} query
 * @property {number} newest id of the last line; 0: there is none
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
    /** Name of the export that is told of. */
    this.name = "";
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.begin();
    });
    this.link.addEventListener("click", () => this.copyLink());
  }

  /** Say what there is to take. */
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
    // Whatever is answered, the page stays.
    link.download = "";
    link.click();
    this.problem.textContent = "";
    this.said.textContent = "Begun: the browser shows the file among its downloads.";
    this.follow(this.name);
  }

  /** Say how far the export is, until it is complete or nobody knows. @param {string} name */
  async follow(name) {
    for (;;) {
      await new Promise((done) => { setTimeout(done, ASK_MS); });
      if (name !== this.name) return;
      const answer = await getJson(`/api/export/${name}`);
      if (!answer) {
        this.said.textContent = "";
        this.problem.textContent = "The server cannot say how far the download is.";
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
    const { query, userId, newest } = this.shown();
    const text = new URLSearchParams({ user_id: userId, q: await fixed(query, newest) });
    await copyFor(this.link, `${location.origin}/?${text}`);
  }
}
