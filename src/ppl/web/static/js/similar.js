/**
 * Groups of similar lines: a panel over the log, filled while the server reads. A group can be shown, by narrowing the
 * search to it, or excluded. Groups are reordered only while none is hovered or focused, so that none slips away.
 */

import { logIn, UNREACHABLE } from "./api.js";
import { button, element } from "./element.js";
import { fillRow, makeRow } from "./grouprow.js";
import { Groups, readLines } from "./groups.js";
import { cover, uncover } from "./rooms.js";
import { counted } from "./text.js";

/** Groups shown at first: more are hard to take in. */
const SHOWN = 200;

const LIVE_MS = 5000;

/** Keys that work as on the rest of the page. */
const OURS = new Set(["/", "?", "s", "t", "l", "Escape"]);

const count = (/** @type {number} */ number) => number.toLocaleString("en");
const lines = (/** @type {number} */ number) => counted(number, "line");

export class Similar {
  /**
   * @param {HTMLElement} room
   * @param {{zone: import("./time.js").Zone, search: import("./search.js").Search, userId: () => string,
   *   covered: HTMLElement[]}} around `covered`: the elements beneath
   */
  constructor(room, around) {
    this.room = room;
    this.around = around;
    /** @param {string} selector @returns {any} */
    const part = (selector) => room.querySelector(selector);
    /** @type {HTMLElement} */
    this.list = part(".groups");
    this.words = part(".words");
    this.said = part("[role=status]");
    this.problem = part(".problem");
    this.cancel = part(".cancel");
    this.progress = part("progress");
    this.order = part(".order");
    this.compare = part(".compare");
    this.groups = new Groups();
    /** @type {Map<string, HTMLElement>} */
    this.rows = new Map();
    this.most = SHOWN;
    this.asked = new AbortController();
    this.timer = 0;
    this.isCancelled = false;
    part(".back").addEventListener("click", () => this.close());
    this.cancel.addEventListener("click", () => this.stop());
    this.order.addEventListener("change", () => this.draw(true));
    this.compare.addEventListener("change", () => {
      if (this.compare.value !== "no") this.order.value = "new";
      this.begin();
    });
    for (const left of ["pointerleave", "focusout"]) this.list.addEventListener(left, () => requestAnimationFrame(() => this.draw()));
    this.list.addEventListener("click", (event) => this.clicked(event));
    room.addEventListener("keydown", (event) => this.pressed(event));
  }

  get isOpen() { return !this.room.hidden; }

  toggle() {
    if (this.isOpen) {
      this.close();
      return;
    }
    this.room.hidden = false;
    cover(this.room, this.around.covered);
    this.room.focus({ preventScroll: true });
    this.begin();
  }

  close() {
    this.asked.abort();
    clearTimeout(this.timer);
    uncover(this.room, this.around.covered);
    this.clear();
  }

  clear() {
    this.groups = new Groups();
    this.rows.clear();
    this.list.replaceChildren();
    this.most = SHOWN;
    this.problem.textContent = this.said.textContent = "";
  }

  /** Group again after a change of search, destination or comparison, if the panel is open. */
  begin() {
    if (!this.isOpen) return;
    this.clear();
    this.isCancelled = false;
    this.cancel.hidden = this.progress.hidden = false;
    this.progress.value = 0;
    this.words.textContent = "Grouping…";
    const { groups } = this;
    this.ask({ compare: this.compare.value }, (report) => this.changed(groups.take(report))).then((isWhole) => {
      if (groups !== this.groups) return;
      if (!isWhole) this.isCancelled = true;
      this.ended();
    });
  }

  /** Stop grouping: the reader cancelled. */
  stop() {
    this.asked.abort();
    this.isCancelled = true;
    this.ended();
  }

  ended() {
    const hadFocus = document.activeElement === this.cancel;
    this.cancel.hidden = this.progress.hidden = true;
    if (hadFocus) this.room.focus({ preventScroll: true });
    this.changed([...this.rows.keys()]);
    this.said.textContent = this.words.textContent;
    this.live();
  }

  /** Keep adding new lines, if the range has no end and was read completely. */
  live() {
    clearTimeout(this.timer);
    if (!this.groups.isComplete || this.around.search.bounds.to !== null) return;
    this.timer = setTimeout(async () => {
      const { groups } = this;
      if (!document.hidden) {
        const more = new Groups();
        const isWhole = await this.ask({ after: groups.newest }, (report) => more.take(report));
        if (groups !== this.groups) return;
        if (isWhole && more.isComplete) {
          this.problem.textContent = "";
          this.changed(groups.add(more));
        }
      }
      this.live();
    }, LIVE_MS);
  }

