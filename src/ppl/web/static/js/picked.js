/** The lines picked from one row to another: marks them, and shows a bar with their number and actions. */

import { copyFor, lineOf, pathOf } from "./copy.js";
import { button, element } from "./element.js";
import { eventOf } from "./rows.js";
import { counted } from "./text.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */

const FENCE = /`{3,}/g;

export class Picked {
  /** @param {{zone: import("./time.js").Zone, userId: () => string, cleared: () => void}} around */
  constructor(around) {
    this.around = around;
    this.pane = document.body;
    /** @type {Element[]} rows and the gap rows between them; kept when the list drops them */
    this.parts = [];
    this.words = element("span", "words");
    this.words.setAttribute("role", "status");
    this.bar = element("div", "");
    this.bar.id = "picked";
    this.bar.setAttribute("role", "region");
    this.bar.setAttribute("aria-label", "Lines picked");
    const clear = button("", "Clear ");
    clear.append(element("kbd", "", "Esc"));
    clear.addEventListener("click", () => around.cleared());
    this.bar.append(
      this.words,
      this.copier("Copy text", () => this.text),
      this.copier("Copy Markdown", () => this.markdown),
      this.copier("Copy link", () => this.link),
      clear,
    );
    document.getElementById("status")?.before(this.bar);
  }

  /** @param {string} name @param {() => string} what */
  copier(name, what) {
    const made = button("", name);
    made.addEventListener("click", () => copyFor(made, what()));
    return made;
  }

  /** @param {HTMLElement} pane of rows @param {HTMLElement} from @param {HTMLElement} to above or below `from` */
  show(pane, from, to) {
    this.pane = pane;
    const [first, last] = [from, to].map((row) => Number(row.dataset.id)).sort((one, other) => one - other);
    for (const row of /** @type {NodeListOf<HTMLElement>} */ (pane.querySelectorAll(".row"))) {
      const id = Number(row.dataset.id);
      row.classList.toggle("picked", id >= first && id <= last);
    }
    const parts = [...pane.querySelectorAll(".row.picked, .gap")];
    const rows = parts.map((part) => part.classList.contains("row"));
    this.parts = parts.slice(rows.indexOf(true), rows.lastIndexOf(true) + 1);
    this.words.textContent = `${this.count} picked` + (this.hasGap ? "; others between them are not loaded" : "");
    this.bar.hidden = false;
  }

  hide() {
    this.bar.hidden = true;
    for (const row of this.pane.querySelectorAll(".picked")) row.classList.remove("picked");
  }

  /** @returns {string} e.g. `12 lines` */
  get count() {
    return counted(this.events.length, "line");
  }

  get hasGap() { return this.parts.some((part) => !eventOf(part)); }

  get events() { return /** @type {LogEvent[]} */ (this.parts.map(eventOf).filter(Boolean)); }

  /** @returns {string} */
  get text() {
    return this.parts.map((part) => {
      const event = eventOf(part);
      return event ? lineOf(event, this.around.zone) : "[… lines left out here …]";
    }).join("\n");
  }

  /** @returns {string} a link and a code block, whose fence is longer than any in the lines */
  get markdown() {
    const { events, text } = this;
    const { zone } = this.around;
    const longest = Math.max(2, ...(text.match(FENCE) ?? []).map((each) => each.length));
    const fence = "`".repeat(longest + 1);
    const times = [events[0], events[events.length - 1]].map((event) => zone.stamp(event.time)).join(" – ");
    return `[${this.count} · ${times}](${this.link})\n\n${fence}text\n${text}\n${fence}\n`;
  }

  /** @returns {string} a link that opens the lines from the first to the last and marks them */
  get link() {
    const { events } = this;
    const last = events[events.length - 1];
    const path = location.origin + pathOf(events[0], this.around.userId());
    return events.length > 1 ? `${path}&to=${last.id}` : path;
  }
}
