// How a row prepares a message before it becomes nodes: terminal colours, and where it is folded.
import assert from "node:assert/strict";
import { test } from "node:test";

import { besideColours, hasColours, luminance, Pen, readable } from "../../src/ppl/web/static/js/ansi.js";
import { fold, onOneLine } from "../../src/ppl/web/static/js/fold.js";

const runs = (text) => new Pen().runs(text);
const looks = (text) => runs(text).map((run) => run.look);
const plain = (text) => runs(text).map((run) => run.text).join("");

/** The light and dark colour of a `light-dark()` value, as numbers. */
const both = (css) => css.match(/#[0-9a-f]{6}/g).map((each) => parseInt(each.slice(1), 16));

const contrast = (one, other) => {
  const [dim, bright] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (bright + 0.05) / (dim + 0.05);
};

test("colour escapes are removed from the text and become looks", () => {
  const found = runs("a \x1b[31mred\x1b[0m \x1b[1;4mb\x1b[22mc\x1b[m.");
  assert.deepEqual(found.map((run) => run.text), ["a ", "red", " ", "b", "c", "."]);
  assert.deepEqual(found.map((run) => run.look?.names), [undefined, "", undefined, "bold underlined", "underlined", undefined]);
  assert.match(found[1].look.color, /^light-dark\(#[0-9a-f]{6}, #[0-9a-f]{6}\)$/);
});

test("every other escape stays in the text, and so does an invalid colour", () => {
  for (const text of ["\x1b]0;title\x07", "\x1b[2J", "\x1b[3", "\x1b[31", "\x1bc", "\x1b[?25l", `\x1b[${"1;".repeat(60)}m`]) {
    assert.equal(plain(text), text);
  }
  assert.ok(!hasColours("\x1b[2J"));
});

test("no code hides text, blinks, or is mistaken for a colour", () => {
  for (const codes of ["8", "5", "6", "38", "38;5", "38;5;999", "38;2;1;2", "38;2;1;2;999", "99", "38;7;1", "48;5;x"]) {
    assert.deepEqual(looks(`\x1b[${codes}mx`), [null], codes);
  }
});

test("the 256 colours and true colours are read in both notations", () => {
  const [one, two, three, four] = looks("\x1b[38;5;196ma\x1b[38:5:196mb\x1b[38;2;255;0;0mc\x1b[38:2::255:0:0md").map(
    (look) => look.color);
  assert.equal(one, two);
  assert.equal(one, three);
  assert.equal(one, four);
  assert.equal(looks("\x1b[38;5;196;1ma")[0].names, "bold", "what follows a colour is not part of it");
  assert.deepEqual(both(looks("\x1b[38;5;244mx")[0].color).map((each) => each >> 16 === (each & 255)), [true, true]);
});

test("every colour is readable in both themes, on the tints of rows too", () => {
  const dark = [0x0f141a, 0x161d26, 0x251f24, 0x1f2320];
  const light = [0xffffff, 0xf5f7fa, 0xf8ecec, 0xf6f3ed];
  for (let index = 0; index < 256; index += 1) {
    const [onLight, onDark] = both(looks(`\x1b[38;5;${index}mx`)[0].color);
    for (const ground of light) assert.ok(contrast(onLight, ground) >= 4.5, `${index} on light`);
    for (const ground of dark) assert.ok(contrast(onDark, ground) >= 4.5, `${index} on dark`);
  }
});

test("every text is readable on every background colour, with a colour of its own or without", () => {
  for (let back = 0; back < 256; back += 5) {
    for (const front of [-1, 0, 1, 3, 7, 12, 15, 21, 46, 129, 196, 231, 240]) {
      const start = front < 0 ? "" : `\x1b[38;5;${front}m`;
      const [look] = looks(`${start}\x1b[48;5;${back}mx`);
      assert.ok(contrast(both(look.color)[0], both(look.background)[0]) >= 4.5, `${front} on ${back}`);
    }
  }
  assert.deepEqual(looks("\x1b[7mx"), [{ color: "", background: "", names: "inverse" }]);
  const [inverse] = looks("\x1b[7;31mx");
  assert.equal(inverse.names, "");
  assert.ok(contrast(both(inverse.color)[0], both(inverse.background)[0]) >= 4.5);
});

test("a readable colour is left unchanged", () => {
  assert.equal(readable(0xff8f87, 0.007), 0xff8f87);
});

test("a text full of colours becomes a bounded number of pieces, and no character is lost", () => {
  const found = runs("\x1b[31mx\x1b[32my".repeat(5000));
  assert.equal(found.length, 2000);
  assert.equal(found.map((run) => run.text).join(""), "xy".repeat(5000));
});

test("a cut never splits a colour escape", () => {
  const text = `${"x".repeat(20)}\x1b[38;5;196mred`;
  assert.equal(besideColours(text, 24), 20);
  assert.equal(besideColours(text, 31), 31);
  assert.equal(besideColours(text, 20), 20);
  assert.equal(besideColours("x\x1bxxxx", 4), 4);
});

const whole = (text) => {
  const { shown, rest } = fold(text);
  return shown + rest;
};

test("a stack trace is folded after its third line", () => {
  const trace = ["Traceback (most recent call last):", "  File 1", "    call()", "  File 2", "    raise", "Error: x"].join("\n");
  const folded = fold(trace);
  assert.equal(folded.shown, "Traceback (most recent call last):\n  File 1\n    call()");
  assert.equal(folded.label, "▸ 3 more lines");
  assert.equal(whole(trace), trace);
});

test("a text only slightly longer is not folded", () => {
  for (const text of ["", "one", "one\ntwo\nthree", "1\n2\n3\n4", "1\n2\n3\n4\n\n", "x".repeat(1250), `{"a":"${"x".repeat(400)}"}`]) {
    assert.deepEqual(fold(text), { shown: text, rest: "", label: "" });
  }
});

test("a long line is folded after a thousand characters, JSON after four hundred", () => {
  assert.equal(fold("x".repeat(150_000)).label, "▸ 149,000 more characters");
  const json = JSON.stringify({ list: Array.from({ length: 500 }, (_, index) => index) });
  assert.equal(fold(json).shown.length, 400);
  assert.equal(whole(json), json);
});

test("JSON of many lines is one line in the list, with strings and numbers verbatim", () => {
  const json = '{\n  "a b": "c \\" \\n d",\n  "n": 12345678901234567890.10,\n  "l": [\n 1,\n 2 ]\n}\n';
  assert.equal(onOneLine(json), '{"a b":"c \\" \\n d","n":12345678901234567890.10,"l":[1,2]}');
  assert.equal(fold(json).shown, onOneLine(json));
  const broken = "{\n1\n2\n3\n4\n5\n}";
  assert.equal(onOneLine(broken), broken);
  assert.equal(fold(broken).label, "▸ 4 more lines");
});

test("folding a hostile message takes no time", () => {
  for (const text of ["\n".repeat(150_000), "[".repeat(150_000), `{${'"'.repeat(90_000)}\n}`, "\x1b[".repeat(70_000)]) {
    assert.equal(whole(text), text);
  }
});
