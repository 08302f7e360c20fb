// Benchmarks: work per second of server CPU, as ratios to a bare epoll loop measured in the same run; medians. ./dev bench [--quick]
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

const root = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../..');
const quick = process.argv.includes('--quick'), RUNS = quick ? 3 : 5, SECONDS = quick ? 1 : 2, IDLE = quick ? 1000 : 3000;
process.env.MADANG_TEST_STORES = path.resolve(process.env.MADANG_PG_URL.split('host=')[1]);
const { Cluster, signUp, befriend, until } = await import('../lib/daemon.mjs');
const sleep = ms => new Promise(r => setTimeout(r, ms));

const cpu = pid => { const f = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' '); return (Number(f[11]) + Number(f[12])) / 100; };
const rss = pid => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
const median = a => [...a].sort((x, y) => x - y)[a.length >> 1];
const pin = pid => { try { execFileSync('taskset', ['-acp', '0', String(pid)], { stdio: 'ignore' }); } catch { /* not everywhere */ } };

function frame(text) {
    const p = Buffer.from(text), head = p.length < 126 ? Buffer.from([0x81, 0x80 | p.length, 0, 0, 0, 0]) : Buffer.from([0x81, 0xfe, p.length >> 8, p.length & 255, 0, 0, 0, 0]);
    return Buffer.concat([head, p]);
}
const connect = port => new Promise((r, e) => { const s = net.connect(port, '127.0.0.1', () => { s.setNoDelay(true); r(s); }).on('error', e); });
async function upgrade(port, token) {
    const s = await connect(port);
    s.write('GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: madang.v1\r\n\r\n');
    await new Promise(r => s.once('data', r));
    if (token) {
        s.write(frame(JSON.stringify({ op: 'session.open', id: 1, in: { token } })));
        await new Promise(r => s.once('data', r));
    }
    return s;
}
// One in flight on each connection, for some seconds: answers a second of server CPU.
async function load(pid, sockets, bytes) {
    let done = 0, stop = false;
    const before = cpu(pid);
    sockets.forEach(s => { s.removeAllListeners('data'); s.on('data', () => { done++; if (!stop) s.write(bytes); }); s.write(bytes); });
    await sleep(SECONDS * 1000);
    stop = true;
    await sleep(100);
    return done / Math.max(0.01, cpu(pid) - before);
}

const floorPort = 20000 + process.pid % 20000, floorPath = path.join(root, 'build/release/bench-floor');
execFileSync('cc', ['-O2', '-D_GNU_SOURCE', '-include', path.join(root, 'include/madang/banned.h'), path.join(root, 'tests/bench/floor.c'), '-lcrypto', '-o', floorPath]);
const floor = spawn(floorPath, [String(floorPort)]);
const cluster = await new Cluster().start(), node = await cluster.node({ MADANG_LOG_ACCESS: 'false', MADANG_LIMITS_SCALE: '1000000', MADANG_HTTP_CONNECTIONS_PER_ADDRESS: '100000', MADANG_SESSION_PER_ACCOUNT: '1000' });
const pid = node.process.pid;
pin(pid);
pin(floor.pid);
const a = await signUp(node), b = await signUp(node);
await befriend(a, b);

