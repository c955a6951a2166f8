/**
 * Terminal colours (ECMA-48's SGR) as CSS: every text stays readable in both themes.
 *
 * Only SGR is applied, because it changes only how text looks, and nothing of it that hides text. Every other escape
 * stays in the text and is shown literally.
 */

/** @typedef {{color: string, background: string, names: string}} Look CSS colours or empty, and class names */
/** @typedef {{text: string, look: Look | null}} Run */

// eslint-disable-next-line no-control-regex
const SGR = /\u001b\[([\d;:]{0,64})m/;
const LONGEST = 67;
const MOST_RUNS = 2000;
const MOST_COLOURS = 1000;

// Black to white, then the bright colours; of medium lightness, so that neither theme shifts them much.
const SIXTEEN = [
  0x3b4450, 0xe5534b, 0x57ab5a, 0xc69026, 0x4c91f0, 0xb083f0, 0x36b3bf, 0xc5ced8,
  0x7d8896, 0xff7b72, 0x6bc46d, 0xe0ac3f, 0x6cb0ff, 0xcba6f7, 0x56d4dd, 0xffffff,
];
const PALE = 0xc5ced8;
// Luminance of the lightest background in the dark theme and of the darkest in the light theme, tints included.
const GROUND = { dark: 0.026, light: 0.83 };
const CONTRAST = 4.6;

/** @param {string} text @returns {boolean} */
export const hasColours = (text) => text.includes("\u001b[") && SGR.test(text);

/** @param {string} text @param {number} at @returns {number} `at`, or the start of an escape that a cut would split */
export function besideColours(text, at) {
  const from = text.lastIndexOf("\u001b", at - 1);
  if (from < 0 || from <= at - LONGEST) return at;
  const found = SGR.exec(text.slice(from, from + LONGEST));
  return found?.index === 0 && from + found[0].length > at ? from : at;
}

/** @param {string} text @returns {string} what of it is shown */
export const withoutColours = (text) => (hasColours(text) ? new Pen().runs(text).map((run) => run.text).join("") : text);

/** The colour state of a terminal while it reads a text. */
export class Pen {
  /** @param {number} [most] limit of the pieces of a text */
  constructor(most = MOST_RUNS) {
    this.most = most;
    /** @type {number | null} */
    this.front = null;
    /** @type {number | null} */
    this.back = null;
    /** @type {Set<string>} */
    this.names = new Set();
  }

  /** @param {string} text @returns {Run[]} the text without colour escapes, in pieces of one look each */
  runs(text) {
    const parts = text.split(SGR);
    /** @type {Run[]} */
    const runs = [];
    for (let index = 0; index < parts.length; index += 2) {
      if (index) this.take(parts[index - 1]);
      if (runs.length >= this.most) runs[runs.length - 1].text += parts[index];
      else if (parts[index]) runs.push({ text: parts[index], look: this.look });
    }
    return runs;
  }

  /** @param {string} parameters of one SGR */
  take(parameters) {
    const codes = parameters.split(";");
    for (let at = 0; at < codes.length; at += 1) {
      const [code, ...parts] = codes[at].split(":").map(Number);
      if (code !== 38 && code !== 48) {
        this.obey(code, parts[0]);
        continue;
      }
      // ISO 8613-6 separates the parts by colons, with a colour space that nobody writes; xterm uses semicolons.
      let rest = parts;
      if (!parts.length) {
        rest = codes.slice(at + 1, at + 5).map(Number);
        at += rest[0] === 2 ? 4 : 2;
      } else if (parts.length > 4) {
        rest = [parts[0], ...parts.slice(-3)];
      }
      const colour = rest[0] === 5 ? indexed(rest[1]) : rest[0] === 2 ? direct(rest.slice(1)) : null;
      if (code === 38) this.front = colour;
      else this.back = colour;
    }
  }

  /** @param {number} code @param {number} [part] after a colon */
  obey(code, part) {
    const { names } = this;
    if (code === 0) {
      this.front = this.back = null;
      names.clear();
    } else if (code === 1) names.add("bold");
    else if (code === 2) names.add("faint");
    else if (code === 3) names.add("italic");
    else if (code === 4 && part !== 0) names.add("underlined");
    else if (code === 7) names.add("inverse");
    else if (code === 9) names.add("struck");
    else if (code === 22) ["bold", "faint"].forEach((name) => names.delete(name));
    else if (code === 23) names.delete("italic");
    else if (code === 24 || code === 4) names.delete("underlined");
    else if (code === 27) names.delete("inverse");
    else if (code === 29) names.delete("struck");
    else if (code === 39) this.front = null;
    else if (code === 49) this.back = null;
    else if (code >= 30 && code <= 37) this.front = SIXTEEN[code - 30];
    else if (code >= 40 && code <= 47) this.back = SIXTEEN[code - 40];
    else if (code >= 90 && code <= 97) this.front = SIXTEEN[code - 82];
    else if (code >= 100 && code <= 107) this.back = SIXTEEN[code - 92];
  }

  /** @returns {Look | null} `null` for plain text */
  get look() {
    let { front, back } = this;
    const names = new Set(this.names);
    if (names.has("inverse") && (front !== null || back !== null)) {
      [front, back] = [back, front ?? PALE];
      names.delete("inverse");
    }
    if (front === null && back === null && !names.size) return null;
    return {
      color: back !== null ? on(front, back) : front === null ? "" : inBothThemes(front),
      background: back === null ? "" : hex(back),
      names: [...names].join(" "),
    };
  }
}

/** @param {number} index of the 256 colours */
function indexed(index) {
  if (!(index >= 0 && index < 256)) return null;
  if (index < 16) return SIXTEEN[index];
  if (index > 231) return (8 + 10 * (index - 232)) * 0x010101;
  const [red, green, blue] = [36, 6, 1].map((step) => {
    const level = Math.floor((index - 16) / step) % 6;
    return level ? 55 + 40 * level : 0;
  });
  return red << 16 | green << 8 | blue;
}

/** @param {number[]} parts red, green, blue */
function direct(parts) {
  if (parts.length !== 3 || !parts.every((part) => part >= 0 && part < 256)) return null;
  return parts[0] << 16 | parts[1] << 8 | parts[2];
}

/** @type {Map<number, string>} */
const known = new Map();

/** @param {number} colour @returns {string} */
function inBothThemes(colour) {
  let css = known.get(colour);
  if (!css) {
    css = `light-dark(${hex(readable(colour, GROUND.light))}, ${hex(readable(colour, GROUND.dark))})`;
    if (known.size >= MOST_COLOURS) known.clear();
    known.set(colour, css);
  }
  return css;
}

/** @param {number | null} front @param {number} back */
function on(front, back) {
  const ground = luminance(back);
  return hex(readable(front ?? (ground > 0.18 ? 0 : 0xffffff), ground));
}

/**
 * The colour mixed with black or white until it is readable.
 * @param {number} colour @param {number} ground luminance of the background
 */
export function readable(colour, ground) {
  const target = ground > 0.18 ? 0 : 255;
  for (let part = 0; part < 1; part += 1 / 16) {
    const mixed = [16, 8, 0].reduce((sum, shift) => {
      const value = colour >> shift & 255;
      return sum | Math.round(value + (target - value) * part) << shift;
    }, 0);
    const [dim, bright] = [luminance(mixed), ground].sort((one, other) => one - other);
    if ((bright + 0.05) / (dim + 0.05) >= CONTRAST) return mixed;
  }
  return target * 0x010101;
}

/** WCAG's relative luminance. @param {number} colour @returns {number} from 0 to 1 */
export function luminance(colour) {
  const [red, green, blue] = [16, 8, 0].map((shift) => {
    const part = (colour >> shift & 255) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** @param {number} colour */
const hex = (colour) => `#${colour.toString(16).padStart(6, "0")}`;
