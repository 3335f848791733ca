// Colours for Dockerfiles and ignore files. A line is coloured by what the lines
// above it leave open: an instruction that goes on, a heredoc.

const STRINGS = String.raw`"(?:\\.|[^"\\])*"?|'[^']*'?`;
const VARIABLES = String.raw`\$\{[^}\s]*\}?|\$[A-Za-z_][A-Za-z0-9_]*|\$[0-9@#?*$!-]`;
const SHELL = new RegExp("(?<str>" + STRINGS + ")|(?<var>" + VARIABLES + ")|(?<op>&&|\\|\\||[;|&]|[0-9]?>{1,2}|<{1,3}-?)|(?<flag>(?<=^|\\s)--?[A-Za-z][A-Za-z0-9-]*)", "g");
const WORDS = new RegExp("(?<str>" + STRINGS + ")|(?<var>" + VARIABLES + ")|(?<flag>(?<=^|\\s)--[a-z][a-z-]*)|(?<key>(?<=^|\\s)[A-Za-z_][A-Za-z0-9_.-]*(?==))|(?<kw>(?<=\\s)[Aa][Ss](?=\\s))", "g");
const HEREDOC = /<<(-?)(["']?)([A-Za-z_][A-Za-z0-9_]*)\2/g;
const INSTRUCTIONS = new Set(["add", "arg", "cmd", "copy", "entrypoint", "env", "expose", "from", "healthcheck", "label", "maintainer", "onbuild", "run", "shell", "stopsignal", "user", "volume", "workdir"]);

const TOP = { kind: "top", open: [] }; // a fresh line
const FIRST = { kind: "first", open: [] }; // where directives may stand

// states gives what is open at each line of a Dockerfile, in one pass.
function states(lines) {
  const escape = lines.slice(0, 10).some((l) => /^#\s*escape\s*=\s*`/i.test(l)) ? "`" : "\\";
  const out = [];
  let now = FIRST;
  for (const l of lines) {
    out.push(now);
    const text = l.replace(/[\r\n]+$/, "");
    if (now.kind === "doc") {
      const end = now.open[0];
      if ((end.dash ? text.replace(/^\t+/, "") : text) === end.name) now = now.open.length > 1 ? { ...now, open: now.open.slice(1) } : TOP;
      continue;
    }
    if (/^\s*#/.test(text) || (now.kind === "in" && text.trim() === "")) {
      if (now.kind === "first" && !/^\s*#\s*[a-z]+\s*=/i.test(text)) now = TOP;
      continue;
    }
    const word = now.kind === "in" ? now.word : (/^\s*([A-Za-z]+)/.exec(text) || ["", ""])[1].toLowerCase();
    let open = now.kind === "in" ? now.open : [];
    if (["run", "copy", "add"].includes(word)) open = [...open, ...[...text.matchAll(HEREDOC)].map((m) => ({ dash: m[1] === "-", name: m[3] }))];
    if (text.trimEnd().endsWith(escape)) now = now.kind === "in" && open === now.open ? now : { kind: "in", word, open };
    else now = open.length ? { kind: "doc", word, open } : TOP;
  }
  return out;
}

// tokens cuts a line of a Dockerfile into [text, kind].
function tokens(text, state) {
  if (text.length > 4000) return [[text, ""]];
  if (state.kind === "doc") {
    const end = state.open[0];
    if ((end.dash ? text.replace(/^\t+/, "") : text) === end.name) return [[text, "kw"]];
    return state.word === "run" ? cut(text, SHELL) : [[text, ""]];
  }
  if (/^\s*#/.test(text)) return [[text, state.kind === "first" && /^\s*#\s*[a-z]+\s*=/i.test(text) ? "flag" : "com"]];
  if (state.kind === "in") return cut(text, state.word === "run" ? SHELL : WORDS);
  const m = /^(\s*)([A-Za-z]+)(?=\s|$)/.exec(text);
  if (!m || !INSTRUCTIONS.has(m[2].toLowerCase())) return [[text, ""]];
  const word = m[2].toLowerCase(), rest = text.slice(m[0].length);
  const out = [[m[1], ""], [m[2], "kw"]];
  const inner = /^(\s+(?:--\S+\s+)*)(RUN|CMD|COPY|ADD|USER|ENTRYPOINT|NONE)(?=\s|$)/i.exec(rest);
  if ((word === "onbuild" || word === "healthcheck") && inner) return [...out, ...cut(inner[1], WORDS), [inner[2], "kw"], ...cut(rest.slice(inner[0].length), SHELL)].filter((t) => t[0]);
  return [...out, ...cut(rest, ["run", "cmd", "entrypoint"].includes(word) ? SHELL : WORDS)].filter((t) => t[0]);
}

function cut(text, pattern) {
  const out = [];
  let at = 0;
  for (const m of text.matchAll(pattern)) {
    if (m.index > at) out.push([text.slice(at, m.index), ""]);
    out.push([m[0], Object.keys(m.groups).find((k) => m.groups[k] !== undefined)]);
    at = m.index + m[0].length;
  }
  if (at < text.length) out.push([text.slice(at), ""]);
  return out;
}

// colours gives what cuts line i of a file.
function colours(lines, ignore) {
  if (ignore) return (text) => [[text, text.startsWith("#") ? "com" : text.startsWith("!") ? "flag" : ""]];
  const all = states(lines);
  return (text, i) => tokens(text, all[i]);
}
