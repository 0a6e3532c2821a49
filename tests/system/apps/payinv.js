// examples/payinv for node: every answer begins with the slot, the port and the pid. payinv.js PORT
// SIGTERM: finishes what it has, then ends.
'use strict';
const { PAYINV_SLOT, PAYINV_PORT } = process.env;
const text = `${PAYINV_SLOT} ${PAYINV_PORT} ${process.pid}\n`;

const server = require('http').createServer((request, response) => {
  const url = new URL(request.url, 'http://payinv.example');
  const answer = () => response.setHeader('Content-Length', text.length).end(text);
  request.resume().on('end', () => {
    if (url.pathname === '/slow') setTimeout(answer, Number(url.searchParams.get('ms')));
    else answer();
  });
});
server.keepAliveTimeout = 5000;
server.listen(Number(process.argv[2]), '127.0.0.1', 1024);

process.on('SIGTERM', () => {
  server.close();
  server.closeIdleConnections();
});
