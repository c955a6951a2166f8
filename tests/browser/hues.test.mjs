// Colours of hosts. Run by test_modules.py, or by hand: node --test tests/browser
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { hueOf } from "../../src/ppl/web/static/js/hues.js";

const css = readFileSync(new URL("../../src/ppl/web/static/viewer.css", import.meta.url), "utf8");
const defined = new Set([...css.matchAll(/\.hues \.(h\d+) \{ color: light-dark/g)].map((match) => match[1]));

test("every host has one of the existing colours, and all are used", () => {
  const used = new Set();
  for (let number = 0; number < 1000; number += 1) used.add(hueOf(`host-${number}.example`));
  assert.deepEqual([...used].sort(), [...defined].sort());
  assert.ok(defined.has(hueOf("")));
  assert.ok(defined.has(hueOf("\u{1f980}".repeat(100))));
});

test("numbered hosts have different colours", () => {
  const names = Array.from({ length: 9 }, (_, number) => hueOf(`web-0${number + 1}`));
  assert.equal(new Set(names).size, 9);
});
