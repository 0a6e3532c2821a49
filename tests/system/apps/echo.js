// Says which request it got: "METHOD PATH LENGTH-OF-BODY". echo.js PORT
const server = require("http").createServer((request, response) => {
  let length = 0;
  request.on("data", (data) => { length += data.length; });
  request.on("end", () => {
    const text = `${request.method} ${request.url} ${length}`;
    response.setHeader("Content-Length", text.length);
    response.end(text);
  });
});
server.keepAliveTimeout = 60000;
server.listen(Number(process.argv[2]), "127.0.0.1", 1024);
