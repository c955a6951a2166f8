// The viewer's modules that need no page. Run by test_modules.py, or by hand: node --test tests/browser
import assert from "node:assert/strict";
import { test } from "node:test";

import { secondsBefore } from "../../src/ppl/web/static/js/backoff.js";
import { Fresh } from "../../src/ppl/web/static/js/fresh.js";
import { cutAt, pieces, visible } from "../../src/ppl/web/static/js/text.js";
import { elapsed, Zone } from "../../src/ppl/web/static/js/time.js";

test("attempts to reconnect are further and further apart, at most half a minute, and with jitter", () => {
  const middle = [1, 2, 3, 4, 5, 6, 7, 1000].map((attempt) => secondsBefore(attempt, 0.5));
  assert.deepEqual(middle, [1, 2, 4, 8, 16, 30, 30, 30]);
  assert.ok(secondsBefore(6, 0) < secondsBefore(6, 0.999));
  assert.ok(secondsBefore(1, 0) >= 1);
});

test("new lines are those in transit at the pause plus those the server counts after it", () => {
  const fresh = new Fresh();
  fresh.begin(3);
  fresh.missed(2);
  fresh.report(10);
  fresh.report(1279);
  assert.equal(fresh.total, 1284);
  assert.equal(String(fresh), "1,284");
});

test("after a reconnect counting continues from the lines known to be new", () => {
  const fresh = new Fresh();
  fresh.begin(0);
  fresh.report(50);
  fresh.recount(70, true);
  fresh.report(5);
  assert.equal(String(fresh), "75");
  fresh.recount(60, false);
  assert.equal(String(fresh), "75+", "a portion that is all new says only that there are more");
  fresh.begin(0);
  assert.equal(String(fresh), "0");
});

test("an offset is a zone in both notations", () => {
  for (const name of ["+02.00", "+02:00"]) {
    const zone = new Zone(name);
    assert.equal(zone.name, "UTC+02:00");
    const { day, clock, millis } = zone.write(Date.parse("2016-10-06T22:59:59.123456Z"));
    assert.deepEqual([day, clock, millis], ["Friday 7 October 2016", "00:59:59", ".123"]);
  }
  assert.equal(new Zone("-03.30").write(Date.parse("2026-01-01T00:00:00Z")).clock, "20:30:00");
});

test("a named zone changes its offset at the exact minute", () => {
  const zone = new Zone("Europe/Berlin");
  assert.equal(zone.write(Date.parse("2026-03-29T00:59:59.999Z")).clock, "01:59:59");
  assert.equal(zone.write(Date.parse("2026-03-29T01:00:00Z")).clock, "03:00:00");
  assert.equal(zone.write(Date.parse("2026-10-25T00:59:59Z")).clock, "02:59:59");
  assert.equal(zone.write(Date.parse("2026-10-25T01:00:00Z")).clock, "02:00:00");
  assert.equal(new Zone("Asia/Kathmandu").write(Date.parse("2026-01-01T00:00:00Z")).clock, "05:45:00");
});

test("times agree with Intl in many zones over a year", () => {
  for (const name of ["America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca", "UTC"]) {
    const zone = new Zone(name);
    const format = new Intl.DateTimeFormat("en-GB", { timeZone: name, hourCycle: "h23", timeStyle: "medium" });
    for (let moment = Date.UTC(2026, 0, 1); moment < Date.UTC(2027, 0, 1); moment += 7 * 3600_000 + 61_001) {
      assert.equal(zone.write(moment).clock, format.format(moment), `${name} ${new Date(moment).toISOString()}`);
    }
  }
});

test("a time is written with its day unless that is today", () => {
  const zone = new Zone("+02:00");
  assert.equal(zone.moment(Date.parse("2016-10-06T22:59:59Z")), "7 October 2016, 00:59:59");
  assert.match(zone.moment(Date.now()), /^\d\d:\d\d:\d\d$/);
});

test("a zone that the browser does not know is UTC, and says so", () => {
  const zone = new Zone("Mars/Olympus_Mons");
  assert.match(zone.name, /^UTC .*Mars/);
  assert.equal(zone.write(0).clock, "00:00:00");
});

test("a waiting clock keeps counting minutes beyond an hour", () => {
  assert.equal(elapsed(42.9), "00:42");
  assert.equal(elapsed(6001), "100:01");
});

test("control, bidirectional and invisible characters are shown as symbols", () => {
  assert.equal(visible("\x1b[31mred\x07\r \x7f \u202egnp.exe\u2066 a\u00adb\u0085"),
    "␛[31mred␇␍ ␡ ⟦U+202E⟧gnp.exe⟦U+2066⟧ a⟦U+00AD⟧b⟦U+0085⟧");
  assert.deepEqual(pieces("a\u202eb"), [{ shown: "a" }, { shown: "⟦U+202E⟧", odd: "U+202E" }, { shown: "b" }]);
});

test("every other text is left as it is", () => {
  for (const text of ["", "a\tb\nc", "שלום עולם", "می‌خواهم", "👩‍👩‍👧 ok", "<b>&amp;</b>"]) {
    assert.equal(visible(text), text);
    assert.equal(pieces(text).map((piece) => piece.shown).join(""), text);
  }
});

test("a long text is not cut within a character", () => {
  const text = `${"x".repeat(9)}👍${"y".repeat(9)}`;
  assert.equal(cutAt(text, 10), 9);
  assert.equal(cutAt(text, 11), 11);
  assert.equal(cutAt(text, 5), 5);
});
