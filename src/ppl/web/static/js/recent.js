/** Recent searches, newest first, kept by the browser. */

import { remember, remembered } from "./memory.js";

const MOST = 20;
const LONGEST = 500;

export class Recent {
  /** @param {string} name the destination they belong to */
  constructor(name) { this.name = `searches ${name}`; }

  /** @returns {string[]} */
  get all() {
    try {
      const kept = JSON.parse(remembered(this.name) || "[]");
      return Array.isArray(kept) ? kept.filter((each) => typeof each === "string").slice(0, MOST) : [];
    } catch {
      return [];
    }
  }

  /** @param {string} query */
  add(query) {
    if (!query || query.length > LONGEST) return;
    const all = [query, ...this.all.filter((each) => each !== query)].slice(0, MOST);
    remember(this.name, JSON.stringify(all));
  }
}
