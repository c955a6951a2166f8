// The terms of a query. Run by test_modules.py, or by hand: node --test tests/browser
import assert from "node:assert/strict";
import { test } from "node:test";

import { exactTerm, term, termOf, terms, without, withoutAll, withTerm } from "../../src/ppl/web/static/js/query.js";

/** @param {string} query */
const texts = (query) => terms(query).map((each) => each.text);

test("a query's terms are its parts side by side", () => {
  assert.deepEqual(texts('host:web-* severity:err "time out" -health'),
    ["host:web-*", "severity:err", '"time out"', "-health"]);
  assert.deepEqual(texts('program:(nginx -x) AND NOT host:"a b" /re g/ /x(y)z/ -(c d)'),
    ["program:(nginx -x)", 'NOT host:"a b"', "/re g/", "/x(y)z/", "-(c d)"]);
  assert.deepEqual(texts(" "), []);
});

test("a query of alternatives is one term", () => {
  assert.deepEqual(texts(" a b OR c "), ["a b OR c"]);
  assert.deepEqual(texts("(a OR b) c"), ["(a OR b)", "c"]);
});

test("a term has its attribute, and whether it excludes", () => {
  const told = terms('-host:"a ""b""" NOT x NOT NOT y --force 12:30 PROGRAM:z').map(
    (each) => [each.attribute, each.value, each.isExcluded]);
  assert.deepEqual(told, [["host", 'a "b"', true], ["", "x", true], ["", "y", false], ["", "-force", true],
    ["", "12:30", false], ["program", "z", false]]);
});

test("text with a syntax error is still shown completely", () => {
  for (const query of ["foo(bar", "foo)", 'say "hi', "host:", "(", ")", "NOT", "-", "a AND", "OR", '"', "/["]) {
    for (const { start, end, text } of terms(query)) assert.equal(query.slice(start, end), text);
  }
  assert.deepEqual(texts("foo(bar"), ["foo", "(bar"]);
});

test("a value is quoted if it would be read as syntax", () => {
  assert.equal(term("host", "web-1"), "host:web-1");
  assert.equal(term("program", "nginx", true), "-program:nginx");
  assert.equal(term("host", "a b"), 'host:"a b"');
  assert.equal(term("program", 'a"b c'), "program:'a\"b c'");
  assert.equal(term("", `'"`), `"'"""`);
  for (const value of ["-x", "host:x", "OR", "/x/", "(x)", "we*b", '"', "'", ""]) {
    const [read] = terms(term("", value));
    assert.deepEqual([read.value, read.isExcluded, read.attribute], [value, false, ""], value);
  }
});

test("an exact value is written with =, in quotes if needed", () => {
  assert.equal(exactTerm("host", "app-1"), "host:=app-1");
  assert.equal(exactTerm("program", "app 1", true), '-program:="app 1"');
  assert.equal(exactTerm("ip", "192.0.2.1"), "ip:192.0.2.1");
  for (const value of ["a", "=a", "-a", "/a/", "(a)", "a*", '"', "'", "a b"]) {
    const [read, ...more] = terms(exactTerm("host", value, true));
    assert.deepEqual([read.value, read.isExact, read.isExcluded, more], [value, true, true, []], value);
    assert.equal(terms(term("host", value))[0].isExact, false, value);
  }
  assert.deepEqual(terms("severity:=err ip:=x =a host:(=a b)").map((each) => each.isExact), [false, false, false, false]);
  assert.deepEqual(terms("host:(=a b)")[0].parts.map((each) => each.isExact), [true, false]);
  assert.equal(withTerm("host:=x a", "-host:=x"), "a -host:=x");
});

test("a term is added once, and replaces its opposite", () => {
  assert.equal(withTerm("", "host:x"), "host:x");
  assert.equal(withTerm("a", "host:x"), "a host:x");
  assert.equal(withTerm("host:x a", "host:x"), "a host:x");
  assert.equal(withTerm("a host:x b", "-host:x"), "a b -host:x");
  assert.equal(withTerm("a NOT host:x", "host:x"), "a host:x");
});

test("there is one severity and one time", () => {
  assert.equal(withTerm("severity:err a", "severity:>=warning"), "a severity:>=warning");
  assert.equal(withTerm("after:1h -severity:info a", "after:15m"), "-severity:info a after:15m");
});

test("a term added to alternatives applies to all of them", () => {
  assert.equal(withTerm("a OR b", "host:x"), "(a OR b) host:x");
});

test("a term is removed with the AND that joined it", () => {
  const query = "a AND b AND c";
  assert.deepEqual(terms(query).map((each) => without(query, each)), ["b AND c", "a AND c", "a AND b"]);
  assert.equal(without("a OR b", terms("a OR b")[0]), "");
  assert.equal(withoutAll('x after:1h before:"5 pm" y', ["after", "before"]), "x y");
  assert.equal(termOf("x -after:1h after:2h", "after")?.value, "2h");
});

test("any depth of nested brackets is read", () => {
  assert.equal(terms("(".repeat(10_000)).length, 1);
});
