/** Fetches which lines are marked. The modules that show and change marks are loaded once they are needed. */

import { loaded } from "./api.js";
import { getJson } from "./clock.js";
import { dropDown } from "./dropdown.js";
import { PINS } from "./pins.js";
import { eventOf } from "./rows.js";

export class Pinned {
  /** @param {HTMLDetailsElement} menu of the marks @param {import("./reading.js").Reading} reading */
  constructor(menu, reading) {
    this.menu = menu;
    this.reading = reading;
    const { list, zone, userId } = reading.around;
    this.zone = zone;
    this.userId = userId;
    this.asked = 0;
    const { mark, csrfToken = "" } = list.pane.dataset;
    this.csrfToken = csrfToken;
    if (mark) this.show([JSON.parse(mark)], true);
    // On an event's own page no live connection begins, which would otherwise fetch them.
    if (reading.context.addressed) this.refresh();
    dropDown(menu, () => this.use(import("./marking.js"), (marking) => marking.list(this)));
    document.addEventListener("click", ({ target }) => {
      const clicked = /** @type {HTMLElement} */ (target).closest(".pin, [data-act=mark]");
      if (clicked) this.edit(clicked.matches(".pin") ? eventOf(clicked.closest(".row")) : reading.event);
    });
  }

  /** Fetch the marks and show them on their lines. */
  async refresh() {
    this.asked += 1;
    const { asked } = this;
    const answer = await getJson(`/api/marks?user_id=${encodeURIComponent(this.userId())}`);
    if (answer && asked === this.asked) this.show(answer.marks);
  }

  /** @param {import("./pins.js").Mark[]} marks @param {boolean} isBeginning */
  show(marks, isBeginning = false) {
    if (marks.length || PINS.size) this.use(import("./pinning.js"), (pinning) => pinning.show(this, marks, isBeginning));
  }

  /** Mark an event, or change its note. @param {import("./rows.js").LogEvent | undefined} event */
  edit(event) {
    this.reading.around.status.problem(event ? "" : "Choose the line to mark first: j, k or a click");
    if (event) this.use(import("./marking.js"), (marking) => marking.edit(this, event, PINS.get(event.id)?.mark));
  }

  /** @template Module @param {Promise<Module>} loading @param {(module: Module) => void} act */
  async use(loading, act) {
    const module = await loaded(loading, (problem) => this.reading.around.status.problem(problem));
    if (module) act(module);
  }
}
