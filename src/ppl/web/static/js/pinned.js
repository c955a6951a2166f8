/** Which lines are marked: asks the server, and opens what changes marks. That, and the list of them, is loaded then. */

import { dropDown } from "./dropdown.js";
import { markOf, pinAll, settlePins } from "./pins.js";
import { eventOf } from "./rows.js";

export class Pinned {
  /**
   * @param {HTMLDetailsElement} menu of the marks there are
   * @param {{pane: HTMLElement, userId: () => string, zone: import("./time.js").Zone,
   *   keepingPlace: (change: () => void) => void, event: () => import("./rows.js").LogEvent | undefined,
   *   open: (event: import("./rows.js").LogEvent) => void, say: (problem: string) => void}} around
   */
  constructor(menu, around) {
    this.menu = menu;
    this.around = around;
    this.asked = 0;
    /** Whether there may be others than those that are known. */
    this.isStale = false;
    const { mark, csrfToken = "" } = around.pane.dataset;
    this.csrfToken = csrfToken;
    if (mark) pinAll([JSON.parse(mark)]);
    dropDown(menu, () => this.load((pinning) => pinning.list(this)));
    document.addEventListener("click", ({ target }) => {
      const clicked = /** @type {HTMLElement} */ (target).closest(".pin, [data-act=mark]");
      if (clicked) this.open(clicked.matches(".pin") ? eventOf(clicked.closest(".row")) : undefined);
    });
  }

  /** Read them, and show them where their lines are. */
  async refresh() {
    this.asked += 1;
    const { asked } = this;
    this.isStale = false;
    const answer = await this.ask("GET", `?user_id=${encodeURIComponent(this.around.userId())}`).catch(() => null);
    if (!answer) this.isStale = true;
    else if (asked === this.asked) this.show(answer.marks);
  }

  /** @param {import("./pins.js").Mark[]} marks */
  show(marks) {
    const { menu, around } = this;
    around.keepingPlace(() => {
      menu.hidden = !marks.length;
      /** @type {HTMLElement} */ (menu.querySelector(".count")).textContent = String(marks.length);
      pinAll(marks);
    });
  }

  /** Live goes on: pins that lie over their rows get lines of their own. */
  settle() { settlePins(this.around.pane); }

  /** Mark an event, or change what is written to it. @param {import("./rows.js").LogEvent} [event] else the chosen one */
  open(event = this.around.event()) {
    this.around.say(event ? "" : "Choose the line to mark first: j, k or a click");
    if (event) this.load((pinning) => pinning.edit(this, event, markOf(event.id)));
  }

  /** @param {(marking: typeof import("./pinning.js")) => void} use */
  async load(use) {
    try {
      use(await import("./pinning.js"));
    } catch {
      this.around.say("The server cannot be reached.");
    }
  }

  /**
   * @param {string} method @param {string} more of the address @param {object} [fields]
   * @returns {Promise<any>} rejected with the sentence to say
   */
  async ask(method, more, fields) {
    const headers = { "Content-Type": "application/json", "X-CSRF-Token": this.csrfToken };
    const unreachable = new Error("The server cannot be reached.");
    const answer = await fetch(`/api/marks${more}`, {
      method, cache: "no-store", headers: method === "GET" ? {} : headers, body: fields && JSON.stringify(fields),
    }).catch(() => { throw unreachable; });
    const value = await answer.json().catch(() => { throw unreachable; });
    if (!answer.ok) throw new Error(value.error.message);
    return value;
  }
}
