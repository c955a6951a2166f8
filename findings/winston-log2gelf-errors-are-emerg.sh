#!/usr/bin/env bash
# winston-log2gelf numbers its levels from 0 on instead of by syslog's, which are GELF's: an error is sent as 0 (emerg), a warning
# as 1 (alert), info as 2 (crit), and debug as 4 (warning). Runs without Ppl; needs node, npm and its registry.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund --prefix "$directory" winston@3.19.0 winston-log2gelf@2.4.1
cat > run.cjs <<'JS'
const net = require("net");
const winston = require("winston");
const Log2gelf = require("winston-log2gelf");

const NAMES = ["error", "warn", "info", "debug"];
let data = "";
const sink = net.createServer((socket) => {
  socket.on("data", (read) => {
    data += read;
    const messages = data.split("\0").slice(0, -1).map((each) => JSON.parse(each));
    if (messages.length < NAMES.length) return;
    const found = Object.fromEntries(messages.map((each) => [each.short_message, each.level]));
    console.log("version: winston-log2gelf", require("winston-log2gelf/package.json").version, "for winston",
      require("winston/package.json").version);
    console.log("behaviour: the levels are numbers of its own, and not GELF's 3, 4, 6 and 7");
    console.log("seen:", NAMES.map((name) => `${name} ${found[name]}`).join(", "));
    process.exit(NAMES.map((name) => found[name]).join() === "0,1,2,4" ? 0 : 1);
  });
});
sink.listen(0, "127.0.0.1", () => {
  const transport = new Log2gelf({ host: "127.0.0.1", port: sink.address().port, protocol: "tcp", hostname: "web-1", level: "debug" });
  const logger = winston.createLogger({ level: "debug", transports: [transport] });
  NAMES.forEach((name) => logger.log(name, name));
});
setTimeout(() => process.exit(2), 30000);
JS
node run.cjs
