/** The server's time, by which lines are received: the browser's clock may be hours off. */

/** Answers name whole seconds, and take a moment to come. */
const CLOSE_MS = 3000;

let offset = 0;

/** @returns {number} ms since 1970 */
export const now = () => Date.now() + offset;

/** @param {number} moment what time it is at the server */
export function heard(moment) {
  if (Math.abs(moment - now()) > CLOSE_MS) offset = moment - Date.now();
}

/**
 * Ask the server, and hear what time it is there.
 * @param {string} address @param {AbortSignal} [signal] @returns {Promise<any>} `null` where there is no answer
 */
export async function getJson(address, signal) {
  try {
    const answer = await fetch(address, { signal, cache: "no-store" });
    heard(Date.parse(answer.headers.get("Date") ?? ""));
    return answer.ok ? await answer.json() : null;
  } catch {
    return null;
  }
}

/** @param {number} moment when the server made the page */
export function begunAt(moment) {
  const [loading] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  heard(moment + performance.now() - (loading?.responseStart ?? 0));
}
