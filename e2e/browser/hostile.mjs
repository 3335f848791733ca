// Opens a page whose data are hostile, and every repository of it: node hostile.mjs PAGE
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const address = pathToFileURL(process.argv[2]).href;
const wrong = [];
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
const p = await browser.newPage();
p.on("console", (m) => { if (["error", "warning"].includes(m.type())) wrong.push("console: " + m.text()); });
p.on("pageerror", (e) => wrong.push(e.stack));
p.on("dialog", (d) => { wrong.push("a dialog: " + d.message()); d.dismiss(); });
p.on("request", (r) => { if (r.url() !== address && !r.url().startsWith("data:")) wrong.push("request to " + r.url()); });
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
await browser.close();
console.log(rows + " rows opened");
for (const w of wrong) console.log("WRONG", w);
process.exit(wrong.length ? 1 : 0);
