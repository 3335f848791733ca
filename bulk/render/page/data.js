// The data: blocks of gzip in base64. Rows are unpacked at the start, details when
// a repository is opened.

const STATUSES = ["changed", "unchanged", "skipped", "failed"];
const blockText = { meta: [], rows: [], details: [] };
let meta = {};
let rows = [];
let haveLanguage = false, haveSizes = false, haveFound = false;

function collect() {
  for (const e of document.querySelectorAll('script[type="application/x-drydock"]')) {
    blockText[e.dataset.kind].push(e.textContent);
    e.remove();
  }
}

async function unpack(text) {
  const raw = atob(text);
  const buffer = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) buffer[i] = raw.charCodeAt(i);
  const stream = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

async function load() {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("This browser can't unpack the data of the page: it takes Chrome or Edge 80, Firefox 113, Safari 16.4 or newer. The CSV and JSON reports of the same run hold the same.");
  }
  collect();
  meta = await unpack(blockText.meta[0]);
  for (const text of blockText.rows) for (const r of await unpack(text)) rows.push(r);
  blockText.rows = [];
  rows.forEach(prepare);
}

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

// detail is the whole result of a row. The last blocks stay unpacked.
const unpacked = new Map();
async function detail(r) {
  let block = unpacked.get(r.b);
  if (!block) {
    block = await unpack(blockText.details[r.b]);
    unpacked.set(r.b, block);
    if (unpacked.size > 8) unpacked.delete(unpacked.keys().next().value);
  }
  return block[r.i];
}
