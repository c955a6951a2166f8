/** The viewer page: joins connection, tail, list, status and the reader's hand. */

import { Connection } from "./connection.js";
import { Filter } from "./filter.js";
import { FirstLine } from "./firstline.js";
import { Follow } from "./follow.js";
import { listenToKeys } from "./keys.js";
import { HISTORY_ROWS, LogList } from "./list.js";
import { Offline } from "./offline.js";
import { Status } from "./status.js";
import { Tail } from "./tail.js";
import { Zone } from "./time.js";

/** @typedef {import("./rows.js").LogEvent} LogEvent */

const PORTION = 200;
const NEAR = 800;
// After a longer absence the newest lines are shown at once, and the rest is a gap that loads on click.
const SHORT_ABSENCE_MS = 120_000;

class View {
  constructor() {
    const pane = byId("log");
    this.zone = new Zone(pane.dataset.timeZone ?? "UTC");
    this.list = new LogList(pane, this.zone);
    this.status = new Status(byId("status"), byId("pill"), this.zone.name);
    this.tail = new Tail((gap, events) => this.showLive(gap, events));
    this.offline = new Offline(byId("offline"), () => this.connection.open());
    this.firstLine = new FirstLine(byId("first-line"), pane.dataset.csrfToken ?? "");
    this.filter = new Filter(/** @type {HTMLFormElement} */ (byId("filter")), () => this.begin());
    this.destination = /** @type {HTMLSelectElement} */ (byId("destination"));
    this.paused = false;
    this.fresh = 0;
    /** What the next `send_logs` without `before` or `after` is: a view's beginning, or what came meanwhile. */
    this.awaited = "snapshot";
    this.loading = false;
    this.lastHeard = Date.now();
    this.connection = new Connection({
      identify: () => this.identify(),
      received: (event, data) => this.received(event, data),
      opened: () => this.opened(),
      waiting: (seconds, attempt) => this.waiting(seconds, attempt),
    });
    this.follow = new Follow(this.list, {
      pause: (why) => this.pause(why), resume: () => this.resume(), isPaused: () => this.paused,
      scrolled: () => this.loadNear(),
    });
    this.listen(pane);
    this.begin();
  }

  /** @param {HTMLElement} pane */
  listen(pane) {
    this.destination.addEventListener("change", () => this.begin());
    byId("pill").addEventListener("click", () => this.resume());
    pane.addEventListener("click", (event) => {
      const host = /** @type {HTMLElement} */ (event.target).closest(".host");
      if (host && getSelection()?.isCollapsed) this.filter.set(/** @type {HTMLElement} */ (host).dataset.sender ?? "");
    });
    const help = /** @type {HTMLDialogElement} */ (byId("help"));
    byId("status").querySelector(".help")?.addEventListener("click", () => help.showModal());
    const end = () => this.resume();
    const home = () => {
      this.pause("scrolled up");
      this.list.toTop();
    };
    listenToKeys({
      " ": () => (this.paused ? this.resume() : this.pause("Space")),
      End: end, G: end, Home: home, g: home,
      "/": () => this.filter.field.focus(),
      l: () => pane.classList.toggle("unwrapped"),
      "?": () => help.showModal(),
    });
    const follow = () => {
      if (!document.hidden && !this.paused) this.list.followBottom();
    };
    document.addEventListener("visibilitychange", follow);
    addEventListener("resize", follow);
  }

  // The connection

  /** A view of its own begins: another destination, another filter. */
  begin() {
    this.list.clear();
    this.tail.clear();
    this.setPaused(false, "");
    this.awaited = "snapshot";
    this.firstLine.hide();
    this.status.state("", "Connecting…");
    this.connection.open();
  }

  identify() {
    const data = {
      user_id: this.destination.value, watched_ip: this.filter.sender, logs_portion: String(PORTION), batch: true,
    };
    const known = this.list.newestId;
    if (known && !this.paused && this.list.atNewest && Date.now() - this.lastHeard < SHORT_ABSENCE_MS) {
      return { ...data, since: String(known) };
    }
    this.awaited = known && this.paused ? "ignored" : known ? "resume" : "snapshot";
    return data;
  }

