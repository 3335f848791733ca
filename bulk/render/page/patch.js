// A unified diff is read into hunks of lines, and drawn.

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

// drawDiff is the table of one file.
function drawDiff(file, split, limit = DIFF_LINES) {
  const body = el("tbody", {});
  let drawn = 0, left = 0;
  const line = (cells) => { if (drawn < limit) { drawn++; body.append(el("tr", {}, cells())); } else left++; };
  for (const h of file.hunks) {
    line(() => [el("td", { class: "hunk", colspan: split ? 4 : 3, text: h.head })]);
    for (const cells of diffRows(h.lines, split)) line(cells);
  }
  if (left) {
    body.append(el("tr", {}, el("td", { class: "hunk", colspan: split ? 4 : 3 }, el("button", { type: "button", class: "quiet", text: "show " + plural(left, "more line"), onclick: (e) => {
      e.target.closest("table").replaceWith(drawDiff(file, split, Infinity));
    } }))));
  }
  return diffTable(file.name, split, body);
}
