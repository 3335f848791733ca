// The rows: what the table, the filters and the charts need of a repository.

const ELSEWHERE = "The CSV and JSON reports of the same run hold the same.";
const STATUSES = ["changed", "unchanged", "skipped", "failed"];
let haveLanguage = false, haveSizes = false, haveFound = false;

// prepare adds what filters and sorting need.
function prepare(r, i) {
  r.at = i;
  r.t = r.t || {};
  r.k = r.k || {};
  r.d = r.d || [];
  r.l = r.l || "";
  r.applied = Object.values(r.t).reduce((a, b) => a + b, 0);
  r.found = Object.values(r.k).reduce((a, b) => a + b, 0);
  r.before = r.after = 0;
  r.sized = false;
  for (const d of r.d) {
    if (d.z[0] > 0) {
      r.before += d.z[0];
      r.after += d.z[1];
      r.sized = true;
    }
  }
  r.saving = r.before - r.after;
  r.bases = [...new Set(r.d.map((d) => d.b[0]).filter(Boolean))];
  r.users = [...new Set(r.d.map((d) => d.u[1]))];
  r.text = [r.n, r.l, r.s, r.r || "", ...r.d.flatMap((d) => d.b), ...Object.keys(r.t), ...Object.keys(r.k)].join("\n").toLowerCase();
  haveLanguage ||= r.l !== "";
  haveSizes ||= r.sized;
  haveFound ||= r.found > 0;
}
