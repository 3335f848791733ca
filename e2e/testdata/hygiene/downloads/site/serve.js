// A server for the files beside it.
const fs = require("fs");
const http = require("http");
const path = require("path");

const types = { ".html": "text/html", ".css": "text/css", ".js": "text/javascript" };

http.createServer((req, res) => {
  const name = path.normalize(req.url === "/" ? "/index.html" : req.url);
  fs.readFile(path.join(__dirname, name), (err, data) => {
    res.writeHead(err ? 404 : 200, { "Content-Type": types[path.extname(name)] || "text/plain" });
    res.end(err ? "no such file\n" : data);
  });
}).listen(8000);
