const http = require("http");
const { age } = require("words-list");

http.createServer((req, res) => res.end(`up for ${age(process.uptime())}\n`)).listen(3000);
