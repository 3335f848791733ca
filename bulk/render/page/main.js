// The start: keys, and the order in which the parts come to life.

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
    rows.forEach(prepare);
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
