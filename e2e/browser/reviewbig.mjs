// Opens a review page of many files or long ones: node reviewbig.mjs PAGE FILES CHANGED-LINES
// What is drawn is bounded, and all of it can be reached.
import { pathToFileURL } from "node:url";
import { end, launch, watch, wrong } from "./common.mjs";

const [page, files, lines] = process.argv.slice(2);
const address = pathToFileURL(page).href;
const browser = await launch();
const p = await browser.newPage({ viewport: { width: 1280, height: 800 } });
watch(p, address);
const see = (ok, what) => { if (!ok) wrong.push(what); };
const begun = Date.now();
await p.goto(address);
await p.waitForSelector("body[data-ready=yes]", { timeout: 60_000 });
await p.waitForSelector(".place");
console.log("the first change after", Date.now() - begun, "ms");
see((await p.$$(".file")).length === Number(files), "files: " + (await p.$$(".file")).length);
await p.waitForTimeout(3000);
const drawn = (await p.$$(".diff tr")).length, elements = await p.evaluate(() => document.querySelectorAll("*").length);
console.log(drawn, "lines of", lines, "drawn,", elements, "elements");
see(drawn < 60_000, drawn + " lines are drawn at once");
// The last file is one jump away.
if (Number(files) > 1) {
  await p.click("#navlist li:last-child a");
  await p.waitForFunction(() => document.activeElement.tagName === "H2");
  const at = await p.evaluate(() => document.activeElement.closest(".file").dataset.at);
  see(await p.evaluate((at) => { const b = document.querySelector("#f" + at).getBoundingClientRect(); return b.top < innerHeight && b.bottom > 0 && document.querySelector("#f" + at + " .place") !== null; }, at), "the last file isn't drawn when one goes there");
  await p.keyboard.press("n");
  await p.waitForFunction(() => document.activeElement.classList.contains("place"));
} else {
  // A long change is cut, with buttons for the rest.
  see(drawn < 3200, drawn + " lines of a long change are drawn at once");
  await p.click("button:has-text('Show more lines of this change')");
  const more = (await p.$$(".diff tr")).length;
  see(more > drawn && more < drawn + 3200, more + " lines after asking for more");
  if (Number(lines) < 20_000) {
    await p.click("button:has-text('Show all')");
    see((await p.$$(".diff tr")).length > Number(lines), "all are " + (await p.$$(".diff tr")).length + " lines");
  }
}
await end(browser);
