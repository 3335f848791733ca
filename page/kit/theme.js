// Colours, and trouble: what every page has at its top.

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
