// How lines are counted for the histogram. Run by test_modules.py, or by hand: node --test tests/browser
import assert from "node:assert/strict";
import { test } from "node:test";

import { Counts, fitting, grouped, sum } from "../../src/ppl/web/static/js/counts.js";
import { stacks, steps, ticks } from "../../src/ppl/web/static/js/plot.js";
import { between, queryTime, widened } from "../../src/ppl/web/static/js/ranges.js";
import { completions } from "../../src/ppl/web/static/js/suggest.js";
import { Zone } from "../../src/ppl/web/static/js/time.js";

const MINUTE = 60_000;
const total = (counts) => sum(counts.totals);
const NOW = Date.parse("2026-11-25T12:00:30Z");

/**
 * Counts over a server that gives these answers in order, with the requests it got; requests for the day before are in
 * `compared`, with answers from `earlier`.
 */
function counted(...answers) {
  const asked = [];
  const compared = [];
  const earlier = [];
  let changes = 0;
  let latest = 0;
  const counts = new Counts(() => { changes += 1; }, async (address) => {
    const fields = new URL(address, "http://x").searchParams;
    const to = Date.parse(fields.get("to"));
    latest = Math.max(latest, to);
    const isEarlier = to <= latest - 23 * 60 * MINUTE;
    (isEarlier ? compared : asked).push(fields);
    return (isEarlier ? earlier : answers).shift() ?? null;
  });
  return { counts, asked, compared, earlier, changes: () => changes };
}

const bucket = (ago, counts) => ({ time: new Date(Math.floor(NOW / MINUTE) * MINUTE - ago * MINUTE).toISOString(), counts });
const whole = (...buckets) => ({ buckets, complete: true, reached: "0", reached_time: "1970-01-01T00:00:00Z" });
const all = { userId: "h:1", query: "", from: null, to: null };

test("there are three classes of severities: errors and worse, warnings, all others", () => {
  assert.deepEqual(grouped({ emerg: 1, alert: 2, crit: 3, err: 4, warning: 5, notice: 6, none: 7 }), [10, 5, 13]);
});

test("bars are as wide as it takes for the range to have about a hundred", () => {
  assert.deepEqual([15, 60, 180, 1440, 7 * 1440, 3650 * 1440].map((span) => fitting(span * MINUTE) / MINUTE),
    [1, 1, 2, 15, 120, 37 * 1440]);
});

test("without a beginning, the shortest span with all lines of the last day is shown", async () => {
  const { counts } = counted(whole(bucket(14, { err: 2 }), bucket(0, { info: 3 })));
  await counts.begin(all, NOW);
  assert.equal(total(counts), 5);
  const { width, bars } = counts.shown();
  assert.equal(width, MINUTE);
  assert.equal(bars.length, 16);
  assert.deepEqual(bars[15].count, [0, 0, 3]);
  assert.deepEqual(bars[1].count, [2, 0, 0]);
});

test("the bars shown add up to the lines counted", async () => {
  const buckets = Array.from({ length: 1440 }, (_, ago) => bucket(ago, { err: ago % 3, info: 1 }));
  const { counts } = counted(whole(...buckets));
  await counts.begin(all, NOW);
  const { width, bars } = counts.shown();
  assert.equal(width, 15 * MINUTE);
  assert.equal(bars.reduce((sum, bar) => sum + bar.count[0] + bar.count[2], 0), total(counts));
});

test("a search is counted from the newest backwards, in as many requests as it takes, and added up", async () => {
  const first = { buckets: [bucket(1, { err: 1 })], complete: false, reached: "77", reached_time: "2026-11-25T11:58:30Z" };
  const { counts, asked, changes } = counted(first, whole(bucket(1, { err: 2 }), bucket(5, { warning: 4 })));
  await counts.begin({ ...all, query: "x" }, NOW);
  assert.deepEqual(asked.map((each) => each.get("before")), [null, "77"]);
  assert.equal(total(counts), 7);
  assert.equal(changes(), 2);
});

test("whole minutes are counted again, matches only once", async () => {
  for (const [query, second] of [["", 3], ["x", 1]]) {
    const { counts, asked } = counted(whole(bucket(0, { info: 2 })), whole(bucket(0, { info: second })));
    await counts.begin({ ...all, query }, NOW);
    await counts.refresh(NOW + 10_000);
    assert.equal(total(counts), 3, query);
    assert.equal(asked[1].get("from"), new Date(query ? NOW : NOW - 30_000).toISOString());
  }
});

test("a range that has ended is counted once", async () => {
  const { counts, asked } = counted(whole(), whole());
  await counts.begin({ ...all, from: NOW - 9 * MINUTE, to: NOW - 5 * MINUTE }, NOW);
  await counts.refresh(NOW + 10_000);
  assert.equal(asked.length, 1);
  assert.deepEqual([counts.shown().width, counts.shown().bars.length], [1000, 240]);
});

