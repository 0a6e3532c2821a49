// agent.js HOST:PORT KIND CLIENTS THINK_MS: asks until SIGTERM, half of it POST, through node's own
// HTTP clients, and prints what became of it as JSON: {"ok": N, "failed": {"ECONNRESET POST": n}}.
// KIND: agent (kept alive), pool (4 sockets and a queue), fetch.
'use strict';
const http = require('http');
const [target, kind, clients, think] = process.argv.slice(2);
const [host, port] = target.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: kind === 'pool' ? 4 : Infinity });
const result = { ok: 0, failed: {}, slots: {} };
let stopping = false;

function byAgent(method) {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host, port, method, path: '/', agent, timeout: 30000, headers: { Host: 'payinv.example' } },
      (response) => {
        let body = '';
        response.on('data', (data) => { body += data; });
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode !== 200) reject(new Error('status ' + response.statusCode));
          else resolve(body);
        });
      });
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', reject);
    request.end(method === 'POST' ? 'body of a post' : undefined);
  });
}

async function byFetch(method) {
  const response = await fetch(`http://${target}/`,
    { method, body: method === 'POST' ? 'body of a post' : undefined });
  if (response.status !== 200) throw new Error('status ' + response.status);
  return response.text();
}

async function client(i) {
  const ask = kind === 'fetch' ? byFetch : byAgent;
  for (let n = i; !stopping; n++) {
    const method = n % 2 ? 'POST' : 'GET';
    try {
      const slot = (await ask(method)).split(' ')[0];
      result.ok++;
      result.slots[slot] = (result.slots[slot] || 0) + 1;
    } catch (error) {
      const why = `${(error.cause || error).code || error.message} ${method}`;
      result.failed[why] = (result.failed[why] || 0) + 1;
    }
    const pause = think * (0.5 + Math.random());
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

process.on('SIGTERM', () => { stopping = true; });
Promise.all(Array.from({ length: Number(clients) }, (_, i) => client(i))).then(() => {
  console.log(JSON.stringify(result));
  process.exit(0);
});
