// Diffs: lines that stay, go and come, drawn in one column or in two. Within a pair
// of lines, words that differ are marked. A line is {op, text, o, n}: what becomes of
// it (" ", "-", "+", or "\\" for a remark), and its numbers before and after; with
// tokens(), [text, kind] each, it is coloured.

const DIFF_LINES = 3000; // drawn at once

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
// least a third of their words in common; in a long block the first ones.
function pair(b) {
  const pairs = new Map();
  let k = 0;
  for (const m of b.minus.slice(0, DIFF_LINES)) {
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
  const parts = other ? marked(text, other.text.replace(/\r$/, "")) : [[text, false]];
  if (!l.tokens) return el("code", {}, parts.map(([t, gone]) => (gone ? el("mark", { text: t }) : t)));
  return el("code", {}, coloured(parts, l.tokens()));
}

// coloured cuts the parts of a line where its tokens, which are the same text, end.
function coloured(parts, tokens) {
  const out = [];
  let k = 0, at = 0; // token, and how much of it is used
  for (const [t, gone] of parts) {
    const inside = [];
    for (let i = 0; i < t.length;) {
      const n = k < tokens.length ? Math.min(t.length - i, tokens[k][0].length - at) : t.length - i;
      const kind = k < tokens.length && tokens[k][1], s = t.slice(i, i + n);
      inside.push(kind ? el("span", { class: "t-" + kind, text: s }) : s);
      i += n;
      if (k < tokens.length && (at += n) === tokens[k][0].length) { k++; at = 0; }
    }
    if (gone) out.push(el("mark", {}, inside));
    else out.push(...inside);
  }
  return out;
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

// diffRows are the rows of lines that lie together, in one column or in two: lists
// of cells, each behind a function, so that only what is shown is made.
function* diffRows(lines, split) {
  for (const b of blocks(lines)) {
    if (b.same) {
      yield () => (split ? [...half(b.same, null, "o"), ...half(b.same, null, "n")] : one(b.same));
      continue;
    }
    const pairs = pair(b);
    if (split) for (const [m, p] of aligned(b, pairs)) yield () => [...half(m, pairs, "o"), ...half(p, pairs, "n")];
    else for (const l of [...b.minus, ...b.plus]) yield () => one(l, pairs);
  }
}

// diffTable is the table around rows; name is of the file.
const diffTable = (name, split, body) => el("table", { class: "diff" + (split ? " split" : "") }, el("caption", { class: "unseen", text: "Changes of " + name }),
  split && el("colgroup", {}, ["no", "", "no", ""].map((c) => el("col", { class: c }))), body);

// aligned are the rows of two columns: pairs side by side, the others as they come.
function aligned(b, pairs) {
  const out = [];
  let j = 0;
  for (const m of b.minus) {
    const p = pairs.get(m);
    if (p) {
      while (b.plus[j] !== p) out.push([null, b.plus[j++]]);
      out.push([m, p]);
      j++;
    } else if (j < b.plus.length && !pairs.has(b.plus[j])) out.push([m, b.plus[j++]]);
    else out.push([m, null]);
  }
  while (j < b.plus.length) out.push([null, b.plus[j++]]);
  return out;
}
