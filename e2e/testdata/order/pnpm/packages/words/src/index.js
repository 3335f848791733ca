const ms = require("ms");

exports.age = (seconds) => ms(Math.round(seconds) * 1000);