  opened() {
    this.offline.hide();
    this.loading = false;
    // What waited is read again from the server.
    this.tail.clear();
    if (this.paused) setTimeout(() => this.connection.send("pause_live_update"));
    this.showState();
  }

  /** @param {number} seconds @param {number} attempt */
  waiting(seconds, attempt) {
    this.loading = false;
    this.offline.waiting(seconds, attempt);
    this.status.state("offline", "Offline");
  }

  /** @param {string} event @param {any} data */
  received(event, data) {
    this.lastHeard = Date.now();
    switch (event) {
      case "send_logs": this.receivedLogs(data); break;
      case "live_update_logs": this.receivedLive(data.events ?? [data.event]); break;
      case "paused_count": this.count(Number(data.new)); break;
      case "live_gap":
        this.tail.addGap({ after: Number(data.from) - 1, before: Number(data.to) + 1, count: data.skipped });
        break;
      case "error": this.refused(data); break;
      default: break;
    }
  }

  /** @param {{code: string, message: string, event?: string}} error */
  refused(error) {
    this.loading = false;
    if (error.code === "bad_watched_ip") this.filter.refuse(error.message);
    else this.status.state("offline", error.message);
  }

  // Lines

  /** @param {{events: LogEvent[], isOldestEventReached: string, before?: string, after?: string, since?: string}} data */
  receivedLogs(data) {
    for (const event of data.events) this.filter.seen(event.sender_ip);
    if (data.since !== undefined) this.receivedSince(data.events);
    else if (data.after !== undefined) this.receivedNewer(data);
    else if (data.before !== undefined) this.receivedOlder(data);
    else this.receivedView(data);
    this.status.rows(this.list.count);
  }

  /** What came while there was no connection. @param {LogEvent[]} events */
  receivedSince(events) {
    this.status.came(events.length);
    this.tail.add(events, this.list.newestId);
  }

  /** @param {{events: LogEvent[], isOldestEventReached: string}} data */
  receivedView(data) {
    const { events } = data;
    if (this.awaited === "ignored") {
      this.count(this.fresh + events.filter((event) => Number(event.id) > this.list.newestId).length);
      return;
    }
    const resumed = this.awaited === "resume" && this.list.count > 0;
    if (resumed && this.list.atNewest) this.joinView(events, data.isOldestEventReached === "true");
    else {
      this.list.clear();
      this.list.append(events);
      if (data.isOldestEventReached === "true") this.reachedOldest();
    }
    this.fresh = 0;
    this.list.atNewest = true;
    this.list.followBottom();
    this.showState();
  }

  /**
   * The newest portion after what is shown: it joins, or a gap row stands between.
   * @param {LogEvent[]} events @param {boolean} isAll whether nothing older than them exists
   */
  joinView(events, isAll) {
    const known = this.list.newestId;
    const newer = events.filter((event) => Number(event.id) > known);
    if (newer.length && newer.length === events.length && !isAll) {
      const count = Math.max(0, this.fresh - newer.length);
      const gap = this.appendGap({ after: known, before: Number(newer[0].id), count });
      // Perhaps there is nothing between: the store knows.
      if (!count) this.loadGap(gap);
    }
    this.list.append(newer);
    this.list.trimTop();
  }

  /** @param {LogEvent[]} events */
  receivedLive(events) {
    for (const event of events) this.filter.seen(event.sender_ip);
    this.status.came(events.length);
    if (this.awaited !== "ignored") this.tail.add(events, this.list.newestId);
  }

  /** @param {import("./tail.js").Gap | null} gap @param {LogEvent[]} events */
  showLive(gap, events) {
    if (this.paused) {
      // They were under way when the reader paused: resuming reads them again.
      this.count(this.fresh + events.length);
      return;
    }
    if (events.length || gap) this.firstLine.hide();
    if (gap) this.appendGap(gap);
    const newest = this.list.newestId;
    this.list.append(events.filter((event) => Number(event.id) > newest));
    this.list.trimTop();
    this.status.rows(this.list.count);
    this.list.followBottom();
    this.showState();
  }

