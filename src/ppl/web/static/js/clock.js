/** The server's time, which stamps received lines: the browser's clock may be hours off. */

/** Responses state whole seconds, and take a moment to arrive: smaller differences are ignored. */
const CLOSE_MS = 3000;

let offset = 0;

/** @returns {number} ms since 1970 */
export const now = () => Date.now() + offset;

/** @param {number} moment the server's current time, ms */
export function heard(moment) {
  if (Math.abs(moment - now()) > CLOSE_MS) offset = moment - Date.now();
}

/**
 * Fetch JSON, and learn the server's time from the response.
 * @param {string} address @param {AbortSignal} [signal] @returns {Promise<any>} `null` on failure
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

/** @param {number} moment when the server rendered the page, ms */
export function begunAt(moment) {
  const [loading] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  heard(moment + performance.now() - (loading?.responseStart ?? 0));
}
