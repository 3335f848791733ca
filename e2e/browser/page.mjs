// Opens the page of bulk as people do and judges it: node page.mjs PAGE ROWS SCREENSHOTS
// It prints what it did, and ends with 1 when something is wrong.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { accessible as judged, end, launch, watch, wrong } from "./common.mjs";

const [page, rowsText, shots] = process.argv.slice(2);
const total = Number(rowsText);
const check = (ok, what) => { if (!ok) wrong.push(what); };
const number = (n) => new Intl.NumberFormat("en").format(n);

const browser = await launch();

for (const view of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
  for (const colorScheme of ["light", "dark"]) {
    const name = view.width + "-" + colorScheme;
    const context = await browser.newContext({ viewport: view, colorScheme, reducedMotion: "reduce" });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const p = await context.newPage();
    const address = pathToFileURL(page).href;
    watch(p, address, name);
    const begun = Date.now();
    await p.goto(address);
    await p.waitForSelector("body[data-ready]", { timeout: 120_000 });
    console.log(name, "ready after", Date.now() - begun, "ms");
    await judge(p, name, view.width < 700);
    await context.close();
  }
}

async function judge(p, name, phone) {
  const see = (ok, what) => check(ok, name + ": " + what);
  const shot = (what) => p.screenshot({ path: join(shots, name + "-" + what + ".png") });
  const count = () => p.textContent("#count");
  // What is clicked must not move meanwhile: the charts above the table follow the filters a little later.
  const settled = async () => {
    await p.waitForSelector("body:not([data-pending])");
    await p.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))));
  };
  const names = () => p.$$eval("#rows .row", (all) => all.sort((a, b) => a.dataset.at - b.dataset.at).map((r) => r.querySelector(".name").textContent));
  const accessible = (what) => judged(p, name + ": " + what);
  await settled();
  await shot("1-top");
  await accessible("at the start");
  see(await count() === number(total) + " repositories", "count says " + await count());
  see((await p.$$("#rows .row")).length < 80, "rows that aren't in view are elements");
  see(await p.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page is wider than the window");

  // What saves most comes first.
  const savings = () => p.$$eval("#rows .row", (all) => all.sort((a, b) => a.dataset.at - b.dataset.at).map((r) => parseFloat(r.querySelector(".c-saving").textContent.replace(/ GB.*/, "e3"))));
  const falling = (list) => list[0] > 0 && list.every((n, i) => i === 0 || n <= list[i - 1]);
  see(falling(await savings()), "the page doesn't begin with what saves most: " + (await savings()).slice(0, 5));

  // The end of the list is reached, and drawn.
  await p.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await settled();
  const last = await p.$$eval("#rows .row", (all) => Math.max(...all.map((r) => Number(r.dataset.at))));
  see(last === total - 1, "the last row is number " + last + ", " + (await names()).at(-1));
  await p.evaluate(() => document.querySelector(".list").scrollIntoView());
  await settled();
  await shot("2-list");

  // Search: every keystroke.
  await p.focus("#search");
  const times = [];
  for (const c of "quay python") {
    times.push(await p.evaluate((c) => new Promise((done) => {
      const s = document.getElementById("search"), begun = performance.now();
      s.value += c;
      s.dispatchEvent(new InputEvent("input", { bubbles: true }));
      requestAnimationFrame(() => setTimeout(() => done(performance.now() - begun)));
    }), c));
  }
  console.log(name, "search keystrokes, ms until drawn:", times.map((t) => t.toFixed(1)).join(" "), "slowest", Math.max(...times).toFixed(1));
  const found = await names();
  see(found.length > 0 && found.every((n) => n.includes("quay")), "search finds " + found.slice(0, 3));
  see(/^[0-9,]+ of /.test(await count()), "count says " + await count());
  see(new URL(p.url()).hash.includes("q=quay+python"), "the address lacks the search: " + p.url());
  await settled();

  // Filters, then all cleared.
  if (phone) await p.click("#morefilters");
  await p.selectOption("#filter-status", "changed");
  const both = await count();
  await p.selectOption("#filter-saving", "any");
  see(await count() !== both, "the filter of savings filters nothing");
  await p.waitForTimeout(50);
  see((await p.$$eval("#rows .row .c-status", (all) => all.map((c) => c.textContent))).every((t) => t.startsWith("changed")), "the filter of status lets others through");
  await shot("3-filtered");
  await accessible("with filters");
  const address = p.url();
  const filtered = await count();
  await p.reload();
  await p.waitForSelector("body[data-ready]", { timeout: 120_000 });
  see(p.url() === address && await count() === filtered, "a reload loses the filters: " + await count() + ", not " + filtered);
  if (phone) await p.click("#morefilters");
  for (const f of ["finding", "change", "language", "base", "user"]) {
    const values = await p.$$eval("#filter-" + f + " option", (all) => all.map((o) => o.value).filter(Boolean));
    see(values.length > 1, "no filter by " + f);
  }
  await p.click("#clear");
  see(await count() === number(total) + " repositories", "after clearing count says " + await count());
  await settled();

  // Sort by every column, both ways.
  if (phone) {
    await p.selectOption("#sortby", "-saving");
  } else {
    for (const key of await p.$$eval("#head [data-key]", (all) => all.map((h) => h.dataset.key))) {
      for (const _ of [1, 2]) {
        const before = await p.getAttribute(`#head [data-key=${key}]`, "aria-sort");
        await p.click(`#head [data-key=${key}] button`);
        await settled();
        const after = await p.getAttribute(`#head [data-key=${key}]`, "aria-sort");
        see(after && after !== before, "sorting by " + key + " goes from " + before + " to " + after);
      }
    }
    await p.click("#head [data-key=saving] button");
    if (await p.getAttribute("#head [data-key=saving]", "aria-sort") !== "descending") await p.click("#head [data-key=saving] button");
  }
  see(falling(await savings()), "savings aren't sorted: " + (await savings()).slice(0, 5));

  // The keyboard: arrows, Enter, Escape, the focus comes back.
  await p.focus("#table");
  for (const k of ["ArrowDown", "ArrowDown", "PageDown", "ArrowUp"]) await p.keyboard.press(k);
  const active = await p.getAttribute("#table", "aria-activedescendant");
  see(active && (await p.$("#" + active)) && active !== "row-0", "no active row: " + active);
  await p.keyboard.press("Home");
  await p.keyboard.press("Enter");
  await p.waitForSelector("#panel[open] .diff");
  see(await p.evaluate(() => document.activeElement.id === "panelhead"), "the panel doesn't take the focus");
  await shot("4-panel");
  await accessible("with a panel");
  see(await p.evaluate(() => document.querySelector("#panel").scrollWidth <= document.querySelector("#panel").clientWidth), "the panel is wider than it is");
  see((await p.$$("#panel .diff td.plus")).length > 0 && (await p.$$("#panel .diff mark")).length > 0, "the diff shows no added line or marks no word");
  await p.click("#panel button:has-text('Side by side')");
  await p.waitForSelector("#panel .diff.split");
  await p.evaluate(() => document.querySelector("#panel .patchbar").scrollIntoView({ block: "center" }));
  await shot("5-split");
  await accessible("side by side");
  await p.click("#panel button:has-text('Copy patch')");
  await p.waitForSelector("#panel button:has-text('Copied')");
  const patch = await p.evaluate(() => navigator.clipboard.readText());
  see(/^--- a\/.*\n\+\+\+ b\/.*\n@@ -1/.test(patch), "copied: " + patch.slice(0, 60));
  const first = await p.textContent("#panelhead");
  await p.click("#panel button[aria-label='Next repository']");
  await p.waitForFunction((was) => document.querySelector("#panelhead").textContent !== was, first);
  see(new URL(p.url()).hash.includes("open="), "the address lacks the repository");
  await p.keyboard.press("Escape");
  await p.waitForSelector("#panel:not([open])", { state: "attached" });
  see(await p.evaluate(() => document.activeElement.id === "table"), "the focus doesn't come back");
  see(!new URL(p.url()).hash.includes("open="), "the address keeps the repository");

  // A chart's bar filters; the colours turn.
  if (phone) await p.click("#chartbox summary");
  await p.click('.line[data-filter="finding=secrets"]');
  see(/^[0-9,]+ of /.test(await count()), "a bar of a chart filters nothing");
  await settled();
  see(await p.evaluate(() => document.activeElement.dataset.filter === "finding=secrets"), "a bar loses the focus");
  await p.evaluate(() => document.querySelector("#chartbox").scrollIntoView());
  await shot("6-charts");
  await accessible("with charts");
  const colour = () => p.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const seen = new Set();
  for (let i = 0; i < 3; i++) {
    await p.click("#theme");
    seen.add(await colour());
  }
  see(seen.size === 2, "the button for colours gives " + [...seen]);

  // On paper the list is whole, not what is in view.
  await p.emulateMedia({ media: "print" });
  await p.evaluate(() => dispatchEvent(new Event("beforeprint")));
  see((await p.$$("#rows .row")).length > 200, "on paper there are " + (await p.$$("#rows .row")).length + " rows");
  await p.evaluate(() => dispatchEvent(new Event("afterprint")));
}

await end(browser);
