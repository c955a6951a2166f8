// How a view handles the server's frames. Run by test_modules.py, or by hand: node --test tests/browser
import assert from "node:assert/strict";
import { test } from "node:test";

import { View } from "../../src/ppl/web/static/js/view.js";

const surroundings = () => ({
  list: { clear() {}, setLive() {}, setCovered() {}, append() {}, trimLive() {}, followBottom() {}, newestId: 7,
    pane: { scrollTop: Infinity }, below: Infinity, atNewest: true, count: 1 },
  status: { state() {}, jump() {}, problem() {}, came() {}, lastRate: 0 },
  send: () => false, away: () => "", stands: () => "", came() {}, changed() {}, looked() {}, newestReached() {},
});

test("resuming while the connection is lost does not read all lines of the pause", () => {
  const view = new View(surroundings());
  assert.deepEqual(view.goOn(0), { since: "7" });
  view.pause("reading");
  view.resume();
  assert.deepEqual(view.goOn(0), {}, "the newest portion, and a gap row for the rest");
  view.receivedLogs({ events: [], isOldestEventReached: "true" });
  assert.deepEqual(view.goOn(0), { since: "7" });
});

test("a gap that was being closed when the connection was lost can be loaded by hand", () => {
  const view = new View(surroundings());
  let rested = 0;
  view.rest = { rest() { rested += 1; } };
  view.goOn(0);
  assert.equal(rested, 1);
  assert.equal(view.rest, null);
});
