// Opens the page of a run of drydock verify, of which nothing was built: node proven.mjs PAGE EXPECTED SCREENSHOTS
// EXPECTED is JSON: what the proofs say.
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { accessible, end, launch, watch, wrong } from "./common.mjs";

const [page, expectedText, shots] = process.argv.slice(2);
const expected = JSON.parse(expectedText);
const address = pathToFileURL(page).href;
const browser = await launch();
for (const [width, colorScheme] of [[1280, "light"], [390, "dark"]]) {
  const context = await browser.newContext({ viewport: { width, height: 844 }, colorScheme, reducedMotion: "reduce" });
  const p = await context.newPage();
  const see = (ok, what) => { if (!ok) wrong.push(width + ": " + what); };
  watch(p, address, String(width));
  await p.goto(address);
  await p.waitForSelector("body[data-ready=yes]");
  await p.waitForSelector("#f0 svg.layers");
  const tiles = (await p.$$eval("#tiles .tile", (all) => all.map((t) => t.innerText.replace(/\s+/g, " ")))).join(" | ");
  for (const part of expected.tiles) see(tiles.includes(part), "the totals lack " + part + ": " + tiles);

  // The bars are as long as the layers are big, on one scale for both.
  const bars = await p.$$eval("#f0 svg.layers", (all) => all.map((s) => [...s.querySelectorAll("rect")].map((r) => parseFloat(r.getAttribute("width")))));
  see(JSON.stringify(bars.map((b) => b.map((w) => Math.round(w)))) === JSON.stringify(expected.bars), "bars of layers: " + JSON.stringify(bars));
  see((await p.$$("#f0 svg.layers rect.l-same")).length === 2, "the layer that both have isn't shown so");
  see(!(await p.textContent("#f0 .image h3")).includes("nothing was built"), "sizes are said to be unknown");

  // What holds and what breaks.
  for (const [at, told] of Object.entries(expected.told)) {
    await p.evaluate((at) => document.querySelector("#f" + at).scrollIntoView(), at);
    await p.waitForSelector("#f" + at + " .proofbox");
    for (const d of await p.$$("#f" + at + " .proofbox details")) await d.evaluate((e) => { e.open = true; });
    const text = (await p.innerText("#f" + at + " .proofbox")).replace(/\s+/g, " ");
    for (const part of told) see(text.includes(part), "the proof of file " + at + " lacks " + part + ": " + text);
  }
  see((await p.$$("#f1 .breaks li")).length === 1 && !(await p.$("#f0 .breaks")), "what breaks stands at the wrong file");
  see((await p.$$("#f0 .place")).length > 0, "the page of verify lacks the change itself");
  see(await p.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page is wider than the window");
  await accessible(p, String(width));
  await p.screenshot({ path: join(shots, "verify-" + width + "-" + colorScheme + ".png"), fullPage: true });
  await context.close();
}
await end(browser);
