/** The page of a new account: how to send the first line, with the account's own host and port filled in. */

import { ask } from "./api.js";
import { copyButton } from "./copy.js";
import { elapsed } from "./time.js";

export class FirstLine {
  /** @param {HTMLElement} section @param {string} csrfToken */
  constructor(section, csrfToken) {
    this.section = section;
    this.csrfToken = csrfToken;
    this.tabs = /** @type {HTMLElement} */ (section.querySelector(".tabs"));
    this.way = /** @type {HTMLSelectElement} */ (section.querySelector("#way"));
    this.way.addEventListener("change", () => this.fill());
    this.blocks = /** @type {HTMLElement} */ (section.querySelector(".blocks"));
    this.clock = /** @type {HTMLElement} */ (section.querySelector(".clock"));
    this.problem = /** @type {HTMLElement} */ (section.querySelector(".problem"));
    /** @type {HTMLElement} */ (section.querySelector(".test")).addEventListener("click", () => this.sendTestLine());
    this.timer = 0;
    this.host = this.port = this.userId = this.transport = this.sender = "";
    /** @type {Map<string, Map<string, [string, string][]>>} sender → transport → labels and texts to fill in */
    this.snippets = new Map(JSON.parse(section.dataset.snippets ?? "[]")
      .map((/** @type {[string, [string, [string, string][]][]]} */ [sender, ways]) => [sender, new Map(ways)]));
    for (const name of this.snippets.keys()) this.addTab(name);
    this.tabs.addEventListener("keydown", (event) => this.moveTab(event));
  }

  /** @param {string} host @param {string} port @param {string} userId @param {string} transport */
  show(host, port, userId, transport) {
    // After a reconnect the page and its waiting time stay.
    if (!this.section.hidden && userId === this.userId) return;
    Object.assign(this, { host, port, userId, transport });
    /** @type {HTMLElement} */ (this.section.querySelector(".what strong")).textContent = userId;
    /** @type {HTMLElement} */ (this.section.querySelector(".port")).textContent = port;
    this.section.hidden = false;
    this.problem.textContent = "";
    for (const tab of this.tabs.children) {
      /** @type {HTMLElement} */ (tab).hidden = !this.ways(tab.textContent ?? "").length;
    }
    this.select(this.tabsShown()[0].textContent ?? "");
    const began = Date.now();
    clearInterval(this.timer);
    this.timer = setInterval(() => { this.clock.textContent = elapsed((Date.now() - began) / 1000); }, 1000);
  }

  hide() {
    clearInterval(this.timer);
    this.section.hidden = true;
  }

  /** @param {string} name */
  addTab(name) {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.textContent = name;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", "snippet");
    tab.addEventListener("click", () => this.select(name));
    this.tabs.append(tab);
  }

  /** The transports of a sender that this destination accepts. @param {string} sender @returns {string[]} */
  ways(sender) {
    return [...(this.snippets.get(sender)?.keys() ?? [])].filter(
      (way) => this.transport === "either" || way.endsWith("TLS") === (this.transport === "tls"));
  }

  tabsShown() {
    return /** @type {HTMLElement[]} */ ([...this.tabs.children]).filter((tab) => !tab.hidden);
  }

  /** @param {string} name */
  select(name) {
    for (const tab of this.tabs.children) {
      const chosen = tab.textContent === name;
      tab.setAttribute("aria-selected", String(chosen));
      /** @type {HTMLElement} */ (tab).tabIndex = chosen ? 0 : -1;
    }
    this.sender = name;
    const ways = this.ways(name);
    // Keep the chosen transport from one sender to the next.
    const before = this.way.value;
    this.way.replaceChildren(...ways.map((way) => new Option(way)));
    if (ways.includes(before)) this.way.value = before;
    /** @type {HTMLElement} */ (this.way.parentElement).hidden = ways.length < 2;
    this.fill();
  }

  fill() {
    const blocks = this.snippets.get(this.sender)?.get(this.way.value) ?? [];
    this.blocks.replaceChildren(...blocks.map(([label, text]) => this.block(label, text)));
  }

  /** One snippet to paste. @param {string} label @param {string} text with {host} and {port} to fill in */
  block(label, text) {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = label;
    const code = document.createElement("pre");
    for (const part of text.split(/(\{host\}|\{port\})/)) {
      if (part === "{host}" || part === "{port}") {
        const filled = document.createElement("b");
        filled.textContent = part === "{host}" ? this.host : this.port;
        code.append(filled);
      } else {
        code.append(part);
      }
    }
    figure.append(caption, copyButton(code, label), code);
    return figure;
  }

  /** @param {KeyboardEvent} event */
  moveTab(event) {
    const tabs = this.tabsShown();
    const at = tabs.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (at < 0 || !step) return;
    const next = tabs[(at + step + tabs.length) % tabs.length];
    this.select(next.textContent ?? "");
    next.focus();
  }

  async sendTestLine() {
    await ask(this.problem, this.csrfToken, "POST", "/api/test-line", { user_id: this.userId });
  }
}
