/** The viewer page: creates its parts and connects them. */

import { Bar } from "./bar.js";
import { Bell } from "./bell.js";
import { begunAt, now } from "./clock.js";
import { Columns } from "./columns.js";
import { Connection } from "./connection.js";
import { DayBar } from "./daybar.js";
import { Destinations } from "./destinations.js";
import { Follow } from "./follow.js";
import { receive, wanted } from "./frames.js";
import { Grouping } from "./grouping.js";
import { listenToKeys } from "./keys.js";
import { LogList } from "./list.js";
import { look } from "./looks.js";
import { marksOf, marksWithPatterns } from "./marks.js";
import { Offline } from "./offline.js";
import { Pinned } from "./pinned.js";
import { Reading } from "./reading.js";
import { Saved } from "./saved.js";
import { Sought } from "./sought.js";
import { Status } from "./status.js";
import { TakeAlong } from "./takealong.js";
import { Zone } from "./time.js";
import { Title } from "./title.js";
import { View } from "./view.js";
import { Welcome } from "./welcome.js";

/** @param {string} id @returns {HTMLElement} */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const pane = byId("log");
const destinations = new Destinations(/** @type {HTMLSelectElement} */ (byId("destination")));
const userId = () => destinations.userId;

begunAt(Number(pane.dataset.now));
const zone = new Zone(pane.dataset.timeZone ?? "UTC");
const list = new LogList(pane, zone);
const title = new Title((unseen) => bell.told(unseen));
const status = new Status(byId("status"), byId("pill"), zone.name, title);
const problem = (/** @type {string} */ words) => status.problem(words);
const dayBar = new DayBar(byId("day"), list, zone.name, (row) => bar.histogram.look(list.isLive ? null : row));
const welcome = new Welcome(byId("first-line"), pane.dataset.csrfToken ?? "");
const bar = new Bar(list, zone, userId, {
  changed: () => begin(),
  seek: (moment) => view.seek(moment * 1000, `at ${zone.moment(moment)}`),
  refuse: problem,
});
const { search } = bar;
const saved = new Saved(
  /** @type {HTMLDetailsElement} */ (byId("saved")), search, userId, pane.dataset.csrfToken ?? "");
const bell = new Bell(byId("notify"), search, userId, problem);
const takeAlong = new TakeAlong(
  /** @type {HTMLDetailsElement} */ (byId("download")),
  () => ({ userId: userId(), query: search.query, newest: list.newestId, columns: columns.names }), problem);
const offline = new Offline(byId("offline"), (change) => list.keepingPlace(change), () => connection.open());

/** Whether a new view waits for the server; the previous view's rows stay until then. */
let isDue = false;
/** The state shown while there is no connection. */
let away = "Connecting…";

const sought = new Sought(list, zone, search, {
  goOn: () => view.history.goOn(),
  cancel: () => view.cancelSearch(),
  widen: () => bar.widen(),
});

/** @type {View} */
const view = new View({
  list,
  status,
  send: (event, data) => connection.send(event, data),
  away: () => away,
  stands() {
    if (destinations.chosen.isClosed) return "Closed: it receives nothing any more";
    const { to } = search.bounds;
    return to !== null && to <= now() ? `Closed range: until ${zone.moment(to)}` : "";
  },
  came(events) {
    bar.seen.add(events);
    bell.came(events);
  },
  changed() {
    if (list.count) welcome.hide();
    sought.update(view.history);
    status.rows(list.count);
    dayBar.update();
    reading.beyond?.came();
  },
  looked(history) {
    if (isDue) return;
    sought.update(history);
    const { host, port, transport, isClosed } = destinations.chosen;
    if (list.atOldest && !list.count && !search.query && !isClosed) welcome.show(host, port, userId(), transport);
  },
  landed(from, next) {
    const at = zone.moment(from);
    if (!next) view.notice = `Nothing came after ${at}: these are the newest lines`;
    // A line within a minute of the time counts as found there.
    else if (next - from > 60_000) view.why = `nothing at ${at}, the next line is from ${zone.moment(next)}`;
  },
  newestReached: () => (list.count ? follow.settle() : resume()),
});

/** @type {Connection} */
const connection = new Connection({
  identify(silence) {
    if (isDue) start();
    return { ...wanted(userId(), search.query, columns.names), ...view.goOn(silence) };
  },
  opened() {
    offline.hide();
    pinned.refresh();
    view.online();
  },
  waiting(seconds, attempt) {
    offline.waiting(seconds, attempt);
    away = isDue && list.count ? "Offline: lines of the previous search" : "Offline";
    view.offline();
  },
  received(event, data) {
    if (event === "marks_changed") pinned.refresh();
    else if (event === "error" && data.code === "bad_query") search.refuse(data);
    else receive(view, event, data);
  },
});

