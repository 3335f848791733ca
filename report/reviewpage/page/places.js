// Places: where a file changes, each with a few lines around it, and the lines in
// between folded.

const AROUND = 3; // unchanged lines around a change
const NEAR = 2 * AROUND + 2; // unchanged lines between two changes that aren't worth folding
const PLACES = 150; // of a patch that are drawn at once

const linesOf = (text) => (text === "" ? [] : text.split(/(?<=\n)/));

// Sides holds both versions of a patch, line by line.
class Sides {
  constructor(p) {
    this.patch = p;
    this.old = linesOf(p.before);
    this.now = [];
    let at = 0;
    for (const h of p.hunks) {
      for (; at < h.line - 1; at++) this.now.push(this.old[at]);
      this.now.push(...h.new);
      at += h.old;
    }
    for (; at < this.old.length; at++) this.now.push(this.old[at]);
    this.oldColours = colours(this.old, p.ignore);
    this.nowColours = colours(this.now, p.ignore);
  }

  // line i of the old text (from 0) that stays, with its number in the new one.
  same(i, shift) { return this.make(" ", this.old[i], i + 1, i + 1 + shift, () => this.oldColours(clean(this.old[i]), i)); }
  gone(i) { return this.make("-", this.old[i], i + 1, 0, () => this.oldColours(clean(this.old[i]), i)); }
  come(i) { return this.make("+", this.now[i], 0, i + 1, () => this.nowColours(clean(this.now[i]), i)); }
  make(op, raw, o, n, tokens) {
    const l = { op, text: clean(raw), o, n, tokens };
    return raw.endsWith("\n") ? [l] : [l, { op: "\\", text: "no line break at the end" }];
  }

  // stays are the unchanged lines from up to to.
  stays(from, to, shift) {
    const out = [];
    for (let i = from; i < to; i++) out.push(...this.same(i, shift));
    return out;
  }

  // change are the lines of hunk k: what goes, what comes.
  change(k) {
    const h = this.patch.hunks[k], out = [];
    for (let i = 0; i < h.old; i++) out.push(...this.gone(h.line - 1 + i));
    for (let i = 0; i < h.new.length; i++) out.push(...this.come(h.newLine - 1 + i));
    return out;
  }

  // frame tells how far the lines around hunk k reach: [from, to) of the old text. What
  // lies between two hunks that are near belongs to the upper one.
  frame(k) {
    const hs = this.patch.hunks, h = hs[k];
    const end = (x) => x.line - 1 + x.old;
    const above = k > 0 ? end(hs[k - 1]) : 0, below = k + 1 < hs.length ? hs[k + 1].line - 1 : this.old.length;
    const nearAbove = k > 0 && h.line - 1 - above <= NEAR, nearBelow = k + 1 < hs.length && below - end(h) <= NEAR;
    return [nearAbove ? h.line - 1 : Math.max(above, h.line - 1 - AROUND), nearBelow ? below : Math.min(below, end(h) + AROUND)];
  }

  shift(k) { const h = this.patch.hunks[k]; return h.newLine - h.line; } // of the lines above hunk k
  shiftAfter(k) { const h = this.patch.hunks[k]; return h.newLine + h.new.length - h.line - h.old; }

  // alone is hunk k as a patch of its own.
  alone(k) {
    const h = this.patch.hunks[k];
    const from = Math.max(0, h.line - 1 - AROUND), to = Math.min(this.old.length, h.line - 1 + h.old + AROUND);
    const keep = (s) => " " + s;
    const body = [...this.old.slice(from, h.line - 1).map(keep), ...this.old.slice(h.line - 1, h.line - 1 + h.old).map((s) => "-" + s),
      ...h.new.map((s) => "+" + s), ...this.old.slice(h.line - 1 + h.old, to).map(keep)];
    const range = (n) => (n === 0 ? from : from + 1) + "," + n;
    const head = this.patch.unified.slice(0, this.patch.unified.indexOf("\n@@ ") + 1);
    return head + "@@ -" + range(to - from) + " +" + range(to - from - h.old + h.new.length) + " @@\n" + body.map((s) => (s.endsWith("\n") ? s : s + "\n\\ No newline at end of file\n")).join("");
  }
}

const clean = (s) => s.replace(/\n$/, "");

