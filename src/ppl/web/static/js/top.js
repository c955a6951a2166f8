/**
 * The top values of a field over the searched range: a panel beside the log, filled while the server counts. A value
 * narrows the search or is excluded. Values are reordered only while none is hovered or focused. Loaded on first use.
 */

import { logIn, UNREACHABLE } from "./api.js";
import { button, element } from "./element.js";
import { shareWords } from "./groups.js";
import { exactTerm } from "./query.js";
import { Tally } from "./tally.js";
import { counted, shortened, visible } from "./text.js";

const LIVE_MS = 5000;
const AGAIN_MS = 1000;
const SHOWN = 100;
const LONGEST = 200;
/** From this length on the server cuts values: there is no term for them. */
const CUT = 1000;
/** Keys that work as on the rest of the page. */
const OURS = new Set(["/", "?", "Escape"]);
/** The beginning of all times: without it, the server counts the last day. */
const EVER = "1970-01-01T00:00:00Z";

const written = (/** @type {number} */ number) => number.toLocaleString("en");

export class TopValues {
  /**
   * @param {HTMLElement} room
   * @param {{zone: import("./time.js").Zone, search: import("./search.js").Search, userId: () => string,
   *   keepingPlace: (change: () => void) => void}} around
   */
  constructor(room, around) {
    this.room = room;
    this.around = around;
    /** @param {string} selector @returns {any} */
    const part = (selector) => room.querySelector(selector);
    this.title = part("h2 code");
    this.words = part(".words");
    this.said = part("[role=status]");
    this.problem = part(".problem");
    /** @type {HTMLElement} */
    this.list = part("ol");
    this.name = "";
    this.tally = new Tally();
    /** @type {Map<string, HTMLElement>} value → its row */
    this.rows = new Map();
    this.asked = new AbortController();
    this.isCounting = false;
    /** @type {Element | null} */
    this.before = null;
    part(".close").addEventListener("click", () => this.close());
    this.list.addEventListener("click", (event) => this.clicked(event));
    for (const left of ["pointerleave", "focusout"]) this.list.addEventListener(left, () => requestAnimationFrame(() => this.draw()));
    room.addEventListener("keydown", (event) => this.pressed(event));
  }

  get isOpen() { return !this.room.hidden; }

  /** @param {string} name of the field */
  show(name) {
    this.name = name;
    this.title.textContent = name;
    if (!this.isOpen) {
      this.before = document.activeElement;
      this.around.keepingPlace(() => { this.room.hidden = false; });
    }
    this.room.focus({ preventScroll: true });
    this.begin();
  }

  close() {
    this.asked.abort();
    const isInside = this.room.contains(document.activeElement);
    this.around.keepingPlace(() => { this.room.hidden = true; });
    this.clear();
    if (!isInside) return;
    const { before } = this;
    const back = before instanceof HTMLElement && before !== document.body && before.isConnected && before.checkVisibility();
    (back ? before : document.getElementById("log"))?.focus({ preventScroll: true });
  }

  clear() {
    this.tally = new Tally();
    this.rows.clear();
    this.list.replaceChildren();
    this.problem.textContent = this.said.textContent = "";
  }

  /** Count again: the search or the destination has changed. */
  async begin() {
    if (!this.isOpen) return;
    this.asked.abort();
    const asked = new AbortController();
    this.asked = asked;
    const { search } = this.around;
    this.clear();
    this.isCounting = true;
    this.tell();
    await search.known;
    const { signal } = asked;
    if (signal.aborted) return;
    if (search.isWrong) {
      this.isCounting = false;
      this.tell();
      return;
    }
    await this.count(signal);
    if (signal.aborted) return;
    this.isCounting = false;
    this.draw();
    this.said.textContent = this.words.textContent;
    if (this.tally.isComplete && this.tally.to) await this.follow(signal);
  }

  /** Count from the newest events on, as far as the server comes in one answer, until all are counted. @param {AbortSignal} signal */
  async count(signal) {
    for (let before = ""; ;) {
      const answer = await this.ask(signal, before ? { before, to: this.tally.to } : {});
      if (!answer) return;
      this.tally.take(answer);
      this.draw();
      if (answer.complete) return;
      before = answer.reached;
    }
  }

  /** Keep adding events that come, as long as the range has no end. @param {AbortSignal} signal */
  async follow(signal) {
    for (;;) {
      await new Promise((done) => { setTimeout(done, LIVE_MS); });
      const { bounds } = this.around.search;
      if (signal.aborted || bounds.to !== null) return;
      if (document.hidden) continue;
      const answer = await this.ask(signal, { from: this.tally.to });
      if (signal.aborted) return;
      if (!answer?.complete) continue;
      this.tally.addLater(answer);
      this.draw();
    }
  }

