// The panel: one repository with its Dockerfiles. It is a modal dialog, so that the
// browser keeps the focus in it and gives it back.

let opened = null;
let split = false;

async function openPanel(r) {
  if (!r) return;
  opened = r;
  const box = $("panel");
  try {
    const d = await detail(r);
    if (opened !== r) return;
    box.replaceChildren(...panelParts(r, d));
    box.scrollTop = 0;
    if (!box.open) box.showModal();
    box.querySelector("#panelhead").focus({ preventScroll: true });
    writeHash(r.n);
  } catch (err) {
    trouble("The data of " + oneLine(r.n) + " can't be unpacked: " + err.message);
  }
}

function closePanel() {
  if ($("panel").open) $("panel").close();
}

function buildPanel() {
  const box = $("panel");
  box.addEventListener("close", () => {
    opened = null;
    box.replaceChildren();
    writeHash();
    $("table").focus({ preventScroll: true });
  });
  box.addEventListener("click", (e) => { if (e.target === box) closePanel(); });
}

function step(by) {
  const i = shown.indexOf(opened) + by;
  if (i < 0 || i >= shown.length) return;
  table.move(i);
  openPanel(shown[i]);
}

function panelParts(r, d) {
  const at = shown.indexOf(r);
  const button = (text, label, on, off) => el("button", { type: "button", class: "quiet", "aria-label": label, text: text, onclick: on, disabled: off });
  const bar = el("div", { class: "panelbar" },
    button("←", "Previous repository", () => step(-1), at <= 0), button("→", "Next repository", () => step(1), at < 0 || at >= shown.length - 1),
    el("span", { class: "dim grow", text: at < 0 ? "" : number(at + 1) + " of " + number(shown.length) }), button("Close", "Close", closePanel));
  const files = d.files || [];
  return [bar, el("h2", { id: "panelhead", tabindex: "-1", text: oneLine(d.name) }), summary(d), notes(d), ...files.map((f, i) => fileParts(f, (d.facts || [])[i])),
    files.length === 0 && !d.reason && el("p", { class: "dim", text: "No Dockerfile." })].filter(Boolean);
}

function summary(d) {
  const pull = d.pull && (d.pull.url ? [d.pull.did + ": ", link(d.pull.url)] : [d.pull.did]);
  const facts = [
    ["Status", [el("span", { class: "badge s-" + (STATUSES.includes(d.status) ? d.status : "skipped"), text: d.status })]],
    ["Reason", d.reason && [d.reason]],
    ["Source", [link(d.web || d.source, oneLine(d.web || d.source || "–"))]],
    ["Commit", d.commit && [el("code", { text: d.commit.slice(0, 12) }), d.base ? " on " + oneLine(d.base) : ""]],
    ["Language", d.language && [d.language]],
    ["Topics", (d.topics || []).length && [d.topics.join(", ")]],
    ["Branch", d.head && [oneLine(d.head), d.push ? " (" + oneLine(d.push) + ")" : ""]],
    ["Patch", d.patch && [el("code", { text: oneLine(d.patch) })]],
    ["Pull request", pull],
  ];
  return el("dl", { class: "facts" }, facts.filter((f) => f[1]).map(([k, v]) => el("div", {}, el("dt", { text: k }), el("dd", {}, v))));
}

const notes = (d) => ((d.notes || []).length ? el("ul", { class: "notes" }, d.notes.map((n) => el("li", { text: n }))) : null);

function fileParts(f, facts) {
  const groups = [
    ["applied", "Changes", f.outcomes.filter((o) => o.status === "applied").map(outcome)],
    ["offered", "Wait for --unsafe", f.outcomes.filter((o) => o.status === "offered").map(outcome)],
    ["unproven", "Left out, not proven", f.outcomes.filter((o) => o.status === "unproven").map(outcome)],
    ["dropped", "Left out, a defect of drydock", f.outcomes.filter((o) => o.status === "dropped").map(outcome)],
    ["finding", "Findings", f.findings.map((x) => entry(x.check, x.line, x.message, [["what to do", x.hint]]))],
    ["declined", "Left alone", f.declined.map((x) => entry(x.transform, x.line, x.reason, []))],
  ];
  const empty = !f.error && groups.every((g) => g[2].length === 0);
  return el("section", { class: "file" },
    el("h3", {}, el("span", { class: "path", text: oneLine(f.path) }), f.context && f.context !== "." && el("span", { class: "dim", text: " context " + oneLine(f.context) })),
    f.error && el("p", { class: "trouble", text: [f.error.line && "line " + f.error.line, f.error.message, f.error.hint].filter(Boolean).join(": ") }),
    facts && facts.before && facts.before.stages ? shapes(facts) : null,
    f.proof && proof(f.proof),
    groups.slice(0, 1).map(group),
    f.diff ? diffParts(f) : null,
    groups.slice(1).map(group),
    empty && el("p", { class: "dim", text: "Nothing to say about it." }));
}

