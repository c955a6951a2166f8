/** The panel beside the log: one event with all fields, its JSON pretty-printed, and actions on it. */

import { copyFor, curlOf, lineOf, pathOf } from "./copy.js";
import { button, element } from "./element.js";
import { fieldTerm, fieldsOf } from "./fields.js";
import { jsonIn } from "./fold.js";
import { appendText } from "./message.js";
import { cutAt } from "./text.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */

const MOST_CHARACTERS = 20_000;

export class Details {
  /**
   * @param {HTMLElement} panel
   * @param {{zone: import("./time.js").Zone, userId: () => string, keepingPlace: (change: () => void) => void,
   *   closed: () => void, context: (event: LogEvent) => void, narrow: (term: string) => void,
   *   columns: import("./columns.js").Columns}} around
   */
  constructor(panel, around) {
    this.panel = panel;
    this.around = around;
    /** @type {LogEvent | null} */
    this.event = null;
    /** @type {Element | null} */
    this.before = null;
    /** @param {string} selector @returns {HTMLElement} */
    const part = (selector) => /** @type {HTMLElement} */ (panel.querySelector(selector));
    this.fields = part("dl");
    this.body = part(".body");
    this.link = /** @type {HTMLAnchorElement} */ (part(".permalink"));
    /** @type {Promise<import("./found.js").Found | null> | null} */
    this.found = null;
    panel.addEventListener("click", (event) => this.clicked(event));
  }

  /** @param {LogEvent} event @param {boolean} [isByKey] whether a key opens it: then it gets the focus */
  open(event, isByKey = false) {
    const { panel } = this;
    if (panel.hidden) {
      this.before = document.activeElement;
      this.around.keepingPlace(() => { panel.hidden = false; });
    }
    if (event !== this.event) this.fill(event);
    // A sheet over the log always takes the focus: it hides the lines below it.
    if (isByKey || getComputedStyle(panel).position === "fixed") panel.focus({ preventScroll: true });
  }

  close() {
    const { panel, before } = this;
    if (panel.hidden) return;
    const isInside = panel.contains(document.activeElement);
    this.around.keepingPlace(() => { panel.hidden = true; });
    this.event = null;
    if (!isInside) return;
    if (before instanceof HTMLElement && before.isConnected && before !== document.body) before.focus({ preventScroll: true });
    else this.around.closed();
  }

  /** Make room where the panel is a sheet over the log. */
  leaveSheet() {
    if (getComputedStyle(this.panel).position === "fixed") this.close();
  }

  /** @param {LogEvent} event */
  fill(event) {
    this.event = event;
    this.fields.replaceChildren();
    for (const [name, value] of fieldsOf(event, this.around.zone)) {
      const written = element("dd", "");
      write(written.appendChild(element("span", "value")), value);
      for (const isExcluded of [false, true]) {
        const term = fieldTerm(event, name, isExcluded);
        if (term) written.append(this.narrower(isExcluded ? "exclude" : "only", term));
      }
      this.fields.append(element("dt", "", name), written);
    }
    this.link.href = pathOf(event, this.around.userId()) + this.around.columns.asked;
    this.body.replaceChildren();
    const found = jsonIn(event.message);
    const before = found ? found.before.trim() : event.message;
    if (before) write(this.body.appendChild(element("pre", "text")), before);
    if (found) this.writeJson(found.json);
    this.panel.scrollTop = 0;
    this.showFound(event);
  }

  /** Show the fields that the server finds in the text. @param {LogEvent} event */
  async showFound(event) {
    const room = /** @type {HTMLDetailsElement} */ (this.panel.querySelector(".found"));
    this.found ??= import("./found.js").then(({ Found }) => new Found(room, this.around, () => this.leaveSheet())).catch(() => null);
    const found = await this.found;
    if (!found) this.found = null;
    else if (event === this.event) found.show(event);
  }

  /** @param {string} name @param {string} term of the search */
  narrower(name, term) {
    const made = button("link", name);
    made.title = term;
    made.append(element("span", "unseen", ` ${term}`));
    made.addEventListener("click", () => this.around.narrow(term));
    return made;
  }

  /** @param {string} json */
  async writeJson(json) {
    const place = this.body.appendChild(element("span", ""));
    const view = await import("./jsonview.js").catch(() => null);
    // Another event may have been opened meanwhile.
    if (!place.isConnected) return;
    if (view) {
      place.replaceWith(...view.makeJson(json, this.around.narrow));
    } else {
      const block = element("pre", "json");
      write(block, json);
      place.replaceWith(block);
    }
  }

  /** @param {MouseEvent} event */
  clicked(event) {
    const target = /** @type {HTMLElement} */ (event.target).closest("[data-act]");
    const { event: shown, around } = this;
    if (!(target instanceof HTMLElement) || !shown) return;
    switch (target.dataset.act) {
      case "close": this.close(); break;
      case "context": around.context(shown); break;
      case "line": copyFor(target, lineOf(shown, around.zone)); break;
      case "json": copyFor(target, JSON.stringify(shown, null, 2)); break;
      case "curl": copyFor(target, curlOf(shown, location.origin, around.userId())); break;
      case "permalink":
        // With Ctrl or the middle button it works as an ordinary link.
        if (event.ctrlKey || event.metaKey || event.shiftKey) break;
        event.preventDefault();
        this.copyLink();
        break;
      default: break;
    }
  }

  copyLink() { return copyFor(this.link, this.link.href); }
}

/** Write a text; a long one gets a button for its rest. @param {HTMLElement} place @param {string} text */
function write(place, text) {
  const cut = text.length > MOST_CHARACTERS ? cutAt(text, MOST_CHARACTERS) : text.length;
  appendText(place, text.slice(0, cut));
  if (cut === text.length) return;
  const more = button("more", `▸ ${(text.length - cut).toLocaleString("en")} more characters`);
  more.addEventListener("click", () => {
    more.remove();
    appendText(place, text.slice(cut));
  });
  place.append(more);
}