const follow = new Follow(list, {
  pause: (why) => view.pause(why),
  resume,
  scrolled() {
    dayBar.update();
    view.history.loadNear();
  },
});

/** @type {Columns} */
const columns = new Columns(/** @type {HTMLDetailsElement} */ (byId("columns")), {
  destinations, keepingPlace, zone, search, userId,
  top: byId("top"),
  csrfToken: pane.dataset.csrfToken ?? "", say: problem,
  lists: () => [list, reading.context.list],
  reconnect() { if (hasBegun && !isDue) connection.open(); },
});

let hasBegun = false;
/** @type {import("./marks.js").Marks | null} the marks for the new view */
let marks = null;

/** Begin a view of another destination or search, on a new WebSocket, since each watches one. */
function begin() {
  hasBegun = true;
  columns.begin();
  reading.giveWay();
  grouping.begin();
  welcome.hide();
  title.search(search.query);
  bar.begin();
  saved.update();
  bell.update();
  if (!list.count) bar.count();
  isDue = true;
  away = "Connecting…";
  view.offline();
  marks = marksOf(search.query);
  if (marks?.hasPatterns) markPatterns(search.query);
  else connection.open();
}

/** Connect once the module that marks regular expressions is loaded. @param {string} query */
async function markPatterns(query) {
  connection.drop();
  const found = await marksWithPatterns(query);
  if (query !== search.query) return;
  marks = found;
  connection.open();
}

/** Replace the view shown by the new one. */
function start() {
  isDue = false;
  list.marks = marks;
  view.begin();
  bar.count();
  status.problem("");
  status.rows(0);
  dayBar.update();
}

/** Clear the view: another destination was chosen, to which none of the lines belong. */
function leave() {
  bar.forget();
  view.begin();
}

destinations.listen(() => {
  leave();
  begin();
});

function resume() {
  reading.stopLooking();
  getSelection()?.removeAllRanges();
  view.resume();
}

function home() {
  if (!reading.context.isOpen) view.pause("scrolled up");
  reading.looked.toTop();
}

/** Close what covers the live lines, and resume them. */
function live() {
  if (reading.context.isOpen) reading.context.leave();
  resume();
}

// Added before the context's listener, so that the context may cover a view that begins here.
addEventListener("popstate", () => {
  const isOther = destinations.follow();
  if (isOther) leave();
  if (!search.follow() && isOther) begin();
});

/** The elements beneath the context and the groups of similar lines. */
const covered = [pane, byId("day"), byId("pill"), byId("first-line")];
const reading = new Reading({
  context: byId("context"), details: byId("details"), said: byId("chosen-line"),
  covered,
}, {
  list, zone, status, search, columns,
  userId,
  narrow: (part, isExcluded) => bar.narrow(part, isExcluded),
  pause() {
    view.pause("reading");
    follow.hold();
  },
  seek: (id) => view.seek(id, "reading"),
  busy: (why) => view.holdFor(why),
  left() {
    if (hasBegun) status.rows(list.count);
    else begin();
  },
});

const grouping = new Grouping(byId("similar"), { zone, search, userId, covered }, {
  entering: () => reading.context.giveWay(),
  problem,
});
byId("group").addEventListener("click", () => grouping.toggle());
byId("pill").addEventListener("click", live);
// A click on a line's or a gap's button pauses first: the reader wants to read what it opens.
pane.addEventListener("click", (event) => {
  if (/** @type {HTMLElement} */ (event.target).closest("button")) view.pause("reading");
}, { capture: true });
listenToKeys({
  " "() {
    if (reading.context.isOpen) return;
    if (view.isPaused) live();
    else view.pause("Space");
  },
  End: live, G: live, Home: home, g: home,
  ...reading.keys,
  s: () => grouping.toggle(),
  Escape() { if (!columns.leave() && (reading.details.event || !grouping.leave())) reading.close(); },
  "/": () => search.enter(),
  t: () => bar.goTo(),
  Y: () => takeAlong.copyLink(),
  l: () => wrap.toggle(),
  m: () => pinned.edit(reading.event),
  "?": () => help.showModal(),
});
function followOn() {
  if (list.isLive && !document.hidden) list.followBottom();
  dayBar.update();
}
/** @param {() => void} change one that moves lines on the page */
function keepingPlace(change) {
  reading.keepingPlace(change);
  followOn();
}
document.addEventListener("visibilitychange", followOn);
new ResizeObserver(followOn).observe(pane);

search.form.addEventListener("bounds", () => {
  view.showState();
  if (!isDue) sought.update(view.history);
});

destinations.follow();
const { wrap, help } = look(byId, keepingPlace);
const pinned = new Pinned(/** @type {HTMLDetailsElement} */ (byId("marks")), reading);
if (reading.context.addressed) {
  columns.begin();
  status.state("paused", "One event and the lines around it");
  reading.context.follow();
} else {
  begin();
}
