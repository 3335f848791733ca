// Draws the ensign of a ship, and keeps its captain's password.
const http = require("http");
const bcrypt = require("bcrypt");
const sharp = require("sharp");

const salt = "$2b$04$abcdefghijklmnopqrstuu";

http
  .createServer(async (request, response) => {
    if (request.url === "/ensign") {
      const flag = { width: 48, height: 32, channels: 3, background: { r: 20, g: 60, b: 120 } };
      response.setHeader("Content-Type", "image/png");
      response.end(await sharp({ create: flag }).png().toBuffer());
      return;
    }
    response.setHeader("Content-Type", "text/html");
    response.end(`<img src="/ensign"><p>${bcrypt.hashSync("harbour", salt)}</p>\n`);
  })
  .listen(3000);
