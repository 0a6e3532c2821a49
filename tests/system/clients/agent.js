// agent.js HOST:PORT KIND CLIENTS THINK_MS: asks until SIGTERM, half of it POST, through node's own
// HTTP clients, and prints what became of it as JSON: {"ok": N, "failed": {"ECONNRESET POST": n},
// "slots": {"a": n}, "longest_ms": n}. Every fourth client thinks sixty times as long, so that
// connections lie idle for longer than workers keep them; every fifteenth request takes 200 ms.
// A connection that the server ended first counts as failed: "closed by the server".
// KIND: agent (kept alive), pool (4 sockets and a queue), fetch.
'use strict';
const http = require('http');
const net = require('net');
const { setTimeout: pauseFor } = require('timers/promises');
const [target, kind, clients, think] = process.argv.slice(2);
const [host, port] = target.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: kind === 'pool' ? 4 : Infinity });
const result = { ok: 0, failed: {}, slots: {}, longest_ms: 0 };
const stop = new AbortController();

function failed(why) {
  result.failed[why] = (result.failed[why] || 0) + 1;
}

function watch(socket) {
  return socket.on('end', () => failed('closed by the server'));
}

agent.createConnection = (options) => watch(net.connect(options));
require('diagnostics_channel').channel('undici:client:connected')
  .subscribe((message) => watch(message.socket));

function byAgent(method, path) {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { host, port, method, path, agent, timeout: 30000, headers: { Host: 'payinv.example' } },
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

async function byFetch(method, path) {
  const response = await fetch(`http://${target}${path}`,
    { method, body: method === 'POST' ? 'body of a post' : undefined });
  if (response.status !== 200) throw new Error('status ' + response.status);
  return response.text();
}

async function client(i) {
  const ask = kind === 'fetch' ? byFetch : byAgent;
  for (let n = i; !stop.signal.aborted; n++) {
    const method = n % 2 ? 'POST' : 'GET';
    const began = performance.now();
    try {
      const slot = (await ask(method, n % 15 ? '/' : '/slow?ms=200')).split(' ')[0];
      result.ok++;
      result.slots[slot] = (result.slots[slot] || 0) + 1;
      result.longest_ms = Math.max(result.longest_ms, performance.now() - began);
    } catch (error) {
      failed(`${(error.cause || error).code || error.message} ${method}`);
    }
    const pause = think * (i % 4 === 3 ? 60 : 1) * (0.5 + Math.random());
    await pauseFor(pause, undefined, { signal: stop.signal }).catch(() => {});
  }
}

process.on('SIGTERM', () => stop.abort());
Promise.all(Array.from({ length: Number(clients) }, (_, i) => client(i))).then(() => {
  console.log(JSON.stringify(result));
  process.exit(0);
});
