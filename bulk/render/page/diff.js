// Diffs: a unified diff is read into hunks of lines, and drawn in one column or in
// two. Within a pair of lines, words that differ are marked.

const DIFF_LINES = 3000; // drawn at once

function parseDiff(text) {
  const files = [];
  let file = null, hunk = null, oldLeft = 0, newLeft = 0, o = 0, n = 0;
  for (const l of text.split("\n")) {
    if (oldLeft <= 0 && newLeft <= 0) {
      let m;
      if (l.startsWith("+++ ")) {
        files.push((file = { name: headerName(l.slice(4)), hunks: [] }));
      } else if (file && (m = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(l))) {
        o = Number(m[1]);
        n = Number(m[3]);
        oldLeft = m[2] === undefined ? 1 : Number(m[2]);
        newLeft = m[4] === undefined ? 1 : Number(m[4]);
        hunk = { head: l, lines: [] };
        file.hunks.push(hunk);
      } else if (l.startsWith("\\") && hunk) {
        hunk.lines.push({ op: "\\", text: "no line break at the end" });
      }
      continue;
    }
    const op = l[0] || " ";
    if (op === "\\") hunk.lines.push({ op, text: "no line break at the end" });
    else {
      hunk.lines.push({ op, text: l.slice(1), o: op === "+" ? 0 : o, n: op === "-" ? 0 : n });
      if (op !== "+") { o++; oldLeft--; }
      if (op !== "-") { n++; newLeft--; }
    }
  }
  return files;
}

function headerName(s) {
  s = s.replace(/[\r\t]+$/, "");
  return s.replace(/^"?b\//, "").replace(/"$/, "");
}

// blocks cuts a hunk into lines that stay and pairs of deleted and added lines.
function blocks(lines) {
  const out = [];
  let cur = null;
  for (const l of lines) {
    if (l.op === " ") { cur = null; out.push({ same: l }); continue; }
    if (!cur) out.push((cur = { minus: [], plus: [] }));
    if (l.op === "-") { cur.minus.push(l); cur.last = cur.minus; }
    else if (l.op === "+") { cur.plus.push(l); cur.last = cur.plus; }
    else (cur.last || cur.plus).push(l);
  }
  return out;
}

// pair gives lines of a block their counterparts: in order, those that have at
// least a third of their words in common.
function pair(b) {
  const pairs = new Map();
  let k = 0;
  for (const m of b.minus) {
    for (let j = k; j < b.plus.length && j < k + 12; j++) {
      if (likeness(m.text, b.plus[j].text) > 0.34) {
        pairs.set(m, b.plus[j]);
        pairs.set(b.plus[j], m);
        k = j + 1;
        break;
      }
    }
  }
  return pairs;
}

const words = (s) => s.match(/[\p{L}\p{N}_]+|\s+|[^\p{L}\p{N}_\s]/gu) || [];

function likeness(a, b) {
  if (a.length > 2000 || b.length > 2000) return 0;
  const bag = new Map();
  const wa = words(a).filter((w) => /\S/.test(w)), wb = words(b).filter((w) => /\S/.test(w));
  for (const w of wa) add(bag, w, w.length);
  let common = 0, all = 0;
  for (const w of wb) {
    all += w.length;
    if ((bag.get(w) || 0) >= w.length) { common += w.length; add(bag, w, -w.length); }
  }
  return (2 * common) / Math.max(1, wa.join("").length + all);
}

// marked are the words of a, true for those that b lacks: the longest common
// subsequence.
function marked(a, b) {
  const x = words(a), y = words(b);
  if (x.length * y.length > 250000) return [[a, false]];
  const w = y.length + 1, best = new Uint16Array((x.length + 1) * w);
  for (let i = x.length - 1; i >= 0; i--) {
    for (let j = y.length - 1; j >= 0; j--) {
      best[i * w + j] = x[i] === y[j] ? best[(i + 1) * w + j + 1] + 1 : Math.max(best[(i + 1) * w + j], best[i * w + j + 1]);
    }
  }
  const out = [];
  let i = 0, j = 0;
  while (i < x.length) {
    let gone = true;
    if (j < y.length && x[i] === y[j]) { gone = false; j++; }
    else if (j < y.length && best[i * w + j + 1] > best[(i + 1) * w + j]) { j++; continue; }
    const last = out[out.length - 1];
    if (last && last[1] === gone) last[0] += x[i];
    else out.push([x[i], gone]);
    i++;
  }
  return out;
}

function code(l, other) {
  const text = l.text.replace(/\r$/, "");
  if (!other) return el("code", { text: text });
  return el("code", {}, marked(text, other.text.replace(/\r$/, "")).map(([t, gone]) => (gone ? el("mark", { text: t }) : t)));
}

const KIND = { "-": "minus", "+": "plus", "\\": "meta", " ": "" };
const NAMED = { "-": "removed: ", "+": "added: " };

function codeCell(l, other) {
  return el("td", { class: "code " + KIND[l.op] }, NAMED[l.op] && el("span", { class: "unseen", text: NAMED[l.op] }), code(l, other));
}

const numberCell = (l, n) => el("td", { class: "no " + (l ? KIND[l.op] : "empty"), text: n || "" });

// one is a row of one column, half the left (o) or right (n) half of a row of two.
const one = (l, pairs) => [numberCell(l, l.o), numberCell(l, l.n), codeCell(l, pairs && pairs.get(l))];
const half = (l, pairs, side) => (l ? [numberCell(l, l[side]), codeCell(l, pairs && pairs.get(l))] : [numberCell(null), el("td", { class: "empty" })]);

// drawDiff is the table of one file.
function drawDiff(file, split, limit = DIFF_LINES) {
  const body = el("tbody", {});
  let drawn = 0, left = 0;
  const line = (...cells) => { if (drawn < limit) { drawn++; body.append(el("tr", {}, ...cells)); } else left++; };
  for (const h of file.hunks) {
    line(el("td", { class: "hunk", colspan: split ? 4 : 3, text: h.head }));
    for (const b of blocks(h.lines)) {
      if (b.same) {
        if (split) line(half(b.same, null, "o"), half(b.same, null, "n"));
        else line(one(b.same));
        continue;
      }
      const pairs = pair(b);
      if (split) for (const [m, p] of aligned(b, pairs)) line(half(m, pairs, "o"), half(p, pairs, "n"));
      else for (const l of [...b.minus, ...b.plus]) line(one(l, pairs));
    }
  }
  if (left) {
    body.append(el("tr", {}, el("td", { class: "hunk", colspan: split ? 4 : 3 }, el("button", { type: "button", class: "quiet", text: "show " + plural(left, "more line"), onclick: (e) => {
      e.target.closest("table").replaceWith(drawDiff(file, split, Infinity));
    } }))));
  }
  return el("table", { class: "diff" + (split ? " split" : "") }, el("caption", { class: "unseen", text: "Changes of " + file.name }),
    split && el("colgroup", {}, ["no", "", "no", ""].map((c) => el("col", { class: c }))), body);
}

// aligned are the rows of two columns: pairs side by side, the others as they come.
function aligned(b, pairs) {
  const out = [];
  let j = 0;
  const flush = (until) => { while (j < until) out.push([null, b.plus[j++]]); };
  for (const m of b.minus) {
    const p = pairs.get(m);
    if (p) {
      flush(b.plus.indexOf(p));
      out.push([m, p]);
      j++;
    } else if (j < b.plus.length && !pairs.has(b.plus[j])) out.push([m, b.plus[j++]]);
    else out.push([m, null]);
  }
  flush(b.plus.length);
  return out;
}
