// The top values of a field, added up from several answers. Run by test_modules.py, or by hand: node --test tests/browser
import assert from "node:assert/strict";
import { test } from "node:test";

import { Tally } from "../../src/ppl/web/static/js/tally.js";

/** @param {[string, number][]} values */
const answer = (values, others = { values: 0, count: 0 }, complete = false, to = "2026-11-30T10:00:00Z") => ({
  field: "f", values: values.map(([value, count]) => ({ value, count })), others, reached: "1",
  reached_time: "2026-11-30T09:00:00Z", complete, to,
});

test("answers are added up, and the first says up to when", () => {
  const tally = new Tally();
  assert.equal(tally.hasBegun, false);
  tally.take(answer([["a", 3], ["b", 2]]));
  tally.take(answer([["b", 4], ["c", 1]], { values: 2, count: 5 }, true, "2026-11-30T11:00:00Z"));
  assert.deepEqual(tally.sorted, [["b", 6], ["a", 3], ["c", 1]]);
  assert.deepEqual([tally.total, tally.others.values, tally.isComplete], [15, 2, true]);
  assert.equal(tally.to, "2026-11-30T10:00:00Z");
  assert.equal(tally.backTo, Date.parse("2026-11-30T09:00:00Z"));
});

test("what came later is added, and the next begins where it ended", () => {
  const tally = new Tally();
  tally.take(answer([["a", 3]], undefined, true));
  tally.addLater(answer([["a", 1], ["z", 9]], undefined, true, "2026-11-30T10:00:05Z"));
  assert.deepEqual(tally.sorted, [["z", 9], ["a", 4]]);
  assert.equal(tally.to, "2026-11-30T10:00:05Z");
});

test("of very many values the frequent ones are kept, and none is lost from the total", () => {
  const tally = new Tally();
  const many = (/** @type {string} */ name) => Array.from({ length: 3000 }, (_, at) => /** @type {[string, number]} */ ([`${name}${at}`, 1]));
  tally.take(answer([["often", 100], ...many("a")]));
  tally.take(answer(many("b")));
  assert.ok(tally.counts.size <= 5000);
  assert.equal(tally.total, 6100);
  assert.equal(tally.counts.size + tally.others.values, 6001);
  assert.deepEqual(tally.sorted[0], ["often", 100]);
});

test("values that are names of Object's own are counted like others", () => {
  const tally = new Tally();
  tally.take(answer([["__proto__", 2], ["constructor", 1]]));
  assert.deepEqual(tally.sorted, [["__proto__", 2], ["constructor", 1]]);
});
