// What the browser's module makes of queries: a JSON list of them on standard input, one of terms on standard output.
import { readFileSync } from "node:fs";

import { exactTerm, term, terms, without } from "../../src/ppl/web/static/js/query.js";

const queries = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(queries.map((query) => terms(query).map((each) => ({
  ...each,
  written: (each.isExact ? exactTerm : term)(each.attribute, each.value, each.isExcluded),
  without: without(query, each),
})))));
