// Searches fixed in time: relative times become absolute.
import assert from "node:assert/strict";
import { test } from "node:test";

import { fixed } from "../../src/ppl/web/static/js/fixing.js";

const NEWEST = 1_794_043_400_072_623;
const END = "before:2026-11-07T09:23:20.072624Z";
const MEANT = "2026-11-07T08:00:00.000000Z";
/** @type {string[]} */
const asked = [];
/** @param {string} query */
const read = async (query) => {
  asked.push(query);
  return { from: query.startsWith("after") ? MEANT : null, to: query.startsWith("before") ? MEANT : null };
};

test("times in words become absolute times, whatever is around them", async () => {
  assert.equal(await fixed("", NEWEST, read), END);
  assert.equal(await fixed('err after:15m "x y"', NEWEST, read), `err after:${MEANT} "x y" ${END}`);
  assert.equal(await fixed('-after:"3 hours ago" NOT before:17:30 x', NEWEST, read), `-after:${MEANT} NOT before:${MEANT} x ${END}`);
  assert.equal(await fixed("(after:(17:30 1h) x) before:noon", NEWEST, read), `(after:(${MEANT} ${MEANT}) x) before:${MEANT}`);
  assert.deepEqual(asked.slice(-3), ["before:noon", "after:1h", "after:17:30"]);
});

test("a query of alternatives is also bounded by the last line shown", async () => {
  assert.equal(await fixed("a OR after:1h", NEWEST, read), `(a OR after:${MEANT}) ${END}`);
});

test("if nothing is shown or the server cannot be reached, the text stays", async () => {
  assert.equal(await fixed("after:15m", 0, async () => null), "after:15m");
});
