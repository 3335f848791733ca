// The files: rows with what the page needs from its start on, totals, and the list
// to walk by.

const ELSEWHERE = "drydock diff prints the same as a patch.";
const VERDICTS = { proven: "proven", unseen: "not seen at work", broken: "broken" };

// prepare fills in what the data leave out. Quiet files have nothing to review.
function prepare(r, i) {
  r.at = i;
  for (const k of ["s", "a", "o", "x", "f", "d", "h", "n", "m"]) r[k] = r[k] || 0;
  r.quiet = !(r.h || r.o || r.x || r.f || r.e || r.v || r.t);
  r.text = r.p.toLowerCase();
}

function drawTiles() {
  const t = meta.total, own = meta.verb === "verify"; // whose change is the reader's own
  const tile = (value, label, note, kind) => el("div", { class: "tile " + (kind || "") }, el("b", { text: value }), el("span", { text: label }), el("small", { class: "dim", text: note || "" }));
  const changes = t.safe + t.assumes;
  const tiles = [
    tile(number(t.files), t.files === 1 ? "file" : "files", [!own && number(t.changed) + " changed", t.failed && number(t.failed) + " failed"].filter(Boolean).join(", ")),
    !own && tile(number(changes), changes === 1 ? "change" : "changes", changes ? number(t.safe) + " safe, " + number(t.assumes) + (t.assumes === 1 ? " assumes" : " assume") + " something" : t.offered ? "" : "nothing to change"),
  ].filter(Boolean);
  if (t.offered) tiles.push(tile(number(t.offered), "more", "wait for --unsafe"));
  if (!own) tiles.push(tile(number(t.findings), t.findings === 1 ? "finding" : "findings", t.findings ? "without a fix" : ""));
  const built = t.proven + t.unseen + t.broken;
  if (built) tiles.push(tile(number(t.proven) + " of " + number(built), "proven", [t.broken && number(t.broken) + " broken", t.unseen && number(t.unseen) + " not seen at work"].filter(Boolean).join(", ") || "built and run, before and after", t.broken ? "bad" : "good"));
  if (t.before && t.after) tiles.push(tile(bytes(t.before) + " → " + bytes(t.after), "", "compressed, measured" + (t.after < t.before ? ": " + (t.before / t.after).toFixed(1) + "× smaller" : "")));
  $("tiles").replaceChildren(...tiles);
}

const changed = (r) => [r.n ? el("span", { class: "added", text: "+" + number(r.n) }) : null, r.m ? el("span", { class: "removed", text: "−" + number(r.m) }) : null];

// badges tell in words what colour tells too.
function badges(r) {
  return [
    r.e && el("span", { class: "badge s-failed", text: "failed" }),
    r.v && el("span", { class: "badge " + { proven: "s-changed", unseen: "s-skipped", broken: "s-failed" }[r.v], text: VERDICTS[r.v] }),
    r.s > 0 && el("span", { class: "badge s-changed", text: number(r.s) + " safe" }),
    r.a > 0 && el("span", { class: "badge s-skipped", text: number(r.a) + (r.a === 1 ? " assumes" : " assume") }),
    r.o > 0 && el("span", { class: "badge s-unchanged", text: number(r.o) + (r.o === 1 ? " waits" : " wait") }),
    r.x > 0 && el("span", { class: "badge s-failed", text: number(r.x) + " left out" }),
    r.f > 0 && el("span", { class: "badge s-skipped", text: plural(r.f, "finding") }),
  ];
}

function buildNav() {
  const list = rows.filter((r) => !r.quiet);
  $("frame").classList.toggle("alone", list.length < 2);
  $("nav").hidden = list.length < 2;
  if ($("nav").hidden) return;
  const common = commonFolder(list.map((r) => r.p));
  if (common) $("navlist").before(el("p", { class: "navcommon dim", text: oneLine(common) }));
  $("navlist").append(...list.map((r) => {
    r.entry = el("a", { href: "#f" + r.at, onclick: (e) => { e.preventDefault(); toFile(r); if (phone.matches) $("navbox").open = false; } },
      el("span", { class: "navpath", text: oneLine(r.p.slice(common.length)) }), el("span", { class: "navnote" }, r.e && el("span", { class: "removed", text: "failed" }), changed(r),
        r.f > 0 && el("span", { class: "navfound", text: plural(r.f, "finding") }), el("span", { class: "navdone", text: "" })));
    return el("li", {}, r.entry);
  }));
  $("searchbox").hidden = list.length < 8;
  $("search").addEventListener("input", () => {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const r of list) r.entry.parentNode.hidden = !words.every((w) => r.text.includes(w));
  });
  $("search").addEventListener("keydown", (e) => {
    if (e.key === "Enter") {
      const first = list.find((r) => !r.entry.parentNode.hidden);
      if (first) toFile(first);
    } else if (e.key === "Escape") $("search").blur();
  });
  showProgress();
}

// commonFolder is the folder that all paths begin with, with its slash.
function commonFolder(paths) {
  let common = paths[0].slice(0, paths[0].lastIndexOf("/") + 1);
  for (const p of paths) while (!p.startsWith(common)) common = common.slice(0, common.lastIndexOf("/", common.length - 2) + 1);
  return common === "/" ? "" : common;
}

function showProgress() {
  const list = rows.filter((r) => !r.quiet), done = list.filter((r) => r.reviewed).length;
  $("progress").textContent = number(list.length) + (done ? ", " + number(done) + " reviewed" : "");
}