  /** @param {import("./tail.js").Gap} gap */
  appendGap(gap) {
    return this.list.appendGap(gap, (row) => this.loadGap(row));
  }

  /** @param {HTMLElement} row */
  loadGap(row) {
    if (this.connection.send("get_logs", { after: row.dataset.after, before: row.dataset.before })) {
      row.textContent = "Loading…";
    }
  }

  /** @param {{events: LogEvent[], before?: string, after?: string}} data */
  receivedNewer(data) {
    const gap = data.before && this.list.pane.querySelector(`.gap[data-after="${data.after}"]`);
    if (gap instanceof HTMLElement) {
      this.list.insertBefore(data.events, gap);
      const last = data.events.at(-1);
      if (last) {
        gap.dataset.after = last.id;
        this.connection.send("get_logs", { after: last.id, before: gap.dataset.before });
      } else {
        this.list.keepingPlace(() => gap.remove());
      }
      return;
    }
    this.loading = false;
    const newest = this.list.newestId;
    this.list.append(data.events.filter((event) => Number(event.id) > newest));
    this.list.atNewest = !data.events.length;
    while (this.list.count > HISTORY_ROWS && this.list.pane.firstElementChild) {
      const first = this.list.pane.firstElementChild;
      this.list.keepingPlace(() => this.list.forget(first));
      this.list.atOldest = false;
    }
  }

  /** @param {{events: LogEvent[], isOldestEventReached: string, before?: string}} data */
  receivedOlder(data) {
    this.loading = false;
    const oldest = this.list.oldestId || Infinity;
    this.list.prepend(data.events.filter((event) => Number(event.id) < oldest));
    if (data.isOldestEventReached === "true") this.reachedOldest();
    else this.loadNear();
  }

  reachedOldest() {
    if (this.list.count) this.list.markOldest("Beginning of history");
    else if (this.filter.sender) this.list.markOldest(`No lines from ${this.filter.sender} yet`);
    else {
      const chosen = this.destination.selectedOptions[0];
      this.firstLine.show(chosen?.dataset.host ?? "", chosen?.dataset.port ?? "", this.destination.value);
    }
  }

  /** History is loaded before the reader reaches its end, in both directions. */
  loadNear() {
    if (!this.paused || this.loading) return;
    const { pane } = this.list;
    if (pane.scrollTop < NEAR && !this.list.atOldest && this.list.oldestId) {
      this.loading = this.connection.send("get_logs", { before: String(this.list.oldestId) });
    } else if (!this.list.atNewest && pane.scrollHeight - pane.scrollTop - pane.clientHeight < NEAR) {
      this.loading = this.connection.send("get_logs", { after: String(this.list.newestId) });
    }
  }

  // Pause and resume

  /** @param {string} why */
  pause(why) {
    if (this.paused || !this.list.count) return;
    this.connection.send("pause_live_update");
    this.setPaused(true, why);
    this.loadNear();
  }

  resume() {
    if (!this.paused) {
      this.list.followBottom();
      return;
    }
    getSelection()?.removeAllRanges();
    this.tail.clear();
    this.setPaused(false, "");
    this.awaited = "resume";
    this.connection.send("resume_live_update");
    if (this.list.atNewest) this.list.followBottom();
  }

  /** @param {boolean} paused @param {string} why */
  setPaused(paused, why) {
    this.paused = paused;
    this.why = why;
    if (paused) this.fresh = 0;
    this.list.pane.classList.toggle("live", !paused);
    this.showState();
  }

  /** @param {number} fresh */
  count(fresh) {
    this.status.came(Math.max(0, fresh - this.fresh));
    this.fresh = fresh;
    this.showState();
  }

  showState() {
    if (this.paused) this.status.state("paused", `Paused — ${this.why}`);
    else if (!byId("first-line").hidden) this.status.state("live", "Waiting");
    else this.status.state("live", "Live");
    this.status.jump(this.paused, this.fresh);
  }
}

/** @param {string} id @returns {HTMLElement} */
function byId(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

new View();
