#!/usr/bin/env bash
# winston-gelf knows npm's "warn", not "warning" of winston's own syslog levels, and sends a level that it does not know as info:
# with winston.config.syslog.levels all warnings arrive as 6. Runs without Ppl; needs node, npm and its registry.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund --prefix "$directory" winston@3.19.0 winston-gelf@1.7.0
cat > run.cjs <<'JS'
const dgram = require("dgram");
const zlib = require("zlib");
const winston = require("winston");
const GelfTransport = require("winston-gelf");

const { levels } = winston.config.syslog;
const found = {};
const sink = dgram.createSocket("udp4");
sink.on("message", (datagram) => {
  const message = JSON.parse(zlib.unzipSync(datagram[0] === 0x1e ? datagram.subarray(12) : datagram));
  found[message.short_message] = message.level;
  if (Object.keys(found).length < Object.keys(levels).length) return;
  const wrong = Object.keys(levels).filter((name) => found[name] !== levels[name]);
  console.log("version: winston-gelf", require("winston-gelf/package.json").version, "for winston",
    require("winston/package.json").version);
  console.log("behaviour: of winston's syslog levels, warning is sent with GELF's level 6, info");
  console.log("seen:", Object.keys(levels).map((name) => `${name} ${found[name]}`).join(", "));
  process.exit(wrong.join() === "warning" && found.warning === 6 ? 0 : 1);
});
sink.bind(0, "127.0.0.1", () => {
  const adapterOptions = { host: "127.0.0.1", port: sink.address().port };
  const logger = winston.createLogger({
    levels, level: "debug", transports: [new GelfTransport({ gelfPro: { adapterName: "udp", adapterOptions } })],
  });
  Object.keys(levels).forEach((name) => logger.log(name, name));
});
setTimeout(() => process.exit(2), 30000);
JS
node run.cjs