test("after a failed request counting continues, and nothing is counted twice", async () => {
  const part = { buckets: [bucket(1, { err: 1 })], complete: false, reached: "77", reached_time: "2026-11-25T11:58:30Z" };
  const { counts, asked } = counted(part, null, whole(bucket(5, { err: 2 })), null, whole(bucket(0, { err: 4 })));
  await counts.begin({ ...all, query: "x" }, NOW);
  assert.deepEqual([total(counts), counts.isWhole], [1, false]);
  await counts.refresh(NOW + 10_000);
  assert.deepEqual([total(counts), counts.isWhole, asked[2].get("before")], [3, true, "77"]);
  await counts.refresh(NOW + 20_000);
  await counts.refresh(NOW + 30_000);
  assert.equal(total(counts), 7);
  assert.equal(asked[4].get("from"), new Date(NOW).toISOString());
});

test("after days of absence only the last day is counted, in no more minutes than the server returns", async () => {
  const { counts, asked } = counted(whole(bucket(0, { info: 2 })), whole(bucket(-3 * 1440, { info: 3 })));
  await counts.begin(all, NOW);
  await counts.refresh(NOW + 3 * 1440 * MINUTE);
  assert.equal(asked[1].get("from"), new Date(NOW + 2 * 1440 * MINUTE).toISOString());
  assert.deepEqual([total(counts), counts.isWhole], [3, true]);
});

test("a count that failed is retried", async () => {
  const { counts } = counted(null, whole(bucket(0, { info: 2 })));
  await counts.begin(all, NOW);
  assert.deepEqual([counts.isWhole, counts.isUnanswered], [false, true]);
  await counts.refresh(NOW);
  assert.deepEqual([total(counts), counts.isUnanswered], [2, false]);
});

test("what failed later, and a range that has not begun, are no counts without an answer", async () => {
  const { counts } = counted(whole(bucket(0, { info: 2 })), null);
  await counts.begin(all, NOW);
  await counts.refresh(NOW + 10_000);
  assert.deepEqual([total(counts), counts.isUnanswered], [2, false]);
  await counts.begin({ ...all, from: NOW + MINUTE }, NOW);
  assert.deepEqual([total(counts), counts.isUnanswered], [0, false]);
});

test("a time in a query is in the reader's zone, and in UTC when clocks are set back", () => {
  const zone = new Zone("Europe/Berlin");
  assert.equal(queryTime(Date.parse("2026-11-25T12:00:00Z"), zone), "2026-11-25 13:00");
  assert.equal(queryTime(Date.parse("2026-11-25T12:00:05Z"), zone), "2026-11-25 13:00:05");
  assert.equal(queryTime(Date.parse("2026-10-25T00:30:00Z"), zone), "2026-10-25T00:30Z");
  assert.equal(queryTime(Date.parse("2026-10-25T01:30:00Z"), zone), "2026-10-25T01:30Z");
  assert.equal(queryTime(0, new Zone("Mars/Olympus")), "1970-01-01T00:00Z");
  assert.equal(between("x after:1h", Date.parse("2026-11-25T12:00:00Z"), null, zone), 'x after:"2026-11-25 13:00"');
});

test("a suggestion replaces the word at the caret", () => {
  const seen = { host: new Set(["web-1", "a b"]), program: new Set(["nginx"]), ip: new Set(["10.0.0.7"]) };
  assert.deepEqual(completions("x ho", seen), ["host:"]);
  assert.deepEqual(completions("x -host:", seen), ["-host:=web-1", '-host:="a b"']);
  assert.deepEqual(completions("(file:NG", seen), ["file:=nginx"]);
  assert.deepEqual(completions("sender:10", seen), []);
  assert.deepEqual(completions("web", seen), ["host:=web-1"]);
  assert.deepEqual(completions("severity:cr", seen), ["severity:crit"]);
  for (const before of ["", "x ", '"ho', "constructor:", "message:x", "host:=web-1"]) assert.deepEqual(completions(before, seen), []);
});

test("a short range is counted in seconds, new lines too", async () => {
  assert.deepEqual([1, 4, 5, 15, 60].map((span) => fitting(span * MINUTE, true) / 1000), [1, 1, 5, 5, 30]);
  const at = (ago) => new Date(NOW - ago * 1000).toISOString();
  const { counts, asked } = counted(whole({ time: at(5), counts: { err: 1 } }), whole({ time: at(0), counts: { info: 2 } }));
  await counts.begin({ ...all, from: NOW - 15 * MINUTE }, NOW);
  assert.deepEqual([asked[0].get("seconds"), asked[0].get("minutes")], ["5", null]);
  const { width, bars } = counts.shown();
  assert.deepEqual([width, bars.length, bars[bars.length - 1].count], [5000, 180, [1, 0, 0]]);
  await counts.refresh(NOW + 10_000);
  assert.equal(asked[1].get("from"), new Date(NOW).toISOString(), "exactly from there on");
  assert.equal(total(counts), 3);
});

