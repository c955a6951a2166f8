/** The area above the log: creates and connects the search, its chips and menus, the suggestions and the histogram. */

import { loaded } from "./api.js";
import { Chips } from "./chips.js";
import { now } from "./clock.js";
import { Counts } from "./counts.js";
import { Histogram } from "./histogram.js";
import { Menu, withPart } from "./menus.js";
import { exactTerm, termOf, withoutAll } from "./query.js";
import { between, rangeWords, TIMES, widened } from "./ranges.js";
import { Recent } from "./recent.js";
import { Search } from "./search.js";
import { Seen } from "./seen.js";

// How long a search must be unchanged before its lines are counted, and how often new lines are.
const SETTLED_MS = 250;
const COUNTED_MS = 10_000;

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

export class Bar {
  /**
   * @param {import("./list.js").LogList} list @param {import("./time.js").Zone} zone
   * @param {() => string} userId the destination
   * @param {{changed: () => void, seek: (moment: number) => void, refuse: (message: string) => void}} acts
   *   `changed`: the search changed; `seek`: go to a time
   */
  constructor(list, zone, userId, acts) {
    this.userId = userId;
    const keepingPlace = (/** @type {() => void} */ change) => list.keepingPlace(change);
    const search = new Search(byId("search"), acts.changed, keepingPlace);
    this.search = search;
    this.chips = new Chips(byId("chips"), search);
    this.acts = acts;
    /** @type {Map<string, import("./asking.js").TimeDialog>} by id */
    this.dialogs = new Map();
    this.senders = new Menu(byId("senders"), ["host", "sender", "ip"], search);
    this.menus = [
      this.senders,
      new Menu(byId("severity"), ["severity"], search),
      new Menu(byId("range"), TIMES, search, {
        custom: () => this.ask("range-dialog", (_, terms) => search.set(withPart(search.latest, TIMES, terms)),
          Object.fromEntries(TIMES.map((each) => [each, termOf(search.query, each)?.value ?? ""]))),
        goto: () => this.goTo(),
      }, () => rangeWords(search.bounds, zone)),
    ];
    this.seen = new Seen((kind, value) => {
      if (kind === "host") this.senders.offer(value, exactTerm("host", value));
    });
    for (const each of [search.field, byId("senders")]) {
      each.addEventListener("focus", () => this.seen.ask(this.userId()));
    }
    const more = byId("more");
    more.addEventListener("click", () => keepingPlace(() => {
      more.setAttribute("aria-expanded", String(document.body.classList.toggle("menus")));
    }));
    /** @type {Promise<unknown> | null} */
    let suggesting = null;
    search.field.addEventListener("focus", () => {
      suggesting ??= import("./suggest.js").then(({ Suggest }) => {
        new Suggest(search, byId("suggestions"), () => this.seen.values, () => this.recent);
      // Without the module there are no suggestions until the field is focused again.
      }).catch(() => { suggesting = null; });
    });
    /** @param {number} from @param {number} to */
    const zoom = (from, to) => search.set(between(search.latest, from, to < now() ? to : null, zone));
    this.histogram = new Histogram(byId("histogram"), zone, keepingPlace, {
      zoom,
      zoomOut: () => {
        const wider = widened(search.bounds, now());
        if (wider) zoom(...wider);
        else this.widen();
      },
    });
    this.counts = new Counts(() => this.histogram.draw(this.counts));
    this.settling = 0;
    search.form.addEventListener("bounds", () => {
      for (const menu of this.menus) menu.update();
      this.count();
    });
    setInterval(() => {
      if (list.isLive && !document.hidden) this.counts.refresh(now());
    }, COUNTED_MS);
  }

  /**
   * Open a dialog for times. @param {string} id of the dialog @param {import("./asking.js").Chosen} chosen
   * @param {Record<string, string>} [values] by field
   */
  async ask(id, chosen, values) {
    const asking = await loaded(import("./asking.js"), this.acts.refuse);
    if (!asking) return;
    const dialog = this.dialogs.get(id) ?? new asking.TimeDialog(byId(id), chosen);
    this.dialogs.set(id, dialog);
    dialog.open(values);
  }

  goTo() {
    this.ask("goto", ({ after }) => {
      if (after !== undefined) this.acts.seek(after);
    });
  }

  get recent() { return new Recent(this.userId()); }

  /** Forget the senders: another destination was chosen. */
  forget() {
    this.seen.clear();
    this.senders.forget();
  }

  /** Adapt to the search of a view that begins. */
  begin() {
    this.chips.update();
    for (const menu of this.menus) menu.update();
    this.recent.add(this.search.query);
    this.histogram.expectOther();
  }

  /** Count the lines of the search once it has settled. */
  count() {
    const { from, to } = this.search.bounds;
    this.histogram.setZoomed(from !== null || to !== null);
    this.histogram.expectOther();
    clearTimeout(this.settling);
    const settling = setTimeout(async () => {
      await this.search.known;
      if (settling !== this.settling || this.search.isWrong) return;
      const query = withoutAll(this.search.query, TIMES);
      this.counts.begin({ userId: this.userId(), query, ...this.search.bounds }, now());
    }, SETTLED_MS);
    this.settling = settling;
  }

  /** Search all of history instead of a range. */
  widen() { this.search.set(withoutAll(this.search.latest, TIMES)); }

  /** Search for only a row's host or program. @param {Element} clicked @param {boolean} isExcluded or without it */
  narrow(clicked, isExcluded) {
    const part = /** @type {HTMLElement | null} */ (clicked.closest(".host, .program"));
    if (!part || !getSelection()?.isCollapsed) return;
    const { host, sender = "", program } = part.dataset;
    const [attribute, value] = program ? ["program", program] : host ? ["host", host] : ["ip", sender];
    this.search.add(exactTerm(attribute, value, isExcluded));
  }
}
