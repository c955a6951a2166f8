#!/usr/bin/env bash
# nsyslog-parser does not find an element of structured data that has a quotation mark in a value, escaped as RFC 5424 (6.3.3)
# demands it: the message begins with it, without its bracket. Runs without Ppl; needs node, npm and its registry.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund --prefix "$directory" nsyslog-parser@0.10.1
cat > run.cjs <<'JS'
const parse = require("nsyslog-parser");
const read = (value) => parse(
  `<13>1 2026-07-01T12:00:00Z web-1 app 7 - [order@32473 id="4711"][site@32473 zone="${value}"] hello`,
);
const [plain, quoted] = [read("north"), read('the \\"north\\"')];
console.log("version: nsyslog-parser", require("nsyslog-parser/package.json").version);
console.log("behaviour: an element with an escaped quotation mark stays in the message, but for its bracket");
console.log(`seen: without it ${plain.structuredData.length} elements and "${plain.message}",`,
  `with it ${quoted.structuredData.length} and "${quoted.message}"`);
process.exit(plain.structuredData.length === 2 && plain.message === "hello" && quoted.structuredData.length === 1
  && quoted.message === 'site@32473 zone="the \\"north\\""] hello' ? 0 : 1);
JS
node run.cjs
