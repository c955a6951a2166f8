/** The marks there are, each with what puts its pin on a row; filled once there is one. */

/**
 * @typedef {Object} Mark as the API writes it
 * @property {string} id
 * @property {string} event_id
 * @property {string} note
 * @property {string} marked_by
 * @property {string} created_at
 * @property {import("./rows.js").LogEvent | null} [event]
 */

/** @type {Map<string, {mark: Mark, put: (row: HTMLElement) => void}>} by the id of the event */
export const PINS = new Map();
