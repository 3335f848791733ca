// What the image is made of, before and after: a bar of layers each, and the chart of
// what the cache would have missed.

const LAYERS = { base: "base image", same: "the same in both", run: "RUN", copy: "COPY, ADD", workdir: "WORKDIR", other: "other" };
const BLOCKS = 24; // how many blocks of layers of unknown size fill a bar at least
const layerKind = (l) => (l.same ? "same" : l.kind === "add" ? "copy" : l.kind in LAYERS ? l.kind : "other");

function imageParts(x) {
  const size = (i) => i.layers.reduce((n, l) => n + (l.size || 0), 0);
  const top = Math.max(x.measured ? 1 : BLOCKS, ...[x.before, x.after].map((i) => (x.measured ? size(i) : i.layers.length)));
  const used = new Set([...x.before.layers, ...x.after.layers].map(layerKind));
  const told = (i) => [
    x.measured && bytes(i.size), plural(i.layers.length - (x.measured ? 0 : i.layers.filter((l) => l.kind === "base").length), "layer") + (x.measured || !i.base || i.base === "scratch" ? "" : " on " + oneLine(i.base)),
    !x.measured && i.baseSize && "base about " + bytes(i.baseSize), i.left && number(i.left) + " left in build stages", i.user ? "user " + oneLine(i.user) : "",
  ].filter(Boolean).join(" · ");
  const row = (name, i) => el("div", { class: "barrow" }, el("span", { class: "barname", text: name }), layerBar(name, i, x.measured, top, told(i)), el("span", { class: "barnote", text: told(i) }));
  const brief = x.measured ? "as built" : "one block each: nothing was built, so sizes aren’t known";
  const how = x.measured ? "Sizes are compressed, as a registry stores them; each image was built." : "One block per instruction that makes a layer, all of one width." +
    (x.before.baseSize || x.after.baseSize ? " Sizes of bases are the catalogue’s, compressed." : "");
  return el("section", { class: "image" + (x.measured ? "" : " blocks") }, el("h3", {}, "Layers ", el("span", { class: "dim brief", text: brief })), row("before", x.before), row("after", x.after),
    el("p", { class: "legend dim" }, Object.keys(LAYERS).filter((k) => used.has(k)).map((k) => el("span", {}, svg("svg", { class: "swatch", "aria-hidden": "true" }, svg("rect", { class: "l-" + k, width: "100%", height: "100%", rx: 2 })), LAYERS[k]))),
    el("details", { class: "layerlist" }, el("summary", { text: "Each layer" }), el("p", { class: "dim note", text: how }), el("div", { class: "layercols" }, layerList("before", x.before, x.measured), layerList("after", x.after, x.measured))));
}

function layerBar(name, image, measured, top, told) {
  const s = svg("svg", { class: "layers", role: "img", "aria-label": name + ": " + visible(told) });
  const share = (l) => (measured ? l.size || 0 : 1) / top;
  const more = image.layers.slice(LISTED); // which are one block together
  let at = 0;
  for (const l of [...image.layers.slice(0, LISTED), ...(more.length ? [{ kind: "other", text: "and " + number(more.length) + " more", share: more.reduce((n, l) => n + share(l), 0) }] : [])]) {
    const w = l.share || share(l);
    const r = svg("rect", { class: "l-" + layerKind(l), x: (100 * at).toFixed(3) + "%", width: Math.max(w > 0 ? 0.15 : 0, 100 * w).toFixed(3) + "%", height: "100%" });
    const t = svg("title", {});
    t.textContent = visible(l.text) + (measured && !l.share ? "\n" + bytes(l.size || 0) : "");
    r.append(t);
    s.append(r);
    at += w;
  }
  return s;
}

