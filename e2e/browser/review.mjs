// Opens a review page as people do and judges it: node review.mjs PAGE EXPECTED FOLDER SCREENSHOTS
// EXPECTED is a JSON file: what the run's own JSON says. FOLDER holds the files that the page is about.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { accessible, end, launch, watch, wrong } from "./common.mjs";

const [page, expectedFile, folder, shots] = process.argv.slice(2);
const expected = JSON.parse(readFileSync(expectedFile, "utf8"));
const address = pathToFileURL(page).href;
const browser = await launch();

for (const view of [{ width: 1280, height: 800 }, { width: 1920, height: 1080 }, { width: 390, height: 844 }]) {
  for (const colorScheme of ["light", "dark"]) {
    const name = view.width + "-" + colorScheme;
    const context = await browser.newContext({ viewport: view, colorScheme, reducedMotion: "reduce", acceptDownloads: true });
    await context.grantPermissions(["clipboard-read", "clipboard-write"]);
    const p = await context.newPage();
    watch(p, address, name);
    await p.goto(address);
    await p.waitForSelector("body[data-ready=yes]", { timeout: 60_000 });
    // Dark is light with other colours: there the short way is enough.
    await judge(p, name, view.width < 700, view.width === 1280 && colorScheme === "light", colorScheme === "dark");
    await context.close();
  }
}
await plain();
await end(browser);