test("a range counted in seconds is counted in minutes once it is long", async () => {
  const { counts, asked } = counted(whole(), whole());
  await counts.begin({ ...all, from: NOW - 15 * MINUTE }, NOW);
  await counts.refresh(NOW + 61 * MINUTE);
  assert.deepEqual([asked[1].get("minutes"), asked[1].get("from")], ["1", asked[0].get("from")]);
});

test("the day before is aligned by time of day, as far as it is known", async () => {
  const { counts, compared, earlier } = counted(whole(bucket(2, { info: 2 })));
  earlier.push(whole(bucket(1442, { warning: 7 })));
  await counts.begin(all, NOW);
  assert.equal(compared[0].get("from"), new Date(NOW - 2 * 1440 * MINUTE).toISOString());
  assert.equal(compared[0].get("to"), new Date(NOW - 1440 * MINUTE + 60 * MINUTE).toISOString(), "and a while ahead");
  const { bars } = counts.shown();
  assert.deepEqual(bars[bars.length - 3], { start: Date.parse(bucket(2, {}).time), count: [0, 0, 2], before: [0, 7, 0] });
  assert.equal(bars[0].before !== undefined, true);
});

test("if counting took several requests, the day before is not counted", async () => {
  const part = { buckets: [], complete: false, reached: "77", reached_time: "2026-11-25T11:58:30Z" };
  const { counts, compared } = counted(part, whole(bucket(0, { err: 1 })));
  await counts.begin({ ...all, query: "x" }, NOW);
  assert.equal(compared.length, 0);
  assert.equal(counts.shown().bars[0].before, undefined);
});

test("a range is widened to three times its length around its middle, and to everything if it is long", () => {
  const range = { from: NOW - 10 * MINUTE, to: NOW - 5 * MINUTE };
  assert.deepEqual(widened(range, NOW).map((each) => (each - NOW) / MINUTE), [-15.5, 0.5], "to whole minutes");
  assert.deepEqual(widened({ from: NOW - 5000, to: NOW }, NOW), [NOW - 10_000, NOW + 5000]);
  assert.deepEqual(widened({ from: NOW - 30 * MINUTE, to: null }, NOW), [NOW - 60.5 * MINUTE, NOW + 30.5 * MINUTE]);
  assert.equal(widened({ from: NOW - 11 * 1440 * MINUTE, to: null }, NOW), null);
  assert.equal(widened({ from: null, to: NOW }, NOW), null);
});

test("bars are stacked with errors lowest, and the day before is a stepped line that may be clipped", () => {
  assert.deepEqual(stacks([[1, 0, 3], [0, 0, 0]], 4), ["M0.5 100.0V75.5h9V100.0z", "", "M0.5 75.5V2.0h9V75.5z"]);
  assert.equal(steps([2, 8], 4), "M0 51.0H10V2.0H20");
});

test("times below the bars are at round intervals", () => {
  const zone = new Zone("+00:00");
  const texts = (span, room) => ticks(NOW, span, room, zone).map(({ text }) => text);
  assert.deepEqual(texts(20_000, 500), ["12:00:30", "12:00:35", "12:00:40", "12:00:45"]);
  assert.deepEqual(texts(60 * MINUTE, 500), ["12:15", "12:30", "12:45"]);
});

test("every request is one that the server answers: with a range, and in at most 1,500 buckets", async () => {
  for (const span of [1000, 3 * MINUTE, 19 * MINUTE, 60 * MINUTE, 61 * MINUTE, 1440 * MINUTE, 20 * 1440 * MINUTE]) {
    for (const query of ["", "err"]) {
      const found = [...Array(9)].map(() => whole(bucket(0, { err: 1 })));
      const { counts, asked, compared, earlier } = counted(...found);
      earlier.push(...found);
      await counts.begin({ ...all, query, from: NOW - span }, NOW);
      // The same moment again, a clock that was set back, a moment later, and much later.
      for (const later of [0, -5000, 1, 30_000, 90_000]) await counts.refresh(NOW + later);
      assert.ok(compared.length || span > 1440 * MINUTE);
      for (const fields of [...asked, ...compared]) {
        const range = Date.parse(fields.get("to")) - Date.parse(fields.get("from"));
        const width = fields.has("seconds") ? Number(fields.get("seconds")) * 1000 : Number(fields.get("minutes")) * MINUTE;
        assert.ok(range > 0, `${span} ${query}: ${fields}`);
        assert.ok(range / width <= 1500, `${span} ${query}: ${fields}`);
        assert.ok(!fields.has("seconds") || range <= 60 * MINUTE, `${span} ${query}: ${fields}`);
      }
    }
  }
});
