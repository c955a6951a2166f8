// How lines are counted for the histogram. Run by test_modules.py, or by hand: node --test tests/browser
import assert from "node:assert/strict";
import { test } from "node:test";

import { Counts, fitting, grouped } from "../../src/ppl/web/static/js/counts.js";
import { between, queryTime } from "../../src/ppl/web/static/js/ranges.js";
import { completions } from "../../src/ppl/web/static/js/suggest.js";
import { Zone } from "../../src/ppl/web/static/js/time.js";

const MINUTE = 60_000;
const NOW = Date.parse("2026-11-25T12:00:30Z");

/** Counts over a server that gives these answers one after the other, and what it was asked. */
function counted(...answers) {
  const asked = [];
  let changes = 0;
  const counts = new Counts(() => { changes += 1; }, async (address) => {
    asked.push(new URL(address, "http://x").searchParams);
    return answers.shift() ?? null;
  });
  return { counts, asked, changes: () => changes };
}

const bucket = (ago, counts) => ({ time: new Date(Math.floor(NOW / MINUTE) * MINUTE - ago * MINUTE).toISOString(), counts });
const whole = (...buckets) => ({ buckets, complete: true, reached: "0", reached_time: "1970-01-01T00:00:00Z" });
const all = { userId: "h:1", query: "", from: null, to: null };

test("severities are three: errors and worse, warnings, all others", () => {
  assert.deepEqual(grouped({ emerg: 1, alert: 2, crit: 3, err: 4, warning: 5, notice: 6, none: 7 }), [10, 5, 13]);
});

test("bars are as wide as makes about a hundred of the range", () => {
  assert.deepEqual([15, 60, 180, 1440, 7 * 1440, 3650 * 1440].map((span) => fitting(span * MINUTE) / MINUTE),
    [1, 1, 2, 15, 120, 37 * 1440]);
});

test("without a beginning the shortest span that shows all of the last day is shown", async () => {
  const { counts } = counted(whole(bucket(14, { err: 2 }), bucket(0, { info: 3 })));
  await counts.begin(all, NOW);
  assert.equal(counts.total, 5);
  const { width, bars } = counts.shown();
  assert.equal(width, MINUTE);
  assert.equal(bars.length, 16);
  assert.deepEqual(bars[15].count, [0, 0, 3]);
  assert.deepEqual(bars[1].count, [2, 0, 0]);
});

test("what is shown adds up to what was counted", async () => {
  const buckets = Array.from({ length: 1440 }, (_, ago) => bucket(ago, { err: ago % 3, info: 1 }));
  const { counts } = counted(whole(...buckets));
  await counts.begin(all, NOW);
  const { width, bars } = counts.shown();
  assert.equal(width, 15 * MINUTE);
  assert.equal(bars.reduce((sum, bar) => sum + bar.count[0] + bar.count[2], 0), counts.total);
});

test("a search is counted from the newest on, as many times as it takes, and added up", async () => {
  const first = { buckets: [bucket(1, { err: 1 })], complete: false, reached: "77", reached_time: "2026-11-25T11:58:30Z" };
  const { counts, asked, changes } = counted(first, whole(bucket(1, { err: 2 }), bucket(5, { warning: 4 })));
  await counts.begin({ ...all, query: "x" }, NOW);
  assert.deepEqual(asked.map((each) => each.get("before")), [null, "77"]);
  assert.equal(counts.total, 7);
  assert.equal(changes(), 2);
});

test("whole minutes are told again, matches only once", async () => {
  for (const [query, second] of [["", 3], ["x", 1]]) {
    const { counts, asked } = counted(whole(bucket(0, { info: 2 })), whole(bucket(0, { info: second })));
    await counts.begin({ ...all, query }, NOW);
    await counts.refresh(NOW + 10_000);
    assert.equal(counts.total, 3, query);
    assert.equal(asked[1].get("from"), new Date(query ? NOW : NOW - 30_000).toISOString());
  }
});

