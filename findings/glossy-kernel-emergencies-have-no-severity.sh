#!/usr/bin/env bash
# glossy's parser, the other half of what winston's and pino's transports write with, finds neither facility nor severity in a
# line of priority 0: of a kernel's emergency only the text is left. Runs without Ppl; needs node, npm and its registry.
set -euo pipefail
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
cd "$directory"
npm install --silent --no-audit --no-fund --prefix "$directory" glossy@0.1.7
cat > run.cjs <<'JS'
const { Parse } = require("glossy");
const seen = [0, 1, 8].map((priority) => {
  const read = Parse.parse(`<${priority}>1 2026-07-01T12:00:00Z web-1 kernel - - - out of memory`);
  return `<${priority}> is ${read.facility}.${read.severity}`;
});
console.log("version: glossy", require("glossy/package.json").version);
console.log("behaviour: priority 0 has no facility and no severity, unlike 1 (kern.alert) and 8 (user.emerg)");
console.log("seen:", seen.join(", "));
process.exit(seen.join() === "<0> is undefined.undefined,<1> is kern.alert,<8> is user.emerg" ? 0 : 1);
JS
node run.cjs
