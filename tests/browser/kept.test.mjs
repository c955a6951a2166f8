// What the page keeps: recent searches, senders seen, the server's time. Run by test_modules.py, or by hand with node.
import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { heard, now } from "../../src/ppl/web/static/js/clock.js";
import { wanted } from "../../src/ppl/web/static/js/frames.js";
import { remember, remembered } from "../../src/ppl/web/static/js/memory.js";
import { Recent } from "../../src/ppl/web/static/js/recent.js";
import { Seen } from "../../src/ppl/web/static/js/seen.js";

/** What a browser gives: here with a limit of so many characters in all. */
class Storage {
  kept = new Map();
  /** @param {string} key */
  getItem(key) { return this.kept.get(key) ?? null; }
  /** @param {string} key @param {string} value */
  setItem(key, value) {
    if (value.length > 20_000) throw new DOMException("full", "QuotaExceededError");
    this.kept.set(key, value);
  }
}

beforeEach(() => {
  globalThis.localStorage = new Storage();
  globalThis.sessionStorage = new Storage();
});

test("a choice is remembered, for the browser or for the tab", () => {
  remember("theme", "dark");
  remember("theme", "light", "sessionStorage");
  assert.equal(remembered("theme"), "dark");
  assert.equal(remembered("theme", "sessionStorage"), "light");
  assert.equal(remembered("other"), "");
});

test("storage that is full, or denied, costs the choice only", () => {
  remember("long", "x".repeat(30_000));
  assert.equal(remembered("long"), "");
  Object.defineProperty(globalThis, "localStorage", { configurable: true, get() { throw new DOMException("denied"); } });
  remember("theme", "dark");
  assert.equal(remembered("theme"), "");
  Object.defineProperty(globalThis, "localStorage", { configurable: true, writable: true, value: new Storage() });
});

test("recent searches are the last twenty, each once, newest first", () => {
  const recent = new Recent("a:1");
  for (let number = 0; number < 25; number += 1) recent.add(`query ${number}`);
  recent.add("query 10");
  recent.add("");
  recent.add("x".repeat(501));
  assert.equal(recent.all.length, 20);
  assert.deepEqual(recent.all.slice(0, 3), ["query 10", "query 24", "query 23"]);
  assert.equal(recent.all.filter((each) => each === "query 10").length, 1);
  assert.deepEqual(new Recent("b:2").all, [], "each destination has its own");
});

test("what another program left in the storage does no harm", () => {
  for (const text of ["{", "7", '{"a": 1}', '["a", 7, null]']) {
    localStorage.setItem("searches a:1", text);
    assert.deepEqual(new Recent("a:1").all, text.startsWith("[") ? ["a"] : [], text);
  }
});

test("senders are offered once, at most 200 of a kind, and forgotten for another destination", () => {
  /** @type {string[]} */
  const added = [];
  const seen = new Seen((kind, value) => added.push(`${kind} ${value}`));
  const event = (number) => ({ hostname: `host${number % 300}`, file_name: number % 2 ? "app" : "", sender_ip: "::1" });
  seen.add(Array.from({ length: 600 }, (_, number) => event(number)));
  assert.equal(added.filter((each) => each.startsWith("host ")).length, 200);
  assert.deepEqual(added.filter((each) => !each.startsWith("host ")), ["ip ::1", "program app"]);
  seen.clear();
  seen.add([event(0)]);
  assert.equal(added.length, 204);
});

test("the server's clock is believed where it differs by more than a response takes", () => {
  const before = now();
  heard(Date.now() + 1000);
  assert.ok(Math.abs(now() - Date.now()) < 500, "whole seconds, and the way of a response, are no difference");
  heard(before + 7_200_000);
  assert.ok(Math.abs(now() - Date.now() - 7_200_000) < 500);
  heard(NaN);
  assert.ok(Math.abs(now() - Date.now() - 7_200_000) < 500, "a response without a date changes nothing");
  heard(Date.now());
});

test("the first frame asks for a portion, live lines together, and what is searched for", () => {
  assert.deepEqual(wanted("a:1", "err", []), { user_id: "a:1", query: "err", logs_portion: "200", batch: true });
  assert.deepEqual(wanted("a:1", "", ["status"]).columns, ["status"]);
});
