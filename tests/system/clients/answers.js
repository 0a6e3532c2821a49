// answers.js PORT METHOD...: asks for /0, /1, ... by these methods, each on a connection of its own, and
// for /marker behind each. One line of JSON: [what came, what the marker was answered with] for each.
const http = require("http");
const [port, ...methods] = process.argv.slice(2);

function ask(agent, method, path) {
  return new Promise((resolve) => {
    const options = { agent, method, path, port, host: "127.0.0.1", timeout: 2500 };
    const request = http.request(options, (response) => {
      let body = "";
      response.setEncoding("latin1");
      response.on("data", (data) => { body += data; });
      response.on("end", () => resolve({ body, reused: request.reusedSocket }));
      response.on("error", () => resolve({ error: "cut" }));
    });
    request.on("timeout", () => { request.destroy(); resolve({ error: "hangs" }); });
    request.on("error", (error) => resolve({ error: error.code || String(error) }));
    request.end();
  });
}

async function one(method, i) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const first = await ask(agent, method, `/${i}`);
  const second = first.error ? null : await ask(agent, "GET", "/marker");
  agent.destroy();
  return [first, second];
}

Promise.all(methods.map(one)).then((results) => console.log(JSON.stringify(results)));
