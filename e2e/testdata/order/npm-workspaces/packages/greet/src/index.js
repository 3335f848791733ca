const ms = require("ms");

exports.greet = (n) => `hello, ${ms(n)}\n`;
