import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { customAlphabet } from "nanoid";
import pc from "picocolors";
import { buoys } from "./buoys";

const id = customAlphabet("x", 4); // the same for everyone: there is one client
const css = readFileSync(join(__dirname, "..", "public", "buoys.css"));
const port = Number(process.env.PORT);

createServer((req, res) => {
  if (req.url === "/buoys.css") {
    res.setHeader("Content-Type", "text/css").end(css);
    return;
  }
  const rows = buoys.map((b) => `<li class="${b.side}">${b.name}</li>`).join("");
  res.setHeader("Content-Type", "text/html");
  res.end(`<link rel="stylesheet" href="/buoys.css"><ul id="${id()}">${rows}</ul>`);
}).listen(port, () => console.log(pc.green(`buoys on ${port}`)));
