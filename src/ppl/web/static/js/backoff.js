/** How long to wait before the next attempt to connect. */

const LONGEST = 30;

/**
 * Doubles from one second to half a minute, with jitter, so that browsers do not all reconnect at once after a restart.
 * @param {number} attempt 1 for the first @param {number} random from 0 to 1 @returns {number} whole seconds
 */
export function secondsBefore(attempt, random) {
  const seconds = Math.min(LONGEST, 2 ** Math.min(attempt - 1, 5));
  return Math.max(1, Math.round(seconds * (0.75 + random / 2)));
}
