#!/usr/bin/env bash
# log4js's GELF appender does not chunk: a message that is longer than 8,192 bytes after gzip is not sent, and nothing says so
# (but "debug", when that is switched on). Runs without Ppl; needs node, npm and its registry.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund --prefix "$directory" log4js@6.9.1 @log4js-node/gelf@1.0.2
cat > run.cjs <<'JS'
const crypto = require("crypto");
const dgram = require("dgram");
const log4js = require("log4js");

const said = [];
for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream);
  stream.write = (text, ...more) => { said.push(text); return write(text, ...more); };
}
const text = crypto.createHash("shake256", { outputLength: 15000 }).update("log").digest("base64");
const sizes = [];
const sink = dgram.createSocket("udp4");
sink.on("message", (datagram) => {
  sizes.push(datagram.length);
  if (sizes.length === 2) setTimeout(report, 500);
});

function report() {
  const quiet = said.length === 0;
  console.log("version: @log4js-node/gelf", require("@log4js-node/gelf/package.json").version, "for log4js",
    require("log4js/package.json").version);
  console.log("behaviour: a message of 20,000 letters that do not compress is neither sent nor complained of");
  console.log(`seen: of three messages, the second of ${text.length} letters, ${sizes.length} datagrams of`,
    `${sizes.map((size) => (size < 8192 ? "less" : "more") + " than 8,192 bytes").join(" and ")};`,
    quiet ? "nothing said" : "something said");
  process.exit(sizes.length === 2 && quiet ? 0 : 1);
}

sink.bind(0, "127.0.0.1", () => {
  const gelf = { type: "@log4js-node/gelf", host: "127.0.0.1", port: sink.address().port };
  log4js.configure({ appenders: { gelf }, categories: { default: { appenders: ["gelf"], level: "info" } } });
  const logger = log4js.getLogger();
  logger.info("before");
  logger.info(text);
  setTimeout(() => logger.info("after"), 500);
});
setTimeout(() => process.exit(2), 30000);
JS
node run.cjs
