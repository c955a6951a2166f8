// The content of the details before it becomes nodes: an event's fields, its JSON, and the copied texts.
import assert from "node:assert/strict";
import { test } from "node:test";

import { curlOf, lineOf, pathOf } from "../../src/ppl/web/static/js/copy.js";
import { delayText, fieldsOf, fieldTerm } from "../../src/ppl/web/static/js/fields.js";
import { jsonIn } from "../../src/ppl/web/static/js/fold.js";
import { linesOf } from "../../src/ppl/web/static/js/json.js";
import { Zone } from "../../src/ppl/web/static/js/time.js";

const event = {
  id: "1794043400072623", created_at: "2026-11-07 10:23:20", time: "2026-11-07T09:23:20.060123Z", sender_ip: "10.0.13.224",
  file_name: "app", message: "a\nb", hostname: "db-primary", procid: "7", severity: "warning", facility: "local0",
};

const written = (json) => [...linesOf(json)].map((line) => line.map((piece) => piece.text).join("")).join("\n");

test("an event is shown field by field, in UTC and in the reader's zone", () => {
  assert.deepEqual(Object.fromEntries(fieldsOf(event, new Zone("Europe/Berlin"))), {
    time: "2026-11-07 09:23:20.060123 UTC", local: "2026-11-07 10:23:20.060123 Europe/Berlin (UTC+01:00)",
    received: "+12 ms", ip: "10.0.13.224", host: "db-primary", program: "app", procid: "7",
    severity: "warning (4)", facility: "local0 (16)", id: "1794043400072623",
  });
  const [, local] = fieldsOf(event, new Zone("-03.30"))[1];
  assert.equal(local, "2026-11-07 05:53:20.060123 UTC−03:30");
});

test("a severity without a facility is said to be found in the text", () => {
  const { facility, ...found } = event;
  assert.equal(facility, "local0");
  assert.equal(Object.fromEntries(fieldsOf(found, new Zone("UTC"))).severity, "warning (4), found in the text");
  assert.ok(!("severity" in Object.fromEntries(fieldsOf({ ...found, severity: undefined }, new Zone("UTC")))));
});

test("an exact term is offered for MSGID and PROCID", () => {
  const sent = { ...event, msgid: "RT_FLOW" };
  assert.equal(fieldTerm(sent, "msgid", false), "msgid:=RT_FLOW");
  assert.equal(fieldTerm(sent, "procid", true), "-procid:=7");
  assert.equal(fieldTerm(sent, "structured data", false), "");
});

test("a delay is shown in at most two units, and a clock that is ahead is mentioned", () => {
  const texts = [0, 400, 12_500, 999_999, 3_260_000, 125_000_000, 5 * 3600e6 + 60e6, 49 * 3600e6].map(delayText);
  assert.deepEqual(texts, ["+0.0 ms", "+0.4 ms", "+12 ms", "+999 ms", "+3.2 s", "+2 min 5 s", "+5 h 1 min", "+2 d 1 h"]);
  assert.equal(delayText(-1_500_000), "−1.5 s (the sender's clock is ahead)");
});

test("JSON is found alone and after other text, and nowhere else", () => {
  assert.deepEqual(jsonIn('{"a":1}\n'), { before: "", json: '{"a":1}' });
  assert.deepEqual(jsonIn('@cee: {"a":{"b":2}}'), { before: "@cee: ", json: '{"a":{"b":2}}' });
  assert.deepEqual(jsonIn("[1,2]"), { before: "", json: "[1,2]" });
  for (const text of ["", "plain", "{a: 1}", "a {b} c {d}", "[error] x]", `{"a":"${"x".repeat(100_000)}"}`]) {
    assert.equal(jsonIn(text), null);
  }
});

test("JSON is printed as by JSON.stringify, except where that would not keep it verbatim", () => {
  const value = { a: 1, "b c": [true, null, { d: "x \"y\" \\ \u202e" }], e: {}, f: [], g: [[1, [2]]], h: "" };
  assert.equal(written(JSON.stringify(value)), JSON.stringify(value, null, 2));
  assert.equal(written('{"n":1.10e+5,"big":12345678901234567890,"u":"\\u00e9"}'),
    '{\n  "n": 1.10e+5,\n  "big": 12345678901234567890,\n  "u": "\\u00e9"\n}');
});

test("newlines and tabs in strings are unescaped, other escapes are not", () => {
  assert.equal(written('{"a":["x\\ny\\r\\n\\tz\\\\n"]}'), '{\n  "a": [\n    "x\n      y\n      \tz\\\\n"\n  ]\n}');
});

test("a value has its source in the message, with its key", () => {
  const sources = (json) => [...linesOf(json)].flat().flatMap(({ source }) => source ?? []);
  assert.deepEqual(sources('{"a": 1,"b":["x", 2],"c" : {"a":"y\\nz"}}'), ['"a": 1', '"x"', "2", '"a":"y\\nz"', '"a":"y\\nz"']);
});

test("hostile JSON costs only for the part shown", () => {
  const deep = `${"[".repeat(5000)}1${"]".repeat(5000)}`;
  const lines = linesOf(deep);
  for (let count = 0; count < 200; count += 1) assert.ok(lines.next().value.every(({ text }) => text.length <= 60));
});

test("copied texts work where they are pasted", () => {
  const zone = new Zone("Europe/Berlin");
  assert.equal(lineOf(event, zone), "2026-11-07T10:23:20.060123+01:00 db-primary app[7] warning: a\nb");
  const bare = { ...event, time: "2026-07-07T09:23:20Z", file_name: "", procid: undefined, severity: undefined, hostname: "" };
  assert.equal(lineOf(bare, zone), "2026-07-07T11:23:20+02:00 10.0.13.224 a\nb");
  assert.equal(lineOf({ ...bare, severity: "err" }, new Zone("-03.30")), "2026-07-07T05:53:20-03:30 10.0.13.224 err: a\nb");
  const silent = { ...bare, message: "", msgid: "RT_FLOW", structured_data: '[a@1 b="c"]' };
  assert.equal(lineOf(silent, zone), '2026-07-07T11:23:20+02:00 10.0.13.224 RT_FLOW [a@1 b="c"]');
  assert.equal(lineOf({ ...silent, msgid: undefined }, zone), '2026-07-07T11:23:20+02:00 10.0.13.224 [a@1 b="c"]');
  assert.equal(pathOf(event, "h:1"), "/events/1794043400072623?user_id=h%3A1");
  const command = curlOf(event, "https://ppl.example", "it's:1");
  assert.equal(command, `curl -H "Authorization: Bearer $PPL_TOKEN" ` +
    "'https://ppl.example/api/events/1794043400072623?user_id=it%27s%3A1'");
});