async function judge(p, name, phone, all, short) {
  const see = (ok, what) => { if (!ok) wrong.push(name + ": " + what); };
  const shot = (what) => p.screenshot({ path: join(shots, name + "-" + what + ".png") });
  const fits = async (what) => see(await p.evaluate(() => document.documentElement.scrollWidth <= innerWidth), what + ": the page is wider than the window");
  await p.waitForSelector(".place");
  await shot("1-top");
  await fits("at the start");
  await accessible(p, name + ": at the start");
  const tiles = (await p.$$eval("#tiles .tile", (all) => all.map((t) => t.innerText.replace(/\s+/g, " ")))).join(" | ");
  for (const part of expected.tiles) see(tiles.includes(part), "the totals lack " + part + ": " + tiles);
  see((await p.$$("#files > .file")).length === expected.shown, "files shown: " + (await p.$$("#files > .file")).length);
  see((await p.textContent("#checklist")).includes(expected.assumption), "the checklist lacks an assumption");

  // From change to change, from the first to the last.
  const focused = () => p.evaluate(() => document.activeElement.id);
  const ids = [];
  for (let i = 0; i < (all ? expected.hunks : 3); i++) {
    const was = await focused();
    await p.keyboard.press("n");
    await p.waitForFunction((was) => document.activeElement.id !== was && document.activeElement.classList.contains("place"), was, { timeout: 10_000 }).catch(() => see(false, "n after " + was + " goes nowhere"));
    ids.push(await focused());
    see(await p.evaluate(() => { const b = document.activeElement.getBoundingClientRect(); return b.top < innerHeight && b.bottom > 0; }), "a change isn't in view after n");
  }
  see(new Set(ids).size === ids.length, "n comes to a change twice: " + ids);
  if (all) {
    await p.keyboard.press("n");
    await p.waitForTimeout(200);
    see(await focused() === ids.at(-1), "n goes on behind the last change");
  }
  await p.keyboard.press("p");
  await p.waitForFunction((id) => document.activeElement.id === id, ids.at(-2), { timeout: 10_000 }).catch(() => see(false, "p doesn't go back"));
  await shot("2-change");
  await accessible(p, name + ": at a change");

  // Each change has its reason beside it, and all reasons are told.
  const told = await p.$$eval(".file .place", (all) => all.map((e) => e.querySelectorAll(".why .reason, .why .again").length));
  see(told.length > 0 && told.every((n) => n > 0), "changes without a reason: " + told);
  const beside = await p.evaluate(() => { const e = document.querySelector(".place"), w = e.querySelector(".why").getBoundingClientRect(), l = e.querySelector(".lines").getBoundingClientRect(); return w.left >= l.right - 1; });
  see(beside === !phone, phone ? "reasons stand beside the lines on a phone" : "reasons don't stand beside the lines");
  const overlap = await p.$$eval(".places", (all) => all.some((box) => { const t = [...box.querySelectorAll(".why")].map((e) => e.getBoundingClientRect()); return t.some((b, i) => i > 0 && b.top < t[i - 1].bottom - 1 && b.left === t[i - 1].left); }));
  see(!overlap, "reasons lie over each other");
  see((await p.$$(".lines mark")).length > 0 && (await p.$$(".lines .t-kw")).length > 0, "no word is marked or coloured");

  // Side by side, where there is room.
  if (phone) see(!(await p.isVisible("#split")), "a phone is offered side by side");
  else {
    const split = () => p.evaluate(() => document.querySelector("#split").getAttribute("aria-pressed") === "true");
    const was = await split();
    see(was === (p.viewportSize().width >= 1500), "at the start it is " + (was ? "" : "not ") + "side by side");
    await p.keyboard.press("u");
    see(await split() === !was, "u turns nothing");
    await p.waitForSelector(was ? ".file:not(.sidebyside) .diff:not(.split)" : ".file.sidebyside .diff.split");
    await p.keyboard.press("n");
    await p.waitForTimeout(300);
    await shot("3-turned");
    await fits("turned");
    await accessible(p, name + ": turned");
    await p.keyboard.press("u");
  }

  if (short) return;

  // Files: walk, fold, review, copy, take away.
  await p.evaluate(() => scrollTo(0, 0));
  await p.keyboard.press("j");
  await p.waitForFunction(() => document.activeElement.tagName === "H2");
  const at = () => p.evaluate(() => document.activeElement.closest(".file").dataset.at);
  const here = await at();
  await p.keyboard.press("j");
  await p.waitForFunction((was) => document.activeElement.closest(".file")?.dataset.at !== was, here);
  await p.keyboard.press("k");
  await p.waitForFunction((was) => document.activeElement.closest(".file")?.dataset.at === was, here);
  await p.keyboard.press("x");
  see(await p.isChecked("#f" + here + " .reviewed input") && !(await p.isVisible("#f" + here + " .body")), "x doesn't fold what is reviewed");
  if (!phone) see((await p.textContent("#progress")).includes("1 reviewed"), "the list doesn't count what is reviewed");
  await p.keyboard.press("x");
  see(await p.isVisible("#f" + here + " .body"), "x doesn't unfold again");
  const first = "#f" + expected.first;
  await p.click(first + " .filetools button:has-text('Copy patch')");
  await p.waitForSelector(first + " button:has-text('Copied')");
  see(await p.evaluate(() => navigator.clipboard.readText()) === expected.diff, "the copied patch isn't the JSON's");
  if (!phone) {
    const [taken] = await Promise.all([p.waitForEvent("download"), p.click(first + " button:has-text('Download')")]);
    see(readFileSync(await taken.path(), "utf8") === expected.diff && /\.patch$/.test(taken.suggestedFilename()), "the taken patch isn't the JSON's: " + taken.suggestedFilename());
  }
  if (all) await apply(p, see, ids);

  // Layers, chart, lists.
  see((await p.$$(first + " svg.layers rect")).length > 3, "no bars of layers");
  if (expected.replay) see(await p.$eval("#f" + expected.replay + " svg.replay polyline", (e) => getComputedStyle(e).stroke !== "none"), "no chart of the cache, or without colours");
  await p.$eval(first + " .layerlist", (e) => { e.open = true; });
  await p.$eval("#checklist", (e) => e.scrollIntoView());
  await p.click("#checklist input[type=checkbox] >> nth=0");
  see(/^1 of \d+ ticked$/.test(await p.textContent("#checklist .cardhead .dim")), "a tick isn't counted");
  if (phone) {
    await p.click("#navbox summary");
    see(await p.isVisible("#navlist a"), "the list of files doesn't open");
  } else {
    await p.keyboard.press("?");
    await p.waitForSelector("#keys[open]");
    await shot("4-help");
    await accessible(p, name + ": help");
    await p.keyboard.press("Escape");
    see(!(await p.$("#keys[open]")), "Escape doesn't close the help");
  }
  await accessible(p, name + ": unfolded");

  // Colours turn, and stay in the page.
  const seen = new Set();
  for (let i = 0; i < 3; i++) {
    await p.click("#theme");
    seen.add(await p.evaluate(() => getComputedStyle(document.body).backgroundColor));
  }
  see(seen.size === 2, "the button for colours gives " + [...seen]);

  // On paper all is unfolded and light, and nothing of the screen's tools is left.
  const folded = () => p.$$eval("main details:not([open]):not(#quietbox)", (all) => all.length);
  const before = await folded();
  await p.emulateMedia({ media: "print" });
  await p.evaluate(() => dispatchEvent(new Event("beforeprint")));
  see(before > 0 && await folded() === 0, "on paper something is folded");
  for (const e of ["#nav", ".tools", ".filetools >> nth=0"]) see(!(await p.isVisible(e)), "on paper there is " + e);
  see(await p.evaluate(() => { const [r] = /\d+/.exec(getComputedStyle(document.querySelector(".lines")).backgroundColor); return Number(r) > 200; }), "paper isn't light");
  if (all) await p.screenshot({ path: join(shots, name + "-5-paper.png") });
  await p.evaluate(() => dispatchEvent(new Event("afterprint")));
  see(await folded() === before, "after printing something stays open");
  await p.emulateMedia({ media: null });
  const pdf = await p.pdf({ format: "A4", printBackground: true });
  const pages = pdf.toString("latin1").match(/\/Type\s*\/Page\b/g) || [];
  see(pages.length >= expected.shown, "the PDF has " + pages.length + " pages for " + expected.shown + " files");
  if (all) writeFileSync(join(shots, "page.pdf"), pdf);
}

// apply takes each change of the page alone and lets git try it.
async function apply(p, see, ids) {
  let tried = 0;
  for (const id of ids) {
    const button = "#" + id + " .why .at button";
    await p.click(button);
    await p.waitForFunction((b) => document.querySelector(b).textContent === "Copied", button);
    const patch = await p.evaluate(() => navigator.clipboard.readText());
    try {
      execFileSync("git", ["apply", "--check", "-"], { cwd: folder, input: patch, stdio: ["pipe", "pipe", "pipe"] });
      tried++;
    } catch (err) {
      see(false, "git doesn't take the change " + id + ": " + err.stderr + patch);
    }
  }
  see(tried === expected.hunks, tried + " changes tried of " + expected.hunks);
  console.log(tried + " changes copied alone, git takes each");
}

// plain reads the page without JavaScript.
async function plain() {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const p = await context.newPage();
  watch(p, address, "without JavaScript");
  await p.goto(address);
  const text = await p.innerText("body");
  for (const part of [expected.assumption, expected.diff.split("\n").find((l) => /^\+[^+]/.test(l)), "JavaScript is switched off"]) {
    if (!text.includes(part)) wrong.push("without JavaScript the page lacks " + part);
  }
  if (await p.isVisible("#frame")) wrong.push("without JavaScript there is an empty frame");
  await context.close();
}
