// The data: blocks of gzip in base64. Rows are unpacked at the start, details when
// a repository is opened.

const blockText = { meta: [], rows: [], details: [] };
let meta = {};
let rows = [];

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

// load fills meta and rows; ELSEWHERE is the page's word about who else holds its data.
async function load() {
  if (typeof DecompressionStream === "undefined") {
    throw new Error("This browser can't unpack the data of the page: it takes Chrome or Edge 80, Firefox 113, Safari 16.4 or newer. " + ELSEWHERE);
  }
  collect();
  meta = await unpack(blockText.meta[0]);
  for (const text of blockText.rows) for (const r of await unpack(text)) rows.push(r);
  blockText.rows = [];
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
