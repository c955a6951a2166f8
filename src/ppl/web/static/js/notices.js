/** The browser's notifications of new hits: one for each time that nobody looks, which counts on in silence. */

import { counted, shortened, visible } from "./text.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */

const BETWEEN_MS = 10_000;
const LONGEST_QUERY = 80;
const LONGEST_BODY = 300;

export class Notices {
  constructor() {
    /** @type {Notification | null} */
    this.shown = null;
    this.timer = 0;
    this.due = 0;
  }

  /** Ask the reader for the permission, and show what it will be like. @param {string} query @returns {Promise<string>} why not */
  async ask(query) {
    if (!globalThis.Notification) return "This browser shows notifications over https only, or none at all.";
    if (await Notification.requestPermission() !== "granted") {
      return "The browser blocks notifications of this page: allow them in its settings.";
    }
    try {
      this.show("New hits will be told like this", `While this tab is hidden: ${shortened(query, LONGEST_QUERY)}`, query, true);
    } catch {
      // Browsers of phones want more than a page for this.
      return "This browser shows no notifications of pages.";
    }
    return "";
  }

  /** @param {number} unseen hits, 0 to begin anew @param {string} query @param {LogEvent} [latest] the newest of them */
  tell(unseen, query, latest) {
    clearTimeout(this.timer);
    if (!unseen) {
      this.shown?.close();
      this.shown = null;
      this.due = 0;
      return;
    }
    const wait = this.due ? this.due - performance.now() : 0;
    if (wait > 0) {
      this.timer = setTimeout(() => this.tell(unseen, query, latest), wait);
      return;
    }
    const heading = `${counted(unseen, "new hit")}: ${shortened(query, LONGEST_QUERY)}`;
    this.show(heading, latest ? described(latest) : "", query, this.due > 0);
    this.due = performance.now() + BETWEEN_MS;
  }

  /** @param {string} heading @param {string} body @param {string} query @param {boolean} silent */
  show(heading, body, query, silent) {
    // Of one tag there is one: it takes the place of the one before.
    const shown = new Notification(heading, { body, silent, tag: `ppl ${query}` });
    shown.addEventListener("click", () => {
      window.focus();
      shown.close();
    });
    this.shown = shown;
  }
}

/** @param {LogEvent} event */
function described({ hostname, sender_ip: address, file_name: program, message }) {
  return shortened(`${hostname || address} ${program}: ${visible(message)}`, LONGEST_BODY);
}
