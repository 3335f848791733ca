// The start: keys, print, and the order in which the parts come to life.

const IDLE_LINES = 20000; // changed lines that are drawn ahead, so that find and print see them

function setSplit(yes) {
  split = yes;
  $("split").setAttribute("aria-pressed", String(split));
  $("unified").setAttribute("aria-pressed", String(!split));
  for (const r of rows) undraw(r);
}

// drawAll draws every file, for print.
async function drawAll() {
  for (const r of rows) if (!r.quiet) await draw(r);
}

function ahead() {
  let lines = 0;
  const list = rows.filter((r) => !r.quiet && (lines += r.n + r.m + 8 * r.h) < IDLE_LINES);
  const next = (deadline) => {
    while (list.length && deadline.timeRemaining() > 4) {
      const r = list.shift();
      if (!r.drawing) { draw(r).then(() => idle(next)); return; }
    }
    if (list.length) idle(next);
  };
  idle(next);
}
const idle = (f) => (window.requestIdleCallback ? requestIdleCallback(f, { timeout: 2000 }) : setTimeout(() => f({ timeRemaining: () => 10 }), 50));

// On paper everything is unfolded and light; afterwards it is as it was.
function buildPrint() {
  let opened = [], theme;
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("main details:not([open]):not(#quietbox)")];
    for (const d of opened) d.open = true;
    theme = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
    const missing = rows.filter((r) => !r.quiet && r.body.childElementCount === 0).length;
    $("printnote").textContent = missing ? plural(missing, "file") + " not on these pages: the page’s own button for printing has them all." : "";
  });
  addEventListener("afterprint", () => {
    for (const d of opened) d.open = false;
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  });
  $("print").addEventListener("click", async () => {
    $("print").disabled = true;
    await drawAll();
    $("print").disabled = false;
    print();
  });
}

const KEYS = {
  n: () => stepChange(1), p: () => stepChange(-1), j: () => stepFile(1), k: () => stepFile(-1),
  x: () => { const r = current(); if (r) review(r, !r.reviewed); },
  o: () => { const r = current(); if (r) toggleFold(r); },
  u: () => { if (!phone.matches) setSplit(!split); },
  c: () => current()?.copy?.click(),
  "/": () => { if (!$("searchbox").hidden && !$("nav").hidden) { $("navbox").open = true; $("search").focus(); $("search").select(); } },
  "?": () => $("keys").showModal(),
};

function keys(e) {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName) && e.target.type !== "checkbox";
  if (typing || e.altKey || e.ctrlKey || e.metaKey || document.querySelector("dialog[open]") || !(e.key in KEYS)) return;
  e.preventDefault();
  KEYS[e.key]();
}

async function start() {
  buildTheme();
  try {
    await load();
  } catch (err) {
    document.body.dataset.ready = "no";
    trouble(err.message);
    return;
  }
  rows.forEach(prepare);
  const when = new Date(meta.created || NaN);
  $("about").textContent = ["drydock " + visible(meta.verb || "diff"), isNaN(when) ? "" : when.toISOString().slice(0, 16).replace("T", " ") + " UTC"].filter(Boolean).join(" · ");
  if (rows.length === 1) document.title = "Review of " + oneLine(rows[0].p);
  $("foot").append("drydock" + (meta.version ? " " + visible(meta.version) : "") + ". This page holds all its data and asks no server.", el("p", { id: "printnote" }));
  drawTiles();
  drawChecklist();
  buildNav();
  const quiet = rows.filter((r) => r.quiet);
  $("files").append(...rows.filter((r) => !r.quiet).map(buildSection));
  $("quiet").append(...quiet.map(buildSection));
  $("quietbox").hidden = quiet.length === 0;
  $("quietbox").open = quiet.length === rows.length && rows.length < 30;
  $("quiethead").textContent = plural(quiet.length, "file needs", "files need") + " no change";
  if (rows.length === 0) $("files").append(el("p", { class: "dim none", text: "The run had no file." }));
  watch();
  setSplit(split);
  $("unified").addEventListener("click", () => setSplit(false));
  $("split").addEventListener("click", () => setSplit(true));
  $("help").addEventListener("click", () => $("keys").showModal());
  phone.addEventListener("change", () => { if (split) setSplit(split); });
  if (phone.matches) $("navbox").open = false;
  buildPrint();
  document.addEventListener("keydown", keys);
  document.body.dataset.ready = "yes";
  const named = /^#f(\d+)$/.exec(location.hash);
  if (named && rows[named[1]]) toFile(rows[named[1]]);
  ahead();
}

start();
