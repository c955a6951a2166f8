/** Draws the histogram: stacked bars, a line for comparison, and the times below them. */

/** @typedef {import("./counts.js").Count} Count */
/** @typedef {import("./counts.js").Bar} Bar */

/** Width of a bar and height of the plot, in units of the drawing. */
export const BAR = 10;
export const HEIGHT = 100;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 1440 * MINUTE;
const TICKS = [1, 5, 10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
  2_592_000].map((seconds) => seconds * SECOND);
const TICK_PIXELS = 110;

/** One path for each severity, errors lowest. @param {Count[]} counts @param {number} most @returns {string[]} */
export function stacks(counts, most) {
  const drawn = ["", "", ""];
  counts.forEach((count, index) => {
    let floor = HEIGHT;
    count.forEach((lines, severity) => {
      if (!lines) return;
      const top = floor - Math.max(1, (lines / most) * (HEIGHT - 2));
      drawn[severity] += `M${index * BAR + 0.5} ${floor.toFixed(1)}V${top.toFixed(1)}h${BAR - 1}V${floor.toFixed(1)}z`;
      floor = top;
    });
  });
  return drawn;
}

/** A stepped line, clipped at the top. @param {number[]} lines counts, one for each bar @param {number} most */
export function steps(lines, most) {
  return lines.map((each, index) => {
    const top = (HEIGHT - Math.min(1, each / most) * (HEIGHT - 2)).toFixed(1);
    return `${index ? "V" : "M0 "}${top}H${(index + 1) * BAR}`;
  }).join("");
}

/**
 * @param {number} from ms since 1970 @param {number} span ms @param {number} room pixels
 * @param {import("./time.js").Zone} zone
 * @returns {{part: number, text: string}[]} times at round intervals, each with its place from 0 to 1
 */
export function ticks(from, span, room, zone) {
  const step = TICKS.find((each) => span / each <= room / TICK_PIXELS) ?? Math.ceil(span / DAY) * DAY;
  const made = [];
  for (let local = Math.ceil((from + zone.offset(from)) / step) * step; ; local += step) {
    const moment = local - zone.offset(local - zone.offset(from));
    const part = (moment - from) / span;
    if (part > 1 - 40 / room) return made;
    made.push({ part, text: span > 2 * DAY ? zone.date(moment) : clock(moment, step < MINUTE, zone) });
  }
}

/** @param {number} moment @param {boolean} hasSeconds @param {import("./time.js").Zone} zone @returns {string} e.g. `09:23` */
export const clock = (moment, hasSeconds, zone) => zone.write(moment).clock.slice(0, hasSeconds ? 8 : 5);
