// Holds SARIF logs against the published schema: node sarif.mjs LOG…
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import Draft4 from "ajv-draft-04";
import formats from "ajv-formats";

const require = createRequire(import.meta.url);
const schema = JSON.parse(readFileSync(require.resolve("@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json"), "utf8"));
const ajv = new Draft4({ strict: false, allErrors: true, unicodeRegExp: false });
formats(ajv);
const valid = ajv.compile(schema);
let failed = false;
for (const name of process.argv.slice(2)) {
  const log = JSON.parse(readFileSync(name, "utf8"));
  if (!valid(log)) {
    failed = true;
    for (const e of valid.errors.slice(0, 10)) console.log("WRONG", name, e.instancePath, e.message, JSON.stringify(e.params));
  }
  console.log(name, (log.runs[0].results || []).length, "results");
}
process.exit(failed ? 1 : 0);
