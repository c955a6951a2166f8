// How live lines are collected: every line is either shown or part of the gap shown before them.
import assert from "node:assert/strict";
import { test } from "node:test";

import { MOST_AT_ONCE, MOST_WAITING, Tail } from "../../src/ppl/web/static/js/tail.js";

const events = (from, to) => Array.from({ length: to - from }, (_, index) => ({ id: String(from + index) }));

/** A tail whose flushes wait for `look()`, and the batches it showed. */
function tailed() {
  const looks = [];
  const shown = [];
  const tail = new Tail((gap, lines) => shown.push({ gap, ids: lines.map((line) => Number(line.id)) }),
    (flush) => looks.push(flush));
  return { tail, shown, looks, look: () => looks.shift()?.() };
}

test("lines that arrive before a flush are shown in one batch", () => {
  const { tail, shown, looks, look } = tailed();
  tail.add(events(1, 3), 0);
  tail.add(events(3, 5), 0);
  assert.equal(looks.length, 1);
  look();
  assert.deepEqual(shown, [{ gap: null, ids: [1, 2, 3, 4] }]);
  tail.add(events(5, 6), 4);
  look();
  assert.deepEqual(shown[1], { gap: null, ids: [5] });
});

test("of too many lines for one batch the newest are shown, the others are a gap after the lines before", () => {
  const { tail, shown, look } = tailed();
  tail.add(events(11, 11 + 1200), 10);
  look();
  const [{ gap, ids }] = shown;
  assert.equal(ids.length, MOST_AT_ONCE);
  assert.deepEqual(gap, { after: 10, before: ids[0], count: 1200 - MOST_AT_ONCE });
});

test("a page that draws nothing for hours keeps a bounded number of lines and counts the others", () => {
  const { tail, shown, looks, look } = tailed();
  for (let from = 1; from < 100_001; from += 1000) {
    tail.add(events(from, from + 1000), 0);
    assert.ok(tail.events.length <= MOST_WAITING);
  }
  assert.equal(looks.length, 1);
  assert.equal(tail.length, 100_000);
  look();
  const [{ gap, ids }] = shown;
  assert.equal(ids.at(-1), 100_000);
  assert.deepEqual(gap, { after: 0, before: ids[0], count: 100_000 - ids.length });
});

test("lines that wait when the server skips some are part of the gap, not lost", () => {
  const { tail, shown, look } = tailed();
  tail.add(events(11, 14), 10);
  tail.addGap({ after: 13, before: 31, count: 17 }, 10);
  tail.add(events(31, 33), 10);
  look();
  assert.deepEqual(shown, [{ gap: { after: 10, before: 31, count: 20 }, ids: [31, 32] }]);
});

test("a gap alone is shown too", () => {
  const { tail, shown, look } = tailed();
  tail.addGap({ after: 13, before: 31, count: 17 }, 13);
  look();
  assert.deepEqual(shown, [{ gap: { after: 13, before: 31, count: 17 }, ids: [] }]);
});

test("two gaps in one batch are one", () => {
  const { tail, shown, look } = tailed();
  tail.addGap({ after: 10, before: 21, count: 10 }, 10);
  tail.add(events(21, 24), 10);
  tail.addGap({ after: 23, before: 31, count: 7 }, 10);
  tail.add(events(31, 32), 10);
  look();
  assert.deepEqual(shown, [{ gap: { after: 10, before: 31, count: 20 }, ids: [31] }]);
});

test("cleared lines are not shown by a flush already scheduled", () => {
  const { tail, shown, look } = tailed();
  tail.add(events(1, 3), 0);
  tail.clear();
  look();
  assert.deepEqual(shown, []);
  tail.add(events(3, 4), 0);
  look();
  assert.deepEqual(shown, [{ gap: null, ids: [3] }]);
});
