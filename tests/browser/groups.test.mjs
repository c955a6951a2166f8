// Groups of similar lines as the server reports them. Run by test_modules.py, or by hand: node --test tests/browser
import assert from "node:assert/strict";
import { test } from "node:test";

import { Groups, pathOf, readLines, shareWords, timesWords } from "../../src/ppl/web/static/js/groups.js";

/** @param {string} key @param {object} [more] */
const group = (key, more = {}) => ({
  key, text: key, query: key, count: 1, before: 0, first: "2026-11-30T09:00:00Z", last: "2026-11-30T09:00:00Z", id: "1",
  plot: [0, 0, 1], ...more,
});
const HEAD = { newest: "9", total: 10, from: "2026-11-30T09:00:00Z", to: "2026-11-30T09:30:00Z" };
/** @param {Groups} groups @param {any} order */
const keys = (groups, order) => groups.sorted(order).map((each) => each.key);

test("a report changes the groups it names and removes those gone", () => {
  const groups = new Groups();
  groups.take(HEAD);
  assert.deepEqual(groups.take({ groups: [group("a"), group("b")], read: 2, others: 0, back_to: HEAD.from }), ["a", "b"]);
  groups.take({ groups: [{ key: "a", count: 7 }], gone: ["b"], read: 8, others: 1 });
  assert.deepEqual(keys(groups, "count"), ["a"]);
  assert.equal(groups.all.get("a")?.text, "a");
  assert.equal(groups.all.get("a")?.count, 7);
  assert.deepEqual([groups.read, groups.others, groups.total, groups.isDone], [8, 1, 10, false]);
  groups.take({ done: true, complete: true, compared: false });
  assert.deepEqual([groups.isDone, groups.isComplete, groups.isCompared], [true, true, false]);
});

test("groups are ordered by count, by last line, or with new ones first", () => {
  const groups = new Groups();
  groups.take({ ...HEAD, compared_from: "2026-11-30T08:00:00Z" });
  groups.take({ groups: [
    group("often", { count: 100, before: 200 }), group("new", { count: 1 }), group("grown", { count: 50, before: 2 }),
    group("late", { count: 2, before: 4, last: "2026-11-30T09:29:00Z" }),
  ], done: true, complete: true, compared: true });
  assert.deepEqual(keys(groups, "count"), ["often", "grown", "late", "new"]);
  assert.equal(keys(groups, "last")[0], "late");
  assert.deepEqual(keys(groups, "new"), ["new", "grown", "often", "late"]);
});

test("nothing is new until the time compared with was read completely", () => {
  const groups = new Groups();
  groups.take({ ...HEAD, compared_from: "2026-11-30T08:00:00Z" });
  groups.take({ groups: [group("a")], done: true, complete: false, compared: false });
  const [a] = groups.sorted("new");
  assert.equal(groups.isNew(a), false);
  assert.equal(groups.times(a), 0);
});

test("the ratio to before takes the lengths of both times into account", () => {
  const groups = new Groups();
  groups.take({ ...HEAD, compared_from: "2026-11-30T08:00:00Z" });
  groups.take({ groups: [group("a", { count: 10, before: 10 })], done: true, complete: true, compared: true });
  assert.equal(groups.times(groups.sorted("count")[0]), 2);
  assert.deepEqual([0, 1, 1.9, 2, 4.24, 12.3, 0.4, 0.01, 12345].map(timesWords),
    ["", "", "", "2.0×", "4.2×", "12×", "0.4×", "<0.1×", "12,345×"]);
  assert.deepEqual([1, 0.34, 0.0123, 0.0001].map(shareWords), ["100 %", "34 %", "1.2 %", "<0.1 %"]);
});

test("lines received since are added, and the plots move on with time", () => {
  const groups = new Groups();
  groups.take(HEAD);
  groups.take({ groups: [group("a", { severity: "info" })], read: 1, others: 0, done: true, complete: true });
  const more = new Groups();
  more.take({ ...HEAD, newest: "12", to: "2026-11-30T09:41:00Z" });
  more.take({ groups: [group("a", { count: 2, severity: "err", last: "2026-11-30T09:40:00Z" }), group("b")], read: 3, others: 0 });
  assert.deepEqual(groups.add(more), ["a", "b"]);
  const [a, b] = groups.sorted("count");
  assert.deepEqual([a.count, a.severity, a.last, a.plot], [3, "err", "2026-11-30T09:40:00Z", [0, 1, 2]]);
  assert.deepEqual([b.count, b.plot], [1, [0, 0, 1]]);
  assert.deepEqual([groups.newest, groups.read], ["12", 4]);
});

test("a plot is a path of bars", () => {
  assert.equal(pathOf([0, 2, 1]), "M1 16V0.0h.8V16zM2 16V8.0h.8V16z");
  assert.equal(pathOf([0, 0]), "");
});

test("reports are read as they arrive, however they are split", async () => {
  const bytes = new TextEncoder().encode('{"a":"…"}\n{"b":2}\n');
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
      controller.close();
    },
  });
  /** @type {any[]} */
  const taken = [];
  await readLines(body, (report) => taken.push(report));
  assert.deepEqual(taken, [{ a: "…" }, { b: 2 }]);
});
