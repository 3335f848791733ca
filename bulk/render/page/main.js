// The start: colours, keys, and the order in which the parts come to life.

const THEMES = { "": "System colours", light: "Light", dark: "Dark" };

function buildTheme() {
  let now = "";
  try { now = localStorage.getItem("drydock-theme") || ""; } catch { /* no storage: the choice lasts as long as the page */ }
  const apply = () => {
    if (now) document.documentElement.dataset.theme = now;
    else delete document.documentElement.dataset.theme;
    $("theme").textContent = THEMES[now];
    $("theme").setAttribute("aria-label", "Colours: " + THEMES[now]);
  };
  $("theme").addEventListener("click", () => {
    const all = Object.keys(THEMES);
    now = all[(all.indexOf(now) + 1) % all.length];
    try { localStorage.setItem("drydock-theme", now); } catch { /* as above */ }
    apply();
  });
  if (!(now in THEMES)) now = "";
  apply();
}

function trouble(text) {
  $("trouble").textContent = visible(text);
  $("trouble").hidden = false;
}

function keys(e) {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName);
  if (e.key === "/" && !typing && !$("panel").open) {
    e.preventDefault();
    $("search").focus();
    $("search").select();
  } else if (e.key === "Escape" && e.target === $("search") && wanted.q) {
    e.preventDefault();
    set({ q: "" });
  } else if (e.key === "ArrowDown" && e.target === $("search")) {
    e.preventDefault();
    $("table").focus({ preventScroll: true });
    table.move(table.active);
  }
}

async function start() {
  buildTheme();
  try {
    await load();
  } catch (err) {
    trouble(err.message);
    return;
  }
  const when = new Date(meta.created);
  $("about").textContent = [plural(meta.rows, "repository", "repositories"), isNaN(when) || when.getFullYear() < 2000 ? "" : when.toISOString().slice(0, 16).replace("T", " ") + " UTC"].filter(Boolean).join(" · ");
  $("foot").textContent = "drydock" + (meta.version ? " " + visible(meta.version) : "") + ". This page holds all its data and asks no server.";
  const open = hash.read().get("open");
  buildFilters();
  table.build();
  buildPanel();
  readHash();
  update();
  drawTotals();
  drawCharts();
  document.addEventListener("keydown", keys);
  $("chartbox").addEventListener("toggle", drawCharts);
  if (matchMedia("(max-width: 700px)").matches) $("chartbox").open = false;
  addEventListener("hashchange", () => {
    const open = hash.read().get("open");
    closePanel();
    readHash();
    update();
    openPanel(rows.find((r) => r.n === open));
  });
  // The address holds the filters: the link to the table must not change it.
  document.querySelector(".skip").addEventListener("click", (e) => {
    e.preventDefault();
    $("table").focus();
  });
  document.body.dataset.ready = "yes";
  openPanel(rows.find((r) => r.n === open));
}

start();