// table draws lines, as many as at once, with a button for the others.
function table(name, lines, cells) {
  const body = el("tbody", {});
  const all = diffRows(lines, cells.split);
  const more = (limit) => {
    for (let n = 0; n < limit; n++) {
      const row = all.next();
      if (row.done) return;
      body.append(el("tr", {}, row.value()));
    }
    const next = all.next();
    if (next.done) return;
    const button = el("button", { type: "button", class: "bare", text: "Show more lines of this change", onclick: () => { bar.remove(); body.append(el("tr", {}, next.value())); more(DIFF_LINES); } });
    const rest = el("button", { type: "button", class: "bare", text: "Show all", onclick: () => { bar.remove(); body.append(el("tr", {}, next.value())); more(Infinity); } });
    const bar = el("tr", {}, el("td", { class: "hunk", colspan: cells.split ? 4 : 3 }, button, " ", rest));
    body.append(bar);
  };
  more(DIFF_LINES);
  const t = diffTable(name, cells.split, body);
  if (!cells.split) t.prepend(el("colgroup", {}, ["no", "no", ""].map((c) => el("col", { class: c }))));
  return t;
}

// fold stands for unchanged lines until somebody wants to see them.
function fold(sides, from, to, shift, cells) {
  if (to <= from) return null;
  const n = to - from;
  const button = el("button", { type: "button", class: "fold", text: "⋯ " + plural(n, "unchanged line") , "aria-label": "Show " + plural(n, "unchanged line"), onclick: () => {
    const end = Math.min(to, from + DIFF_LINES);
    button.replaceWith(...[el("div", { class: "between" }, table(sides.patch.path, sides.stays(from, end, shift), cells)), fold(sides, end, to, shift, cells)].filter(Boolean));
  } });
  return button;
}

// drawPatch draws the places of a patch. reasons(k) are the cards beside place k.
function drawPatch(p, cells, mark, reasons) {
  const sides = new Sides(p);
  const out = [];
  const one = (k) => {
    const h = p.hunks[k], [from, to] = sides.frame(k);
    const above = k > 0 ? sides.frame(k - 1)[1] : 0;
    out.push(fold(sides, above, from, sides.shift(k), cells));
    const lines = [...sides.stays(from, h.line - 1, sides.shift(k)), ...sides.change(k), ...sides.stays(h.line - 1 + h.old, to, sides.shiftAfter(k))];
    const span = (at, n) => (n > 1 ? "lines " + at + "–" + (at + n - 1) : "line " + at);
    const where = h.old ? span(h.line, h.old) : "new " + span(h.newLine, h.new.length);
    out.push(el("div", { class: "place", id: mark(k), tabindex: "-1", role: "group", "aria-label": "Change " + (k + 1) + " of " + p.hunks.length + ", " + where },
      el("div", { class: "why" }, el("p", { class: "at dim" }, el("span", { class: "grow", text: where }), !p.inexact && copier("Copy", () => sides.alone(k), { class: "bare small", "aria-label": "Copy this change, " + where })), reasons(k)),
      el("div", { class: "lines" }, table(p.path, lines, cells))));
  };
  const some = (from, box) => {
    out.length = 0;
    const end = Math.min(p.hunks.length, from + PLACES);
    for (let k = from; k < end; k++) one(k);
    if (end < p.hunks.length) {
      const button = el("button", { type: "button", class: "fold", text: "Show " + plural(p.hunks.length - end, "more change"), onclick: () => { button.remove(); some(end, box); } });
      out.push(button);
    } else if (end > 0) {
      out.push(fold(sides, sides.frame(end - 1)[1], sides.old.length, sides.shiftAfter(end - 1), cells));
    }
    box.append(...out.filter(Boolean));
    return box;
  };
  const box = some(0, el("div", { class: "places" }));
  box.addEventListener("toggle", () => later(box), true);
  resized.observe(box);
  return box;
}

// Where there is room the reasons stand in a margin beside the lines, each as high as
// its place, or below the one before it when that needs the room.
const resized = new ResizeObserver((all) => { for (const e of all) later(e.target); });
const waiting = new Set();
function later(box) {
  if (waiting.size === 0) requestAnimationFrame(() => { const all = [...waiting]; waiting.clear(); all.forEach(arrange); });
  waiting.add(box);
}

function arrange(box) {
  const beside = getComputedStyle(box).getPropertyValue("--beside").trim() === "1";
  const all = [...box.children].filter((e) => e.classList.contains("place")).map((e) => ({ why: e.firstChild, top: e.offsetTop, height: e.firstChild.offsetHeight }));
  let free = 0;
  for (const x of all) {
    const top = Math.max(x.top, free);
    x.why.style.top = beside ? top + "px" : "";
    free = top + x.height;
  }
  box.style.minHeight = beside ? free + "px" : "";
}