  /**
   * @param {AbortSignal} signal @param {Record<string, string>} fields
   * @returns {Promise<import("./tally.js").Answer | null>} `null` if it failed, after the reader was told why
   */
  async ask(signal, fields) {
    const { search, userId } = this.around;
    const asked = new URLSearchParams({ user_id: userId(), q: search.query, field: this.name, from: EVER, ...fields });
    let error = UNREACHABLE;
    try {
      const answer = await fetch(`/api/top-values?${asked}`, { signal, cache: "no-store" });
      if (answer.status === 401) logIn();
      const found = await answer.json();
      this.problem.textContent = answer.ok ? "" : found.error.message;
      if (answer.ok) return found;
      error = found.error.message;
      if (answer.status === 429) {
        await new Promise((done) => { setTimeout(done, AGAIN_MS); });
        return signal.aborted ? null : this.ask(signal, fields);
      }
    } catch {
      // Cut off, or no JSON.
    }
    if (!signal.aborted) this.problem.textContent = error;
    return null;
  }

  // What is shown

  draw() {
    if (!this.isOpen) return;
    this.tell();
    const sorted = this.tally.sorted.slice(0, SHOWN);
    const most = sorted[0]?.[1] ?? 1;
    const { total } = this.tally;
    for (const [value, count] of sorted) fill(this.rows.get(value) ?? this.row(value), count, total, most);
    const isHeld = this.list.matches(":hover") || this.list.contains(document.activeElement);
    const rows = sorted.map(([value]) => /** @type {HTMLElement} */ (this.rows.get(value)));
    if (isHeld) {
      this.list.append(...rows.filter((row) => !row.isConnected));
      return;
    }
    const { scrollTop } = this.list;
    this.list.replaceChildren(...rows);
    this.list.scrollTop = scrollTop;
    for (const [value, row] of this.rows) if (!row.isConnected) this.rows.delete(value);
  }

  tell() {
    const { tally, isCounting, around: { zone } } = this;
    const back = tally.backTo > 0 ? zone.moment(tally.backTo) : "";
    const different = tally.counts.size + tally.others.values;
    const parts = tally.hasBegun ? [`${written(tally.total)} in ${counted(different, "value")}`] : [];
    if (different > SHOWN) parts.push(`the ${SHOWN} most frequent`);
    if (isCounting) parts.push(back ? `counting, back to ${back}…` : "counting…");
    else if (!tally.isComplete && back) parts.push(`not counted before ${back}`);
    this.words.textContent = tally.isComplete && !different ? "No line of this search has the field" : parts.join(" · ");
    this.room.classList.toggle("counting", isCounting);
  }

  /** @param {string} value @returns {HTMLElement} its row, without its count */
  row(value) {
    const row = element("li", "");
    const term = this.termOf(value);
    const name = value ? visible(shortened(value, LONGEST)) : "(empty)";
    const text = button("text", "");
    text.append(element("span", "bar"), element("span", "value", name));
    text.title = term ? `${term}: click to show only these lines, Alt- or Ctrl-click to exclude them` : "Too long to search for";
    const hide = button("hide", "—");
    hide.setAttribute("aria-label", `Exclude ${name}`);
    hide.title = `Exclude ${name}`;
    row.dataset.value = value;
    if (!term) for (const each of [text, hide]) each.setAttribute("aria-disabled", "true");
    row.append(text, element("span", "count"), element("span", "share"), hide);
    this.rows.set(value, row);
    return row;
  }

  /** @param {string} value @returns {string} the term that finds it, empty if there is none */
  termOf(value) { return value.length < CUT && !/[\p{Cc}]/u.test(value) ? exactTerm(`.${this.name}`, value) : ""; }

  // The reader's actions

  /** @param {MouseEvent} event */
  clicked(event) {
    const chosen = /** @type {HTMLElement} */ (event.target).closest("button");
    const value = /** @type {HTMLElement | null | undefined} */ (chosen?.closest("li"))?.dataset.value ?? "";
    const term = chosen && this.termOf(value);
    if (!term) return;
    const isExcluded = chosen.matches(".hide") || event.altKey || event.ctrlKey || event.metaKey;
    this.around.search.add(isExcluded ? `-${term}` : term);
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    // Keep these keys from the lines beside.
    if (!OURS.has(event.key)) event.stopPropagation();
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    const rows = /** @type {HTMLElement[]} */ ([...this.list.children]);
    const at = rows.findIndex((each) => each.contains(document.activeElement));
    const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step];
    /** @type {HTMLElement | null | undefined} */ (next?.querySelector(".text"))?.focus();
  }
}

/** Fill in what changes. @param {HTMLElement} row @param {number} count @param {number} total @param {number} most the highest count */
function fill(row, count, total, most) {
  /** @param {string} name @returns {any} */
  const part = (name) => row.querySelector(`.${name}`);
  part("count").textContent = written(count);
  part("share").textContent = shareWords(count / Math.max(1, total));
  part("bar").style.width = `${(100 * count) / Math.max(1, most)}%`;
}