const group = ([kind, title, list]) => (list.length ? el("div", { class: "group " + kind }, el("h4", { text: title + " (" + list.length + ")" }), el("ul", {}, list)) : null);

const outcome = (o) => entry(o.transform, o.line, o.title + (o.file ? " (" + oneLine(o.file) + ")" : ""),
  [["why", o.why], ...(o.plan || []).map((p) => ["plan", p]), ["brings", o.gain], ["assumes", o.assumes], ["because", o.gate]]);

function entry(name, line, text, details) {
  return el("li", {}, el("span", { class: "tag", text: name }), el("span", { class: "what", text: text }), line ? el("span", { class: "dim", text: " line " + line }) : null,
    details.filter((d) => d[1]).map(([k, v]) => el("p", { class: "detail d-" + k }, el("span", { class: "dim", text: k + ": " }), v)));
}

function shapes(f) {
  const b = f.before, a = f.after;
  const cells = [["Base", b.final || "–", a.final || "–"], ["User", b.user || "the base’s", a.user || "the base’s"], ["Stages", b.stages, a.stages], ["Layers", b.layers, a.layers],
    ["Size", b.size ? bytes(b.size) : "–", a.size ? bytes(a.size) : "–"]];
  const how = b.size || a.size ? (b.measured && a.measured ? "Sizes are measured." : "Sizes are those of the base image, compressed.") : "";
  return el("div", {}, el("table", { class: "shape" }, el("caption", { class: "unseen", text: "What it makes, before and after" }),
    el("thead", {}, el("tr", {}, el("td", {}), el("th", { scope: "col", text: "before" }), el("th", { scope: "col", text: "after" }))),
    el("tbody", {}, cells.map(([k, x, y]) => el("tr", {}, el("th", { scope: "row", text: k }), el("td", { text: oneLine(x) }), el("td", { class: String(x) === String(y) ? "dim" : "differs", text: oneLine(y) }))))),
  how && el("p", { class: "dim note", text: how }));
}

function proof(p) {
  const breaks = p.breaks || [];
  if (breaks.length === 0) return el("p", { class: "proof", text: "Proven: " + (p.verdict || "same") });
  return el("div", { class: "group unproven" }, el("h4", { text: "Not proven" }), el("ul", {}, breaks.map((b) => el("li", {}, el("span", { class: "tag", text: b.class }), el("span", { text: b.message })))));
}

function diffParts(f) {
  const place = el("div", { class: "diffs" });
  const draw = () => place.replaceChildren(...parseDiff(f.diff).map((file) => el("div", { class: "diffbox" }, el("p", { class: "diffname", text: file.name }),
    el("div", { class: "diffscroll", tabindex: "0", role: "region", "aria-label": "Changes of " + oneLine(file.name) }, drawDiff(file, split)))));
  const choice = (text, value) => el("button", { type: "button", class: "quiet", text: text, "aria-pressed": String(split === value), onclick: (e) => {
    split = value;
    for (const b of e.currentTarget.parentNode.querySelectorAll("[aria-pressed]")) b.setAttribute("aria-pressed", String(b === e.currentTarget));
    draw();
  } });
  draw();
  return el("div", { class: "patch" }, el("div", { class: "patchbar" }, el("h4", { text: "Patch" }), el("span", { class: "grow" }), el("span", { class: "choice", role: "group", "aria-label": "How the patch is shown" }, choice("Unified", false), choice("Side by side", true)), copier("Copy patch", () => f.diff)), place);
}
