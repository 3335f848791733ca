// flags NAME…: what these flags say.
const escape = require("escape-html");
const { book, every } = require("../book.json");

for (const flag of process.argv.slice(2)) {
  console.log(`${flag}: ${escape(book[flag] || "not in the book")}, repeated every ${every / 1000} s`);
}
