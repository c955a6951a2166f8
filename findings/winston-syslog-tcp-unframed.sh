#!/usr/bin/env bash
# winston-syslog over TCP puts nothing between messages unless it is given "eol": neither a newline nor a count, so that a
# receiver of RFC 6587 sees one endless line. Runs without Ppl; needs node, npm and its registry.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund --prefix "$directory" winston@3.19.0 winston-syslog@2.7.1
cat > run.cjs <<'JS'
const net = require("net");
const winston = require("winston");
const { Syslog } = require("winston-syslog");

const MESSAGES = ["first", "second", "third"];

const send = (options) => new Promise((resolve) => {
  let data = "";
  const server = net.createServer((socket) => {
    socket.on("data", (read) => {
      data += read;
      if (data.includes(MESSAGES.at(-1))) setTimeout(() => resolve(data), 300);
    });
  });
  server.listen(0, "127.0.0.1", () => {
    const transport = new Syslog({ host: "127.0.0.1", port: server.address().port, localhost: "web-1", ...options });
    const logger = winston.createLogger({ levels: winston.config.syslog.levels, transports: [transport] });
    MESSAGES.forEach((each) => logger.info(each));
  });
});

(async () => {
  const seen = [];
  for (const type of ["BSD", "5424"]) {
    for (const eol of [undefined, "\n"]) {
      const data = await send({ protocol: "tcp4", type, ...(eol && { eol }) });
      const counted = /^\d+ </.test(data);
      seen.push(`${type}${eol ? " with eol" : ""}: ${data.split("\n").length - 1} newlines${counted ? ", counted" : ""}`);
    }
  }
  console.log("version: winston-syslog", require("winston-syslog/package.json").version);
  console.log("behaviour: three messages over TCP come without any framing; with eol a newline ends each");
  console.log("seen:", seen.join("; "));
  process.exit(seen.join() === ["BSD: 0 newlines", "BSD with eol: 3 newlines", "5424: 0 newlines",
    "5424 with eol: 3 newlines"].join() ? 0 : 1);
})();
setTimeout(() => process.exit(2), 30000);
JS
node run.cjs
