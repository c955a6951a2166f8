/** The note above the oldest row: how far a search has come, that nothing is older, or that nothing matches. */

import { button, element } from "./element.js";

export class Sought {
  /**
   * @param {import("./list.js").LogList} list @param {import("./time.js").Zone} zone
   * @param {import("./search.js").Search} search
   * @param {{goOn: () => void, cancel: () => void, widen: () => void}} acts
   */
  constructor(list, zone, search, acts) {
    this.list = list;
    this.zone = zone;
    this.search = search;
    this.acts = acts;
    this.note = element("div", "note");
    this.words = element("span", "words");
    this.words.setAttribute("role", "status");
    this.bar = /** @type {HTMLProgressElement} */ (element("progress", ""));
    this.bar.setAttribute("aria-label", "Searched");
    // Outside the live region, so that screen readers do not announce the progress twice a second.
    this.far = element("span", "reached");
    this.more = element("span", "");
    this.note.append(this.words, this.far, this.bar, this.more);
    this.key = "";
  }

  /** @param {{loading: boolean, isSeeking: boolean, left: number, mostLeft: number}} history */
  update({ loading, isSeeking, left, mostLeft }) {
    const { list, search, zone, acts, bar } = this;
    const reached = isSeeking ? list.lookedUpTo : list.lookedBackTo;
    const way = reached && `${isSeeking ? "up" : "back"} to ${zone.moment(reached / 1000)}`;
    this.far.textContent = loading && !list.atOldest && way ? `, ${way}` : "";
    bar.hidden = !loading || list.atOldest;
    if (left) bar.value = 1 - left / mostLeft;
    else bar.removeAttribute("value");
    if (list.atOldest) {
      if (list.count) this.show("Beginning of history");
      else if (!search.query) this.show("No lines yet");
      else this.showNoMatch();
    } else if (!search.query) {
      list.showNote(null);
    } else if (loading) {
      this.show(list.count ? "Searching further" : "Searching: 0 so far", ["Cancel", acts.cancel]);
    } else if (way) {
      this.show(`${list.count ? "Searched" : "No lines match so far. Searched"} ${way}`, ["Continue", acts.goOn]);
    } else {
      list.showNote(null);
    }
  }

  showNoMatch() {
    const { from, to } = this.search.bounds;
    const since = from === null ? "from the oldest line" : `from ${this.zone.moment(from)}`;
    const until = to === null ? "until now" : `until ${this.zone.moment(to)}`;
    /** @type {[string, () => void][]} */
    const offers = [["Clear the search", () => this.search.set("")]];
    if (from !== null || to !== null) offers.unshift(["Search all of history", this.acts.widen]);
    this.show(`No lines match. Searched ${since} ${until}.`, ...offers);
  }

  /** @param {string} text @param {[string, () => void][]} offers */
  show(text, ...offers) {
    const hints = this.list.count ? [] : this.search.hints;
    if (this.words.textContent !== text) this.words.textContent = text;
    const key = [...offers.map(([name]) => name), ...hints].join();
    // Only on a change, so that a focused button stays.
    if (key !== this.key) {
      this.key = key;
      this.more.replaceChildren(...offers.flatMap(([name, act]) => {
        const made = button("link", name);
        made.addEventListener("click", act);
        return [" ", made];
      }), ...hints.map((each) => element("p", "hint", each)));
    }
    this.list.showNote(this.note);
  }
}
