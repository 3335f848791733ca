// What the scripts share: the browser, an eye on what goes wrong, accessibility.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

export const wrong = [];

// watch notes what a page must never do: complain, ask somebody for something, open a dialog.
export function watch(p, address, name = "") {
  const see = (what) => wrong.push((name ? name + ": " : "") + what);
  p.on("console", (m) => { if (["error", "warning"].includes(m.type())) see("console: " + m.text()); });
  p.on("pageerror", (e) => see(e.stack));
  p.on("dialog", (d) => { see("a dialog: " + d.message()); d.dismiss(); });
  p.on("request", (r) => { if (r.url().split("#")[0] !== address && !/^(data|blob):/.test(r.url())) see("request to " + r.url()); });
}

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// accessible notes what axe finds serious or critical.
export async function accessible(p, what) {
  await p.evaluate(axe + ";0");
  const r = await p.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const v of r.violations.filter((v) => ["serious", "critical"].includes(v.impact))) {
    wrong.push(what + ": axe: " + v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160)).join(" | "));
  }
}

// end tells what was wrong, and leaves.
export async function end(browser) {
  await browser.close();
  for (const w of wrong) console.log("WRONG", w);
  process.exit(wrong.length ? 1 : 0);
}
