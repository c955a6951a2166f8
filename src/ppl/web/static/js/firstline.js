/** The page of a new account: how to send the first line, with the account's own host and port filled in. */

import { elapsed } from "./time.js";

/** @type {Record<string, string>} {host} and {port} are filled in */
const SNIPPETS = {
  remote_syslog2: `# /etc/log_files.yml
files:
  - /var/log/nginx/*.log
destination:
  host: {host}
  port: {port}
  protocol: tcp

$ remote_syslog -D --configfile /etc/log_files.yml`,
  rsyslog: `# /etc/rsyslog.d/95-ppl.conf
*.* action(type="omfwd" target="{host}" port="{port}" protocol="tcp"
           TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"
           queue.type="linkedList" queue.size="10000" action.resumeRetryCount="-1")

$ sudo systemctl restart rsyslog && logger "hello from $(hostname)"`,
  "syslog-ng": `# /etc/syslog-ng/conf.d/ppl.conf
destination d_ppl { syslog("{host}" port({port}) transport("tcp")); };
log { source(s_src); destination(d_ppl); };

$ sudo systemctl restart syslog-ng && logger "hello from $(hostname)"`,
  Docker: `$ docker run --log-driver syslog \\
    --log-opt syslog-address=tcp://{host}:{port} \\
    --log-opt syslog-format=rfc5424micro \\
    --log-opt tag="{{.Name}}" \\
    alpine echo "hello from Docker"`,
  Python: `import logging, logging.handlers, socket

handler = logging.handlers.SysLogHandler(("{host}", {port}), socktype=socket.SOCK_STREAM)
handler.append_nul = False
handler.setFormatter(logging.Formatter("myapp: %(message)s\\n"))
logging.getLogger().addHandler(handler)
logging.warning("hello from Python")`,
  netcat: `$ echo "hello from $(hostname)" | nc -w 1 {host} {port}

# or with a program's name and a severity, through util-linux:
$ logger --server {host} --port {port} --tcp --tag myapp --priority user.err "hello"`,
};

export class FirstLine {
  /** @param {HTMLElement} section @param {string} csrfToken */
  constructor(section, csrfToken) {
    this.section = section;
    this.csrfToken = csrfToken;
    this.tabs = /** @type {HTMLElement} */ (section.querySelector(".tabs"));
    this.panel = /** @type {HTMLElement} */ (section.querySelector(".snippet"));
    this.code = /** @type {HTMLElement} */ (section.querySelector("pre"));
    this.clock = /** @type {HTMLElement} */ (section.querySelector(".clock"));
    this.problem = /** @type {HTMLElement} */ (section.querySelector(".problem"));
    this.copyButton = /** @type {HTMLElement} */ (section.querySelector(".copy"));
    this.copyButton.addEventListener("click", () => this.copy());
    /** @type {HTMLElement} */ (section.querySelector(".test")).addEventListener("click", () => this.sendTestLine());
    this.timer = 0;
    for (const name of Object.keys(SNIPPETS)) this.addTab(name);
    this.tabs.addEventListener("keydown", (event) => this.moveTab(event));
  }

  /** @param {string} host @param {string} port @param {string} userId */
  show(host, port, userId) {
    Object.assign(this, { host, port, userId });
    /** @type {HTMLElement} */ (this.section.querySelector(".what strong")).textContent = userId;
    /** @type {HTMLElement} */ (this.section.querySelector(".port")).textContent = port;
    this.section.hidden = false;
    this.problem.textContent = "";
    this.select(Object.keys(SNIPPETS)[0]);
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

  /** @param {string} name */
  select(name) {
    for (const tab of this.tabs.children) {
      const chosen = tab.textContent === name;
      tab.setAttribute("aria-selected", String(chosen));
      /** @type {HTMLElement} */ (tab).tabIndex = chosen ? 0 : -1;
    }
    this.code.replaceChildren();
    for (const part of SNIPPETS[name].split(/(\{host\}|\{port\})/)) {
      if (part === "{host}" || part === "{port}") {
        const filled = document.createElement("b");
        filled.textContent = part === "{host}" ? this.host : this.port;
        this.code.append(filled);
      } else {
        this.code.append(part);
      }
    }
  }

  /** @param {KeyboardEvent} event */
  moveTab(event) {
    const tabs = [...this.tabs.children];
    const at = tabs.indexOf(/** @type {Element} */ (document.activeElement));
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (at < 0 || !step) return;
    const next = /** @type {HTMLElement} */ (tabs[(at + step + tabs.length) % tabs.length]);
    this.select(next.textContent ?? "");
    next.focus();
  }

  async copy() {
    const text = this.code.textContent ?? "";
    try {
      await navigator.clipboard.writeText(text);
      this.copyButton.textContent = "Copied";
    } catch {
      // Without TLS browsers keep the clipboard closed: select it, so that one key copies it.
      getSelection()?.selectAllChildren(this.code);
      this.copyButton.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { this.copyButton.textContent = "Copy"; }, 2000);
  }

  async sendTestLine() {
    this.problem.textContent = "";
    try {
      const answer = await fetch("/api/test-line", {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRF-Token": this.csrfToken },
        body: JSON.stringify({ user_id: this.userId }),
      });
      if (!answer.ok) this.problem.textContent = (await answer.json()).error.message;
    } catch {
      this.problem.textContent = "The server cannot be reached.";
    }
  }
}
