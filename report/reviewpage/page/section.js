// One file: its head stands there from the start, its body is drawn when it comes near
// the window.

let split = innerWidth >= 1500; // side by side is wanted
const phone = matchMedia("(max-width: 700px)");
const cellsNow = () => ({ split: split && !phone.matches });

function buildSection(r) {
  r.body = el("div", { class: "body" });
  r.body.style.minHeight = Math.min(20000, 120 + 20 * (r.n + r.m + 6 * r.h) + 70 * (r.s + r.a)) + "px";
  const tick = el("input", { type: "checkbox", onchange: () => review(r, tick.checked) });
  r.tick = tick;
  r.head = el("div", { class: "filehead" },
    el("h2", { id: "n" + r.at, tabindex: "-1" }, el("span", { class: "path", text: oneLine(r.p) })),
    el("span", { class: "counts" }, changed(r)), el("span", { class: "badges" }, badges(r)), el("span", { class: "grow" }),
    (r.tools = el("span", { class: "filetools" })), !r.quiet && el("label", { class: "reviewed" }, tick, " Reviewed"));
  r.section = el("section", { class: "file card", id: "f" + r.at, "aria-labelledby": "n" + r.at, "data-at": r.at }, r.head, r.body);
  return r.section;
}

// draw fills a file's body, once; the answer waits until it stands.
function draw(r) {
  r.drawing ||= detail(r).then((d) => {
    const cells = cellsNow();
    r.section.classList.toggle("sidebyside", cells.split);
    r.body.replaceChildren(...bodyParts(r, d, cells).filter(Boolean));
    r.body.style.minHeight = "";
    r.tools.replaceChildren(...toolParts(r, d).filter(Boolean));
    near.unobserve(r.section);
  }).catch((err) => trouble("The data of " + oneLine(r.p) + " can't be unpacked: " + err.message));
  return r.drawing;
}

// undraw lets a file be drawn anew, in the same room.
function undraw(r) {
  if (!r.drawing) return;
  r.body.style.minHeight = r.body.offsetHeight + "px";
  r.drawing = null;
  near.observe(r.section);
}

function toolParts(r, d) {
  const text = d.patches.map((p) => p.unified).join("");
  if (!text) return [];
  if (d.patches.some((p) => p.inexact)) return [el("span", { class: "dim small", text: "holds bytes that are no text: drydock diff has the patch" })];
  r.copy = copier("Copy patch", () => text);
  return [r.copy, el("button", { type: "button", class: "quiet nophone", text: "Download", "aria-label": "Download the patch of " + oneLine(r.p), onclick: () => download(r.p, text) })];
}

// download hands a patch over as a file, which the page itself holds.
function download(path, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/x-diff" }));
  const a = el("a", { href: address, download: (path.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[-.]+/, "").slice(-80) || "Dockerfile") + ".patch" });
  a.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

function bodyParts(r, d, cells) {
  const told = new Map();
  let at = 0; // changes of the file so far
  const errorText = d.error && [d.error.line && "line " + d.error.line, d.error.message, d.error.hint].filter(Boolean).join(": ");
  return [
    d.error && el("p", { class: "trouble", text: errorText }),
    d.contextWhy && el("p", { class: "dim note", text: (d.context ? "Build context " + oneLine(d.context) + ": " : "No build context: ") + d.contextWhy }),
    (d.images || d.proof) && el("div", { class: "facts" }, d.images && imageParts(d.images), d.proof && proofParts(d.proof, r.v)),
    ...d.patches.map((p) => {
      const first = at;
      at += p.hunks.length;
      return el("div", { class: "diffbox" },
        (d.patches.length > 1 || p.path !== d.path) && el("h3", { class: "diffname", text: oneLine(p.path) + (p.created ? " (new file)" : "") }),
        drawPatch(p, cells, (k) => "f" + r.at + "-" + (first + k), (k) => cards(d.reasons, p.hunks[k].reasons, told, p.hunks[k].old + p.hunks[k].new.length)));
    }),
    // What no line shows, such as an instruction that moved back: still told.
    group("applied", "Further changes", d.reasons.filter((_, i) => !told.has(i) && r.h <= PLACES).map(outcome), true),
    d.replay && replayParts(d),
    group("finding", "Findings", (d.findings || []).map((x) => entry(x.check, x.line, x.message, [["hint", "what to do", x.hint]])), true),
    group("unproven", "Left out, not proven", (d.unproven || []).map(outcome), true),
    group("dropped", "Left out, a defect of drydock", (d.dropped || []).map(outcome), true),
    group("offered", "Wait for --unsafe", (d.offered || []).map(outcome), false),
    group("declined", "Left alone", (d.declined || []).map((x) => entry(x.transform, x.line, x.reason, [])), false),
    (d.notes || []).length > 0 && el("ul", { class: "notes" }, d.notes.map((n) => el("li", { text: n }))),
    !d.error && !d.patches.length && !r.f && !r.o && !r.d && !r.x && !d.proof && el("p", { class: "dim", text: "Nothing to say about it." }),
  ];
}
