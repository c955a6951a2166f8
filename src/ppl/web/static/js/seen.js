/** The hosts, programs and addresses seen in lines or counted by the server, for suggestions; bounded. */

import { getJson } from "./clock.js";

const MOST = 200;
// The server stores only a part of longer names.
const LONGEST = 254;
/** @type {Record<string, string>} kind of sender → attribute */
const KINDS = { host: "host", file: "program", address: "ip" };

export class Seen {
  /** @param {(kind: string, value: string) => void} added */
  constructor(added) {
    this.added = added;
    /** @type {Record<string, Set<string>>} attribute → values */
    this.values = { host: new Set(), program: new Set(), ip: new Set() };
    /** The destination whose senders were fetched. */
    this.asked = "";
  }

  /** Add the senders counted by the server, those with most events first. @param {string} userId the destination */
  async ask(userId) {
    if (this.asked === userId) return;
    this.asked = userId;
    const answer = await getJson(`/api/senders?user_id=${encodeURIComponent(userId)}`);
    if (this.asked !== userId) return;
    if (!answer) {
      // Until the next attempt, only senders seen in lines are offered.
      this.asked = "";
      return;
    }
    for (const { kind, name } of answer.senders) if (name && name.length <= LONGEST) this.one(KINDS[kind], name);
  }

  /** @param {import("./rows.js").LogEvent[]} events */
  add(events) {
    for (const { hostname, file_name: program, sender_ip: ip } of events) {
      if (hostname) this.one("host", hostname);
      if (program) this.one("program", program);
      this.one("ip", ip);
    }
  }

  /** @param {string} kind @param {string} value */
  one(kind, value) {
    const known = this.values[kind];
    if (known.has(value) || known.size >= MOST) return;
    known.add(value);
    this.added(kind, value);
  }

  /** Forget all: another destination was chosen. */
  clear() {
    this.asked = "";
    for (const known of Object.values(this.values)) known.clear();
  }
}
