require("http")
  .createServer((request, response) => response.end("harbour\n"))
  .listen(3000);
