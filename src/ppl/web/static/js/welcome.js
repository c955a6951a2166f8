/** The welcome page of a new account over the empty log; its module is loaded when the log is empty. */

export class Welcome {
  /** @param {HTMLElement} section @param {string} csrfToken */
  constructor(section, csrfToken) {
    this.section = section;
    this.csrfToken = csrfToken;
    this.isWanted = false;
    /** @type {import("./firstline.js").FirstLine | undefined} */
    this.page = undefined;
  }

  /** @param {string} host @param {string} port @param {string} userId @param {string} transport */
  async show(host, port, userId, transport) {
    this.isWanted = true;
    try {
      const { FirstLine } = await import("./firstline.js");
      this.page ??= new FirstLine(this.section, this.csrfToken);
    } catch {
      // The connection is lost, which the banner tells; the log stays empty.
      return;
    }
    if (this.isWanted) this.page.show(host, port, userId, transport);
  }

  hide() {
    this.isWanted = false;
    this.page?.hide();
  }
}
