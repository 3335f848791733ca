// Writes the code book that flags.js reads.
const fs = require("fs");
const path = require("path");
const ms = require("ms");

const book = {
  A: "diver down",
  H: "pilot on board",
  NC: "in distress",
};
fs.writeFileSync(path.join(__dirname, "..", "book.json"), JSON.stringify({ book, every: ms("2 minutes") }, null, 1) + "\n");
