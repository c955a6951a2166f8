// The parts marked in rows. Run by test_modules.py, or by hand: node --test tests/browser
import assert from "node:assert/strict";
import { test } from "node:test";

import { translate } from "../../src/ppl/web/static/js/expressions.js";
import { marksOf } from "../../src/ppl/web/static/js/marks.js";

/** The marked parts of a text, in a place of a row. */
const marked = (query, text, place = "message") => {
  const found = marksOf(query, translate)[place]?.find(text, 200) ?? [];
  return found.map(([from, to]) => text.slice(from, to));
};

test("texts searched for in messages are marked, and nothing else", () => {
  const query = 'error "time out" -no message:(ref*ed x) (a OR b) NOT (c d) a';
  assert.deepEqual(marked(query, "Error no time out refused x c d A b"), ["Error", "time out", "ref", "ed", "x", "A", "b"]);
  assert.deepEqual(marked('message:="a*b" host:=c', "a*b c"), ["a*b"]);
  assert.deepEqual(marked(`${"(".repeat(50)}a${")".repeat(50)} b`, "a-b"), ["a", "b"]);
  assert.equal(marksOf(""), null);
});

test("a colon or dash that stands alone is not marked", () => {
  assert.deepEqual(marked('"status": 500', '"status": 500, "a": 1'), ["status", "500"]);
  assert.ok(marksOf(":").isEmpty);
});

test("a word is marked in host, program and message; an attribute's value only in its own place", () => {
  assert.deepEqual(marked("web", "web-01", "host"), ["web"]);
  assert.deepEqual(marked("web", "webd", "program"), ["web"]);
  assert.deepEqual(marked("host:web-*", "web-01", "host"), ["web-"]);
  assert.deepEqual(marked("sender:10.0", "10.0.0.7", "host"), ["10.0"]);
  assert.deepEqual(marked("program:(ssh cron)", "sshd", "program"), ["ssh"]);
  assert.deepEqual(marked("host:web program:ssh", "web ssh"), []);
  assert.deepEqual(marked('host:"a*b"', "a*b", "host"), ["a*b"]);
});

test("PROCID, MSGID and structured data have places of their own", () => {
  assert.deepEqual(marked("4711", "4711", "procid"), ["4711"]);
  assert.deepEqual(marked("procid:=4711", "47110", "procid"), []);
  const data = 'RT_FLOW [junos@2636 policy-name="deny-all"]';
  assert.deepEqual(marked("deny-all rt_", data, "data"), ["RT_", "deny-all"]);
  assert.deepEqual(marked("msgid:=RT_FLOW structured_data:junos*deny", data, "data"), ["RT_FLOW", "junos", "deny"]);
  assert.deepEqual(marked("message:deny", data, "data"), []);
  assert.deepEqual(marked("msgid:deny structured_data:deny procid:deny", "deny"), []);
});

test("an exact host is marked whole or not at all", () => {
  assert.deepEqual(marked("host:=app-1", "app-1", "host"), ["app-1"]);
  assert.deepEqual(marked("host:=app-1", "app-12", "host"), []);
});

test("a search without anything to mark says so", () => {
  for (const query of ["severity:err", "ip:10.0.0.7", "-x", "after:1h", "/(a|b)+c/"]) {
    assert.ok(marksOf(query, translate).isEmpty, query);
  }
  assert.ok(marksOf("/x/").hasPatterns, "to be translated");
  assert.ok(!marksOf("x/y").hasPatterns);
});

test("regular expressions are marked as the server reads them", () => {
  for (const [query, text, parts] of [
    ["/timed out.*upstream/", "1: Timed out (110) reading from upstream 7", ["Timed out (110) reading from upstream"]],
    ["/took [0-9]{4,} ms/", "took 12345 ms, took 12 ms", ["took 12345 ms"]],
    [String.raw`/user(name)?=\w+/`, "user=Zoë username=x", ["user=Zoë", "username=x"]],
    [String.raw`/(\d{1,3}\.){3}\d{1,3}/`, "from 10.0.0.7:80", ["10.0.0.7"]],
    [String.raw`/\bout\b/`, "timeout out", ["out"]],
    ["/[[:digit:]]+x/", "12x [x", ["12x"]],
    [String.raw`/say \"a\/b\"/`, 'say "a/b"', ['say "a/b"']],
    [String.raw`/[\w\-]+\@[^ ]+/`, "to a-b@c.example now", ["a-b@c.example"]],
    ["/a.b/", "a\nb", ["a\nb"]],
    ["/^get|}$/", "GET {get}", ["GET", "}"]],
    ["/a*/", "baab", ["aa"]],
    ["-/x/ /y/", "x y", ["y"]],
  ]) {
    assert.deepEqual(marked(query, text), parts, query);
  }
  assert.deepEqual(marked("program:/^ssh/", "sshd", "program"), ["ssh"]);
  assert.deepEqual(marked("program:(/^ssh/ cron)", "sshd", "program"), ["ssh"]);
});

test("an expression that JavaScript cannot express, or not apply in time, is not marked", () => {
  for (const pattern of [
    "(a+)+b", "(a|b)*c", "((a?){9}){9}", `${"a?".repeat(30)}${"a".repeat(30)}`, ".*.*.*.*x", "[[:punct:]]", "[]a]", "[^]a]",
    String.raw`[\W]`, String.raw`\q`, "(a", "(a|aa){2,200}",
  ]) {
    assert.equal(translate(pattern), null, pattern);
  }
  const { longest } = translate("a.*b.*c");
  assert.ok(longest >= 150 && longest < 1000, `${longest} characters`);
});

test("hostile lines do not block the page", () => {
  const line = "a".repeat(100_000);
  for (const query of ["/a.*b/", "/a+a+b/", `/${"a?".repeat(12)}b/`, "/(a|aa)(a|aa)(a|aa)b/"]) {
    const { message } = marksOf(query, translate);
    const began = performance.now();
    for (let row = 0; row < 1000; row += 1) message?.find(line, 200);
    assert.ok(performance.now() - began < 10_000, query);
  }
});

test("a field's value is marked where it follows the field's name", () => {
  const marked = (/** @type {string} */ query, /** @type {string} */ text) =>
    (marksOf(query)?.message?.find(text, 9) ?? []).map(([from, to]) => text.slice(from, to) + `@${from}`);
  const json = '{"status":500,"took":500,"user":{"id": "500"},"error":"it was not found"}';
  assert.deepEqual(marked("status:=500", json), ["500@10"]);
  assert.deepEqual(marked("user.id:500", json), ["500@40"]);
  assert.deepEqual(marked("status:>=400", json), ["500@10"]);
  assert.deepEqual(marked('error:"not found"', json), ["not found@62"]);
  assert.deepEqual(marked("error:=found", json), []);
  assert.deepEqual(marked("took:*", "status=1 took=2ms mistook=3"), ["2ms@14"]);
  assert.deepEqual(marked("status:500", "status=200 took=500"), []);
  assert.deepEqual(marked("status:(500 OR 404)", "status=404"), ["404@7"]);
  assert.deepEqual(marked("-status:500", "status=500"), []);
  assert.deepEqual(marked('a.b-c@d:="x("', 'b-c@d="x("'), ["x(@7"]);
});
