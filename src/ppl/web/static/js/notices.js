/** The browser's notifications of new hits: one each time the tab is hidden, whose count then rises silently. */

import { shownOf } from "./shown.js";
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

  /** Ask for permission and show a sample. @param {string} query @returns {Promise<string>} why it failed, or empty */
  async ask(query) {
    if (!globalThis.Notification) return "This browser shows notifications only over https, or not at all.";
    if (await Notification.requestPermission() !== "granted") {
      return "The browser blocks notifications from this page: allow them in its settings.";
    }
    try {
      this.show("New hits will look like this", `While this tab is hidden: ${shortened(query, LONGEST_QUERY)}`, query, true);
    } catch {
      // Mobile browsers require a service worker for this.
      return "This browser shows no notifications from pages.";
    }
    return "";
  }

  /** @param {number} unseen hits, 0 to start over @param {string} query @param {LogEvent} [latest] the newest hit */
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
    // A notification replaces the previous one with the same tag.
    const shown = new Notification(heading, { body, silent, tag: `ppl ${query}` });
    shown.addEventListener("click", () => {
      window.focus();
      shown.close();
    });
    this.shown = shown;
  }
}

/** @param {LogEvent} event */
function described(event) {
  const { hostname, sender_ip: address, file_name: program } = event;
  return shortened(`${hostname || address} ${program}: ${visible(shownOf(event))}`, LONGEST_BODY);
}
