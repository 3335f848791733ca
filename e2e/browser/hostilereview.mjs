// Opens a review page whose data are hostile: node hostilereview.mjs PAGE
import { pathToFileURL } from "node:url";
import { accessible, end, launch, watch, wrong } from "./common.mjs";

const address = pathToFileURL(process.argv[2]).href;
const browser = await launch();
for (const width of [1600, 390]) {
  const p = await browser.newPage({ viewport: { width, height: 900 } });
  watch(p, address, String(width));
  const see = (ok, what) => { if (!ok) wrong.push(width + ": " + what); };
  await p.goto(address);
  await p.waitForSelector("body[data-ready=yes]");
  await p.waitForSelector(".place");
  await p.waitForTimeout(1500);
  await p.evaluate(() => { for (const d of document.querySelectorAll("details")) d.open = true; });
  const odd = await p.evaluate(() => [...document.querySelectorAll("img, iframe, object, a[href^='javascript' i], [onerror], main script, main style")].map((e) => e.outerHTML));
  wrong.push(...odd);
  const text = await p.evaluate(() => document.body.innerText);
  see(!/[\u0000-\u0008\u000b-\u001f\u200b-\u200f\u2028-\u202e]/.test(text), "a control is shown as it is");
  see(text.includes("<img src=x onerror=alert(1)>"), "the text is not shown");
  // In a diff too, what turns the direction of writing is seen.
  const lines = await p.evaluate(() => [...document.querySelectorAll(".lines code")].map((e) => e.textContent).join("\n"));
  for (const part of ["\\u202e", "\\u2028", "\\u001b", "</script>"]) see(lines.includes(part), "the diff doesn't show " + part);
  see(await p.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page is wider than the window");
  for (const key of ["n", "n", "j", "k", "p", "x", "x"]) await p.keyboard.press(key);
  await accessible(p, String(width));
  const all = await p.$$(".file");
  console.log(width, all.length, "files,", (await p.$$(".place")).length, "changes");
  see(all.length >= 4, "files are missing");
  await p.close();
}
const quiet = await browser.newContext({ javaScriptEnabled: false });
const p = await quiet.newPage();
watch(p, address, "without JavaScript");
await p.goto(address);
const odd = await p.$$("img, iframe, [onerror], noscript script, noscript style");
if (odd.length) wrong.push("without JavaScript there are " + odd.length + " elements of strangers");
await end(browser);
