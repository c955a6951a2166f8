// Messages as nodes, over a minimal document. Run by test_modules.py, or by hand: node --test tests/browser
import assert from "node:assert/strict";
import { test } from "node:test";

import { marksOf } from "../../src/ppl/web/static/js/marks.js";
import { makeMessage } from "../../src/ppl/web/static/js/message.js";

let made = 0;

class Part {
  constructor() {
    made += 1;
    this.parts = [];
    this.style = {};
  }

  get textContent() { return this.parts.map((part) => part.textContent ?? part).join(""); }

  set textContent(text) { this.parts = [text]; }

  append(...parts) { this.parts.push(...parts); }

  appendChild(part) {
    this.parts.push(part);
    return part;
  }
}

globalThis.document = { createElement: () => new Part() };

for (const [name, text, shown] of [
  ["colours", "\x1b[31mx\x1b[32my".repeat(104), "xy".repeat(104)],
  ["characters that are not text", "\x01a".repeat(600), "␁a".repeat(600)],
  ["both", "\x1b[31m\x01a\x01b\x01c".repeat(110), "␁a␁b␁c".repeat(110)],
  ["matches", "ab".repeat(600), "ab".repeat(600)],
]) {
  test(`a message full of ${name} becomes at most 500 elements, and no character is lost`, () => {
    made = 0;
    assert.equal(makeMessage(text, name === "matches" ? marksOf("a").message : null).textContent, shown);
    assert.ok(made <= 500, `${made} elements`);
  });
}