  /**
   * @param {Record<string, string>} fields @param {(report: any) => void} take
   * @returns {Promise<boolean>} whether the response was complete; if not, the reader was told why
   */
  async ask(fields, take) {
    this.asked.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    const { search, userId } = this.around;
    const address = `/api/similar?${new URLSearchParams({ user_id: userId(), q: search.query, ...fields })}`;
    let error = "";
    try {
      const answer = await fetch(address, { signal, cache: "no-store" });
      if (answer.status === 401) logIn();
      if (answer.ok && answer.body) {
        await readLines(answer.body, (report) => {
          if (signal.aborted) return;
          if (report.error) error = report.error.message;
          else take(report);
        });
      } else error = (await answer.json()).error.message;
    } catch {
      if (!signal.aborted) error = UNREACHABLE;
    }
    if (signal.aborted) return false;
    this.problem.textContent = error;
    return !error;
  }

  // What is shown

  /** @param {string[]} keys of the groups that changed */
  changed(keys) {
    this.tell();
    for (const key of keys) {
      const group = this.groups.all.get(key);
      const row = this.rows.get(key);
      if (group && row) fillRow(row, group, this.groups, this.around.zone);
    }
    this.draw();
  }

  tell() {
    const { groups, around: { zone } } = this;
    const { read, total, backTo, others, all } = groups;
    if (!this.cancel.hidden) {
      if (!groups.newest) return;
      this.progress.value = total ? Math.min(1, Math.max(read, groups.searched) / total) : 0;
      const back = backTo ? `, back to ${zone.moment(backTo)}` : "";
      this.words.textContent = `Grouped ${count(read)} of about ${lines(Math.max(total, read))}${back}`;
      return;
    }
    const parts = [`${lines(read)} in ${counted(all.size, "group")}`];
    if (others) parts.push(`${lines(others)} in rarer ones`);
    const why = this.isCancelled ? "stopped" : "timed out";
    if (!groups.isComplete && backTo) parts.push(`${why} at ${zone.moment(backTo)}: older lines are not counted`);
    else if (groups.from) parts.push(`from ${zone.moment(groups.from)}`);
    if (groups.isCompared) parts.push(`compared from ${zone.moment(groups.comparedFrom)}`);
    this.words.textContent = read || !groups.isComplete ? parts.join(", ") : "No lines match";
  }

  /** @param {boolean} [isAsked] even while a group is hovered or focused */
  draw(isAsked = false) {
    if (!this.isOpen) return;
    const isHeld = !isAsked && (this.list.matches(":hover") || this.list.contains(document.activeElement));
    const sorted = this.groups.sorted(this.order.value);
    const wanted = sorted.slice(0, this.most);
    if (isHeld) {
      // Existing rows stay in place; new ones are appended.
      this.list.append(...wanted.filter((each) => !this.rows.has(each.key)).map((each) => this.row(each)));
      return;
    }
    const rows = wanted.map((each) => this.rows.get(each.key) ?? this.row(each));
    const left = sorted.length - wanted.length;
    const { scrollTop } = this.list;
    if (left) {
      const more = element("li", "note");
      const all = button("link all", `Show ${count(left)} more`);
      more.append(all);
      rows.push(more);
    }
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    this.list.replaceChildren(...rows);
    if (focused && this.list.contains(focused)) focused.focus({ preventScroll: true });
    this.list.scrollTop = scrollTop;
    const keys = new Set(wanted.map((each) => each.key));
    for (const key of this.rows.keys()) if (!keys.has(key)) this.rows.delete(key);
  }

  /** @param {import("./groups.js").Group} group @returns {HTMLElement} */
  row(group) {
    const row = makeRow(group);
    fillRow(row, group, this.groups, this.around.zone);
    this.rows.set(group.key, row);
    return row;
  }

  // The reader's actions

  /** @param {MouseEvent} event */
  clicked(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (target.closest(".all")) {
      this.most = Infinity;
      this.draw(true);
      return;
    }
    const chosen = target.closest(".text, .hide");
    const row = /** @type {HTMLElement | null} */ (target.closest(".group"));
    const group = this.groups.all.get(row?.dataset.key ?? "");
    if (!chosen || !row || !group?.query || !getSelection()?.isCollapsed) return;
    if (chosen.matches(".hide") || event.altKey || event.ctrlKey || event.metaKey) this.around.search.add(`-${group.query}`);
    else {
      this.close();
      this.around.search.add(group.query);
    }
  }

  /** @param {KeyboardEvent} event */
  pressed(event) {
    // Keep these keys from the lines beneath.
    if (!OURS.has(event.key)) event.stopPropagation();
    const step = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 }[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey || /** @type {HTMLElement} */ (event.target).closest("select")) return;
    event.preventDefault();
    const rows = /** @type {HTMLElement[]} */ ([...this.list.querySelectorAll(".group")]);
    const at = rows.findIndex((each) => each.contains(document.activeElement));
    const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step];
    /** @type {HTMLElement | null | undefined} */ (next?.querySelector(".text"))?.focus();
  }
}