const rows = [];
async function compare(name, unit, subjects) {
    const results = subjects.map(() => []);
    for (let i = 0; i < RUNS; i++) for (let k = 0; k < subjects.length; k++) results[k].push(await subjects[k]());
    const m = results.map(median), best = results.map(r => Math.max(...r));
    rows.push({ name, unit, ours: m[0], best: best[0], floor: m[1], ratio: m[0] / m[1] });
    console.error(`${name}: ${Math.round(m[0])} against ${Math.round(m[1])}: ${(m[0] / m[1]).toFixed(2)}`);
}
const many = (n, make) => Promise.all(Array.from({ length: n }, make));
const get = (path, token) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${token ? `Authorization: Bearer ${token}\r\n` : ''}\r\n`;
const httpOurs = await many(64, () => connect(node.port)), httpFloor = await many(64, () => connect(floorPort));
const floorGet = () => load(floor.pid, httpFloor, get('/'));
await compare('GET of a constant JSON, 64 connections', 'requests', [() => load(pid, httpOurs, get('/api/v1/info')), floorGet]);
await compare('GET /api/v1/me: token, one indexed SELECT', 'requests', [() => load(pid, httpOurs, get('/api/v1/me', a.token)), floorGet]);
[...httpOurs, ...httpFloor].forEach(s => s.destroy());

const beat = frame('{"op":"session.beat","id":2}');
const wsOurs = await many(100, () => upgrade(node.port, a.token)), wsFloor = await many(100, () => upgrade(floorPort));
await compare('WebSocket call round trip (session.beat), 100 sockets', 'calls', [() => load(pid, wsOurs, beat), () => load(floor.pid, wsFloor, beat)]);
wsFloor.forEach(s => s.destroy());

// One event to all 100 sockets; the floor of a delivery is one echo.
await cluster.sql("update accounts set role = 'manager' where id = $1", [b.id]);
const boss = (await node.ok('POST', '/api/v1/auth/login', undefined, { email: b.email, password: b.password })).access_token;
const echoFloor = rows.at(-1).floor, fan = [];
for (let i = 0; i < RUNS; i++) {
    let frames = 0;
    wsOurs.forEach(s => { s.removeAllListeners('data'); s.on('data', () => { frames++; }); });
    const before = cpu(pid), end = Date.now() + SECONDS * 1000;
    while (Date.now() < end) await node.ok('POST', '/api/v1/notices', boss, { title: 'bench', body: 'bench' });
    await sleep(50);
    fan.push(frames / Math.max(0.01, cpu(pid) - before));
}
rows.push({ name: 'fan-out of one durable event to 100 sockets', unit: 'deliveries', ours: median(fan), best: Math.max(...fan), floor: echoFloor, ratio: median(fan) / echoFloor });
wsOurs.forEach(s => s.destroy());

await until('sockets gone', async () => (await node.admin('/lists/sockets')).length === 0);
const fresh = await cluster.node(node.extra); // memory that was never used for anything else
for (let i = 0; i < 20; i++) (await upgrade(fresh.port, a.token)).destroy();
await sleep(300);
await fresh.admin('/lists/sockets');
const startRss = rss(fresh.process.pid), idle = [];
for (let i = 0; i < IDLE; i += 50) idle.push(...await many(Math.min(50, IDLE - i), () => upgrade(fresh.port, a.token)));
await sleep(500);
const held = (await fresh.admin('/lists/sockets')).length;
if (held < IDLE) throw new Error(`${held} of ${IDLE} sockets are open`);
const each = Math.round((rss(fresh.process.pid) - startRss) / IDLE);
idle.forEach(s => s.destroy());
await sleep(300);
await cluster.stop();
floor.kill();

const k = n => n >= 1000 ? `${(n / 1000).toFixed(1)} k` : String(Math.round(n));
const table = rows.map(r => `| ${r.name} | ${k(r.ours)} | ${k(r.best)} | ${k(r.floor)} | **${r.ratio.toFixed(2)}** |`).join('\n');
const text = `# Performance

Made by \`./dev bench\`. Work per second of server CPU time (user and system), server pinned to one core; the load is a Node client
with one request in flight on each connection. The floor is a bare epoll loop in C that parses nothing, checks nothing and answers
a constant (\`tests/bench/floor.c\`), measured in the same run, alternating; ${RUNS} repetitions, medians. Absolute figures move with the
machine; the ratios hardly do.

| scenario | ours, per CPU second | best | floor | ratio |
|---|--:|--:|--:|--:|
${table}

Idle memory of one authenticated WebSocket in its account's topic and \`notices\`, ${IDLE} of them: **${each} bytes** (resident; the kernel's
socket buffers are not in it).

The SELECT line shares its ratio with the constant floor, so it holds Postgres's client side: parsing, the pipeline's two system calls.
`;
fs.writeFileSync(path.join(root, 'docs/performance.md'), text);
console.log(text);