test("a range that has ended is counted once", async () => {
  const { counts, asked } = counted(whole(), whole());
  await counts.begin({ ...all, from: NOW - 9 * MINUTE, to: NOW - 5 * MINUTE }, NOW);
  await counts.refresh(NOW + 10_000);
  assert.equal(asked.length, 1);
  assert.equal(counts.shown().bars.length, 5);
});

test("where there was no answer counting goes on, and nothing is counted twice", async () => {
  const part = { buckets: [bucket(1, { err: 1 })], complete: false, reached: "77", reached_time: "2026-11-25T11:58:30Z" };
  const { counts, asked } = counted(part, null, whole(bucket(5, { err: 2 })), null, whole(bucket(0, { err: 4 })));
  await counts.begin({ ...all, query: "x" }, NOW);
  assert.deepEqual([counts.total, counts.isWhole], [1, false]);
  await counts.refresh(NOW + 10_000);
  assert.deepEqual([counts.total, counts.isWhole, asked[2].get("before")], [3, true, "77"]);
  await counts.refresh(NOW + 20_000);
  await counts.refresh(NOW + 30_000);
  assert.equal(counts.total, 7);
  assert.equal(asked[4].get("from"), new Date(NOW).toISOString());
});

test("who comes back after days has the last day counted, not more minutes than the server gives", async () => {
  const { counts, asked } = counted(whole(bucket(0, { info: 2 })), whole(bucket(-3 * 1440, { info: 3 })));
  await counts.begin(all, NOW);
  await counts.refresh(NOW + 3 * 1440 * MINUTE);
  assert.equal(asked[1].get("from"), new Date(NOW + 2 * 1440 * MINUTE).toISOString());
  assert.deepEqual([counts.total, counts.isWhole], [3, true]);
});

test("what could not be counted is tried again", async () => {
  const { counts } = counted(null, whole(bucket(0, { info: 2 })));
  await counts.begin(all, NOW);
  assert.equal(counts.isWhole, false);
  await counts.refresh(NOW);
  assert.equal(counts.total, 2);
});

test("a moment is written for the query in the reader's zone, and in UTC where clocks are turned back", () => {
  const zone = new Zone("Europe/Berlin");
  assert.equal(queryTime(Date.parse("2026-11-25T12:00:00Z"), zone), "2026-11-25 13:00");
  assert.equal(queryTime(Date.parse("2026-11-25T12:00:05Z"), zone), "2026-11-25 13:00:05");
  assert.equal(queryTime(Date.parse("2026-10-25T00:30:00Z"), zone), "2026-10-25T00:30Z");
  assert.equal(queryTime(Date.parse("2026-10-25T01:30:00Z"), zone), "2026-10-25T01:30Z");
  assert.equal(queryTime(0, new Zone("Mars/Olympus")), "1970-01-01T00:00Z");
  assert.equal(between("x after:1h", Date.parse("2026-11-25T12:00:00Z"), null, zone), 'x after:"2026-11-25 13:00"');
});

test("what is offered stands in place of the word at the caret", () => {
  const seen = { host: new Set(["web-1", "a b"]), program: new Set(["nginx"]), ip: new Set(["10.0.0.7"]) };
  assert.deepEqual(completions("x ho", seen), ["host:"]);
  assert.deepEqual(completions("x -host:", seen), ["-host:=web-1", '-host:="a b"']);
  assert.deepEqual(completions("(file:NG", seen), ["file:=nginx"]);
  assert.deepEqual(completions("sender:10", seen), []);
  assert.deepEqual(completions("web", seen), ["host:=web-1"]);
  assert.deepEqual(completions("severity:cr", seen), ["severity:crit"]);
  for (const before of ["", "x ", '"ho', "constructor:", "message:x", "host:=web-1"]) assert.deepEqual(completions(before, seen), []);
});
