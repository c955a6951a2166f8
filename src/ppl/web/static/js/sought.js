/** The line above the oldest row: how far a search has looked, or that there is nothing older, or nothing at all. */

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
    this.key = "";
  }

  /** @param {{loading: boolean}} history */
  update({ loading }) {
    const { list, search } = this;
    const back = list.lookedBackTo && this.zone.moment(list.lookedBackTo / 1000);
    if (list.atOldest) {
      if (list.count) this.show("Beginning of history");
      else if (!search.query) this.show("No lines yet");
      else this.showNoMatch();
    } else if (!search.query) {
      list.showNote(null);
    } else if (loading) {
      this.show(back ? `Searched back to ${back}` : "Searching…", ["Cancel", this.acts.cancel]);
    } else if (back) {
      this.show(`Searched back to ${back}`, ["Continue", this.acts.goOn]);
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
    const key = [text, ...offers.map(([name]) => name), ...hints].join();
    if (key !== this.key) {
      this.key = key;
      const buttons = offers.map(([name, act]) => {
        const made = button("link", name);
        made.addEventListener("click", act);
        return made;
      });
      const words = element("span", "words", text);
      words.setAttribute("role", "status");
      this.note.replaceChildren(
        words, ...buttons.flatMap((each) => [" ", each]), ...hints.map((each) => element("p", "hint", each)));
    }
    this.list.showNote(this.note);
  }
}
