// Totals and charts of the rows that are shown. A bar is an SVG rectangle in
// percent, so that nothing has to be measured; a row that filters is a button.

const CHART_ROWS = 8;

function drawTotals() {
  const kinds = new Set();
  const t = { files: 0, changed: 0, filesChanged: 0, found: 0, applied: 0, offered: 0, before: 0, after: 0, failed: 0, measured: 0, sized: 0 };
  for (const r of shown) {
    t.files += r.f;
    t.filesChanged += r.c;
    t.changed += r.s === "changed" ? 1 : 0;
    t.failed += r.s === "failed" ? 1 : 0;
    t.found += r.found;
    for (const k in r.k) kinds.add(k);
    t.applied += r.applied;
    t.offered += r.o || 0;
    t.before += r.before;
    t.after += r.after;
    for (const d of r.d) if (d.z[0] > 0) { t.sized++; if (d.m) t.measured++; }
  }
  const tile = (value, label, note) => el("div", { class: "tile" }, el("b", { text: value }), el("span", { text: label }), el("small", { class: "dim", text: note || "" }));
  const tiles = [
    tile(number(shown.length), shown.length === 1 ? "repository" : "repositories", t.failed ? number(t.failed) + " failed" : number(t.files) + " Dockerfiles"),
    tile(number(t.changed), "changed", shown.length ? Math.round((100 * t.changed) / shown.length) + " % of them" : ""),
    tile(number(t.applied), "changes", t.offered ? number(t.offered) + " more wait" : "in " + plural(t.filesChanged, "Dockerfile")),
    tile(number(t.found), "findings", kinds.size ? "of " + plural(kinds.size, "kind") : ""),
  ];
  if (t.sized) {
    const saved = t.before - t.after;
    tiles.push(tile(bytes(saved), saved < 0 ? "larger" : "smaller", bytes(t.before) + " → " + bytes(t.after)));
  }
  $("tiles").replaceChildren(...tiles);
}

function bar(share, kind) {
  return svg("svg", { class: "bar", "aria-hidden": "true", focusable: "false" },
    svg("rect", { class: "track", width: "100%", height: "100%", rx: 2 }),
    svg("rect", { class: kind, width: Math.max(share > 0 ? 0.6 : 0, 100 * share).toFixed(2) + "%", height: "100%", rx: 2 }));
}

// chart is a box with a title and rows, "" without rows.
function chart(title, note, lines, pairs) {
  if (lines.length === 0) return null;
  return el("section", { class: "chart" + (pairs ? " pairs" : "") }, el("h3", { text: title }), note && el("p", { class: "dim note", text: note }), el("ul", {}, lines.map((l) => el("li", {}, l))));
}

// line is a row; key and value are the filter that a click sets.
function line(label, numbers, bars, key, value) {
  const inside = [el("span", { class: "label", text: label, title: label }), el("span", { class: "bars" }, bars), el("span", { class: "value", text: numbers })];
  if (!key) return el("div", { class: "line" }, inside);
  const on = wanted[key] === value;
  return el("button", { type: "button", class: "line" + (on ? " on" : ""), "aria-pressed": String(on), "data-filter": key + "=" + value, onclick: () => {
    set({ [key]: on ? "" : value });
    // The chart is drawn anew: keep the place of whoever uses the keyboard.
    setTimeout(() => [...document.querySelectorAll(".line")].find((x) => x.dataset.filter === key + "=" + value)?.focus({ preventScroll: true }), 140);
  } }, inside);
}

function counted(counts, kind, key) {
  const all = byCount(counts), top = all.length ? all[0][1] : 0;
  const lines = all.slice(0, CHART_ROWS).map(([name, n]) => line(name, number(n), [bar(n / top, kind)], key, name));
  return { lines, rest: all.length > CHART_ROWS ? "and " + (all.length - CHART_ROWS) + " more kinds" : "" };
}

// paired draws before above after.
function paired(pairs, key, valueOf, show = number) {
  const top = Math.max(1, ...pairs.flatMap((p) => [p[1], p[2]]));
  return pairs.map(([name, before, after]) => line(name, show(before) + " → " + show(after), [bar(before / top, "was"), bar(after / top, "is")], key, key && valueOf(name)));
}

const SIZES = [[0, "under 10 MB"], [10e6, "10 to 50 MB"], [50e6, "50 to 100 MB"], [100e6, "100 to 250 MB"], [250e6, "250 to 500 MB"], [500e6, "500 MB to 1 GB"], [1e9, "over 1 GB"]];
const sizeClass = (n) => SIZES.findLastIndex((s) => n >= s[0]);

function drawCharts() {
  if (!$("chartbox").open) return;
  const statuses = new Map(), found = new Map(), applied = new Map(), bases = new Map();
  const tags = meta.tags.map((t) => [t, 0, 0]), users = meta.users.map((t) => [t, 0, 0]), sizes = SIZES.map((s) => [s[1], 0, 0]);
  let sized = 0, measured = 0;
  for (const r of shown) {
    add(statuses, r.s, 1);
    for (const [k, n] of Object.entries(r.k)) add(found, k, n);
    for (const [k, n] of Object.entries(r.t)) add(applied, k, n);
    for (const d of r.d) {
      for (const side of [0, 1]) {
        const name = d.b[side] || "not clear";
        if (!bases.has(name)) bases.set(name, [name, 0, 0]);
        bases.get(name)[1 + side]++;
        if (tags[d.t[side]]) tags[d.t[side]][1 + side]++;
        if (users[d.u[side]]) users[d.u[side]][1 + side]++;
        if (d.z[0] > 0) sizes[sizeClass(d.z[side])][1 + side]++;
      }
      if (d.z[0] > 0) { sized++; if (d.m) measured++; }
    }
  }
  const used = (p) => p[1] + p[2] > 0;
  const topBases = [...bases.values()].sort((a, b) => Math.max(b[1], b[2]) - Math.max(a[1], a[2]) || (a[0] < b[0] ? -1 : 1));
  const knownBases = new Set(shown.flatMap((r) => r.bases));
  const f = counted(found, "warn", "finding"), a = counted(applied, "is", "change");
  const status = STATUSES.filter((s) => statuses.has(s)).map((s) => line(s, number(statuses.get(s)), [bar(statuses.get(s) / shown.length, "s-" + s)], "status", s));
  const baseLines = paired(topBases.slice(0, CHART_ROWS), "", () => "");
  topBases.slice(0, CHART_ROWS).forEach(([name, b, n], i) => {
    if (knownBases.has(name)) baseLines[i] = line(name, number(b) + " → " + number(n), [...baseLines[i].querySelectorAll("svg")], "base", name);
  });
  const how = measured === sized ? "measured" : measured ? plural(measured, "image") + " measured, the rest that of the base image" : "those of the base images, compressed";
  $("charts").replaceChildren(...[
    chart("Status", "", status),
    chart("Changes", a.rest, a.lines),
    chart("Findings", f.rest, f.lines),
    chart("Base images", legend(topBases.length), baseLines, true),
    chart("Tags of base images", "Dockerfiles, before and after", paired(tags.filter(used), "", null), true),
    chart("Users", "Dockerfiles, before and after", paired(users.filter(used), "", null), true),
    chart("Sizes", how, paired(sizes.filter(used), "", null), true),
  ].filter(Boolean));
  $("chartnote").textContent = shown.length === rows.length ? "" : "of the " + number(shown.length) + " that match";
}

function legend(n) {
  return "Dockerfiles, before and after" + (n > CHART_ROWS ? "; " + (n - CHART_ROWS) + " more" : "");
}
