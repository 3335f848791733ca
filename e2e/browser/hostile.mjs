// Opens a page whose data are hostile, and every repository of it: node hostile.mjs PAGE
import { pathToFileURL } from "node:url";
import { end, launch, watch, wrong } from "./common.mjs";

const address = pathToFileURL(process.argv[2]).href;
const browser = await launch();
const p = await browser.newPage();
watch(p, address);
await p.goto(address);
await p.waitForSelector("body[data-ready]");
await p.waitForTimeout(300);
const rows = await p.$$eval("#rows .row", (all) => all.length);
for (let i = 0; i < rows; i++) {
  await p.click("#row-" + i);
  await p.waitForSelector("#panel[open] h2");
  const odd = await p.evaluate(() => [...document.querySelectorAll("#panel img, #panel script, #panel iframe, a[href^='javascript' i], [onerror]")].map((e) => e.outerHTML));
  wrong.push(...odd);
  const text = await p.evaluate(() => document.body.innerText);
  if (/[\u001b\u202e]/.test(text)) wrong.push("a control is shown as it is");
  if (!text.includes("<img src=x onerror=alert(1)>")) wrong.push("the text is not shown");
  await p.keyboard.press("Escape");
}
if (rows === 0) wrong.push("no row");
console.log(rows + " rows opened");
await end(browser);
