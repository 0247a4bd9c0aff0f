// Counts its visits in /data, and says who it is.
const fs = require("fs");
const http = require("http");
const os = require("os");

http
  .createServer((request, response) => {
    fs.appendFileSync("/data/visits", ".");
    const visits = fs.statSync("/data/visits").size;
    response.end(`visit ${visits}, counted by ${os.userInfo().username}\n`);
  })
  .listen(3000);
