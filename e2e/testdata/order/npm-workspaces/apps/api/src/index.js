const http = require("http");
const isNumber = require("is-number");
const { greet } = require("@shop/greet");

http.createServer((req, res) => {
  const n = req.url.slice(1);
  res.end(isNumber(n) ? greet(Number(n)) : "not a number\n");
}).listen(3000);