const LISTED = 400;
function layerList(name, image, measured) {
  return el("table", { class: "layertable" }, el("caption", { text: name }), el("thead", {}, el("tr", {}, el("th", { scope: "col", text: measured ? "size" : "line" }), el("th", { scope: "col", text: "made by" }))),
    el("tbody", {}, image.layers.slice(0, LISTED).map((l) => el("tr", {}, el("td", { class: "num", text: measured ? bytes(l.size || 0) : l.line || "" }), el("td", {}, el("code", { text: l.text }), l.same && el("small", { class: "dim", text: " same in both" })))),
      image.layers.length > LISTED && el("tr", {}, el("td", {}), el("td", { text: "and " + number(image.layers.length - LISTED) + " more" }))));
}

// replayParts is the chart that drydock replay draws, in the page's colours.
function replayParts(d) {
  const r = d.replay;
  const parts = [el("h3", { text: "Cache, by git history" }), r.summary && el("p", { text: r.summary })];
  if (d.chart) {
    const image = new DOMParser().parseFromString(d.chart, "image/svg+xml").documentElement;
    if (image.nodeName === "svg") {
      image.setAttribute("class", "replay");
      parts.push(el("div", { class: "chartscroll" }, document.importNode(image, true)));
    }
  }
  const per = (s) => s && s.seconds_per_commit !== undefined && (s.estimated ? "about " : "") + s.seconds_per_commit.toFixed(s.seconds_per_commit < 10 ? 1 : 0) + " s";
  if (per(r.before) && per(r.after)) parts.push(el("p", { class: "dim note", text: "A rebuild took " + per(r.before) + " per commit on average, and takes " + per(r.after) + "; " + plural(r.commits, "commit") + " replayed." }));
  for (const n of r.notes || []) parts.push(el("p", { class: "dim note", text: n }));
  return el("section", { class: "cache" }, parts.filter(Boolean));
}

// proofParts tells what was built and run.
function proofParts(p, verdict) {
  const did = { proven: "Proven: built and run, before and after. It " + p.after.did + ", as before.", unseen: "Built and compared, and alike; not seen at work" + (p.after.did ? ": it " + p.after.did : "") + ".",
    broken: "Broken: before it " + (p.before.did || "ran") + (p.after.did ? ", now it " + p.after.did : "") + "." }[verdict];
  const cell = (f) => [bytes(f.compressed), bytes(f.size), bytes(f.wasted), number(f.layers), f.user || "root", f.buildSeconds.toFixed(1) + " s, " + f.cachedSteps + " of " + f.steps + " steps cached", f.did || "–",
    f.run ? [f.run.listens && f.run.listens.length ? "listens on " + f.run.listens.join(", ") : "", "uid " + f.run.uid, f.run.stopMs >= 0 && !f.run.exited ? "stops in " + f.run.stopMs + " ms" : ""].filter(Boolean).join("; ") : "–"];
  const names = ["compressed", "uncompressed", "overwritten or deleted", "layers", "user", "build", "the program", "seen"];
  const b = cell(p.before), a = cell(p.after);
  const list = (all, kind) => all.map((x) => el("li", { class: kind }, el("span", { class: "tag", text: x.class }), el("span", { text: x.message }), x.detail && el("pre", { text: x.detail })));
  return el("section", { class: "proofbox v-" + verdict }, el("h3", { text: "Proof" }), el("p", { class: "proof", text: did + (p.cached ? " (Proven earlier.)" : "") }),
    (p.breaks || []).length > 0 && el("ul", { class: "breaks" }, list(p.breaks, "break")),
    el("details", {}, el("summary", { text: "What was built and run" }),
      el("table", { class: "shape" }, el("caption", { class: "unseen", text: "Both images" }), el("thead", {}, el("tr", {}, el("td", {}), el("th", { scope: "col", text: "before" }), el("th", { scope: "col", text: "after" }))),
        el("tbody", {}, names.map((n, i) => el("tr", {}, el("th", { scope: "row", text: n }), el("td", { text: oneLine(b[i]) }), el("td", { class: b[i] === a[i] ? "dim" : "differs", text: oneLine(a[i]) }))))),
      (p.remarks || []).length > 0 && el("ul", { class: "remarks" }, list(p.remarks, "remark"))));
}
