// The state that an address carries: #q=…&status=…&sort=name&open=NAME
const hash = {
  read: () => new URLSearchParams(location.hash.slice(1)),
  write(values) {
    const p = new URLSearchParams();
    for (const [k, v] of Object.entries(values)) if (v) p.set(k, v);
    const text = p.toString();
    if (text !== location.hash.slice(1)) history.replaceState(null, "", text ? "#" + text : location.pathname + location.search);
  },
};

// Search and filters. A filter is a select; its options are counted over all
// repositories. The state lives in `wanted`, and in the address.

const wanted = { q: "", status: "", finding: "", change: "", language: "", base: "", user: "", saving: "", sort: "name" };
let shown = []; // the rows that match, in order

const SAVINGS = { any: "some", "10": "10 MB and more", "100": "100 MB and more", half: "half and more" };

const FILTERS = [
  { key: "status", label: "Status", all: "all", values: (r) => [r.s], order: STATUSES },
  { key: "finding", label: "Finding", all: "all", values: (r) => Object.keys(r.k) },
  { key: "change", label: "Change", all: "all", values: (r) => Object.keys(r.t) },
  { key: "language", label: "Language", all: "all", values: (r) => (r.l ? [r.l] : []) },
  { key: "base", label: "Base image", all: "all", values: (r) => r.bases },
  { key: "user", label: "User after", all: "all", values: (r) => r.users.map(String), name: (v) => meta.users[v] },
  { key: "saving", label: "Saving", all: "all", values: (r) => Object.keys(SAVINGS).filter((s) => saves(r, s)), order: Object.keys(SAVINGS), name: (v) => SAVINGS[v] },
];

function saves(r, how) {
  if (!r.sized || r.saving <= 0) return false;
  switch (how) {
    case "any": return true;
    case "half": return r.saving * 2 >= r.before;
    default: return r.saving >= Number(how) * 1e6;
  }
}

const SORTS = {
  name: (a, b) => a.at - b.at,
  status: (a, b) => STATUSES.indexOf(a.s) - STATUSES.indexOf(b.s),
  language: (a, b) => (a.l < b.l ? -1 : a.l > b.l ? 1 : 0),
  files: (a, b) => a.f - b.f,
  applied: (a, b) => a.applied - b.applied,
  found: (a, b) => a.found - b.found,
  base: (a, b) => ((a.bases[0] || "\uffff") < (b.bases[0] || "\uffff") ? -1 : (a.bases[0] || "\uffff") > (b.bases[0] || "\uffff") ? 1 : 0),
  user: (a, b) => (a.users.length ? Math.min(...a.users) : 9) - (b.users.length ? Math.min(...b.users) : 9),
  after: (a, b) => (a.sized ? a.after : -1) - (b.sized ? b.after : -1),
  saving: (a, b) => (a.sized ? a.saving : -Infinity) - (b.sized ? b.saving : -Infinity) || 0,
};

function buildFilters() {
  for (const f of FILTERS) {
    const counts = new Map();
    for (const r of rows) for (const v of f.values(r)) add(counts, v, 1);
    if (counts.size === 0) continue;
    let options = byCount(counts);
    if (f.order) options.sort((a, b) => f.order.indexOf(a[0]) - f.order.indexOf(b[0]));
    f.select = el("select", { id: "filter-" + f.key, onchange: () => set({ [f.key]: f.select.value }) },
      el("option", { value: "", text: f.all }),
      options.slice(0, 500).map(([v, n]) => el("option", { value: v, text: (f.name ? f.name(v) : v) + " (" + number(n) + ")" })));
    $("selects").append(el("label", {}, el("span", { text: f.label }), f.select));
  }
  $("search").addEventListener("input", () => set({ q: $("search").value }));
  $("filters").addEventListener("submit", (e) => e.preventDefault());
  for (const id of ["clear", "clear2"]) {
    $(id).addEventListener("click", () => {
      set(Object.fromEntries(["q", ...FILTERS.map((f) => f.key)].map((k) => [k, ""])));
      $("search").focus();
    });
  }
  $("morefilters").addEventListener("click", () => {
    const open = $("morefilters").getAttribute("aria-expanded") !== "true";
    $("morefilters").setAttribute("aria-expanded", open);
    $("selects").classList.toggle("open", open);
  });
}

// firstSort is the order without another wish: what to do first stands first.
const firstSort = () => (rows.some((r) => r.sized && r.saving > 0) ? "-saving" : rows.some((r) => r.applied) ? "-applied" : "name");

function readHash() {
  const p = hash.read();
  for (const k of Object.keys(wanted)) wanted[k] = p.get(k) || "";
  if (!SORTS[wanted.sort.replace(/^-/, "")]) wanted.sort = firstSort();
}

function writeHash(open) {
  hash.write({ ...wanted, sort: wanted.sort === firstSort() ? "" : wanted.sort, open: open || "" });
}

// set changes what is wanted and shows it.
function set(changes) {
  Object.assign(wanted, changes);
  update();
}

function update() {
  if ($("search").value !== wanted.q) $("search").value = wanted.q;
  for (const f of FILTERS) {
    if (!f.select) { wanted[f.key] = ""; continue; }
    f.select.value = wanted[f.key];
    if (f.select.selectedIndex < 0) { f.select.value = wanted[f.key] = ""; }
    f.select.classList.toggle("on", f.select.value !== "");
    f.select.title = f.select.selectedOptions[0].text;
  }
  shown = match();
  const down = wanted.sort.startsWith("-");
  const by = SORTS[wanted.sort.replace(/^-/, "")];
  shown.sort((a, b) => (down ? by(b, a) : by(a, b)) || (down ? b.applied - a.applied : 0) || a.at - b.at);
  const active = ["q", ...FILTERS.map((f) => f.key)].filter((k) => wanted[k]);
  $("clear").hidden = active.length === 0;
  const more = FILTERS.filter((f) => wanted[f.key]).length;
  $("morefilters").textContent = more ? "Filters (" + more + ")" : "Filters";
  $("none").hidden = shown.length > 0;
  $("count").textContent = active.length ? number(shown.length) + " of " + plural(rows.length, "repository", "repositories") : plural(rows.length, "repository", "repositories");
  if (rows.length === 0) $("none").textContent = "The run had no repository.";
  writeHash();
  table.reset();
  later();
}

// match gives the rows that are wanted: every word of the search somewhere, every
// filter's value among the row's.
function match() {
  const words = wanted.q.toLowerCase().split(/\s+/).filter(Boolean);
  const filters = FILTERS.filter((f) => wanted[f.key]);
  return rows.filter((r) => {
    for (const w of words) if (!r.text.includes(w)) return false;
    for (const f of filters) if (!f.values(r).includes(wanted[f.key])) return false;
    return true;
  });
}

// The charts and totals follow when typing pauses. Until they have, what is below them may still move: the body says so.
let pending = 0;
function later() {
  clearTimeout(pending);
  document.body.dataset.pending = "yes";
  pending = setTimeout(() => {
    drawTotals();
    drawCharts();
    delete document.body.dataset.pending;
  }, 120);
}
