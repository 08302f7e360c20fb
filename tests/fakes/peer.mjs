// An outside service as a process of its own: node peer.mjs s3|llm prints its port. What it answers is always well.
import http from 'node:http';

const answers = {
    s3: (q, r) => { q.resume().on('end', () => { r.writeHead(200); r.end(); }); },
    llm: (q, r) => { q.resume().on('end', () => { r.writeHead(200, { 'content-type': 'text/event-stream' }); r.end('data: {"choices":[{"index":0,"delta":{"content":"네."},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'); }); },
};
const server = http.createServer(answers[process.argv[2]]).listen(0, '127.0.0.1', () => console.log(server.address().port));
