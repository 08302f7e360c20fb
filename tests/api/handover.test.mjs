// An upgrade: a second instance takes the listening socket over, the first drains; nobody is refused.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { client } from '../lib/client.mjs';
import { befriend, Cluster, room, root, signUp, sleep, until } from '../lib/daemon.mjs';
import { start } from '../lib/process.mjs';
import { Proxy } from '../lib/proxy.mjs';

let cluster;
before(async () => { cluster = await new Cluster().start(); });
after(() => cluster.stop());

const get = port => new Promise((resolve, reject) => {
    const s = net.connect(port, '127.0.0.1', () => s.write('GET /api/v1/time HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'));
    let text = '';
    s.on('data', d => { text += d; });
    s.on('error', reject);
    s.on('close', () => /^HTTP\/1\.1 200/.test(text) ? resolve() : reject(new Error(text.slice(0, 600) || 'nothing')));
});

test('blue and green share one socket: of 10,000 requests and messages none is lost', async t => {
    const handover = `${cluster.folder}/handover`, blue = await cluster.node({ MADANG_HTTP_HANDOVER: handover, MADANG_HTTP_DRAIN_MS: '8000' });
    const a = await signUp(blue), b = await signUp(blue);
    await befriend(a, b);
    const r = await room(a, b), [ma, mb] = [client(blue, a), client(blue, b)], told = [], heard = new Set();
    mb.on('dm.message', e => { told.push(e.seq); heard.add(e.seq); });
    mb.on('resync', async ({ on, head }) => { // away for more events than are replayed: the client reads them, as a page would
        for (let since = on === `room:${r}` ? missedFrom : head; since < head;) {
            const page = await mb.persist('dm.sync', { room: r, since });
            for (const e of page.events) heard.add(e.seq);
            since = page.events.at(-1).seq;
        }
    });
    let missedFrom = 0;
    mb.on('closed', () => { while (heard.has(missedFrom + 1)) missedFrom++; });
    ma.connect();
    mb.connect();
    await until('both open', () => ma.state === 'open' && mb.state === 'open');
    let stop = false, asked = 0, said = 0;
    t.after(() => { stop = true; ma.close(); mb.close(); }); // also when it fails: else its loops would keep the run alive
    const failures = [];
    const ask = async () => { while (!stop) { asked++; await get(blue.port).catch(e => failures.push(e.message)); } };
    const say = async () => { while (!stop) await ma.call('dm.send', { room: r, client_id: `blue-green-${said++}`, body: 'x' }, { again: true }); };
    const all = [ask(), ask(), ask(), ask(), say()];
    const done = n => until(`${n} requests and messages`, () => asked + said >= n || failures.length, 60000);
    await done(3000);
    const green = await cluster.node({ MADANG_HTTP_HANDOVER: handover, MADANG_HTTP_LISTEN: `127.0.0.1:${blue.port}`, MADANG_HTTP_PUBLIC_URL: blue.base });
    green.port = blue.port;
    await done(5000);
    blue.process.kill('SIGTERM');
    assert.deepEqual(await blue.exited, { code: 0, signal: null });
    blue.killed = true;
    await done(10000);
    stop = true;
    await Promise.all(all);
    assert.deepEqual(failures, [], `of ${asked}`);
    await until('all messages', () => heard.size >= said);
    assert.deepEqual([...heard].sort((x, y) => x - y), Array.from({ length: said }, (_, i) => i + 1));
    assert.equal(new Set(told).size, told.length, 'nothing is told twice');
    await green.logs(/took 1 listening sockets over/);
});

test('a successor answers nobody before it has reached its stores', async t => {
    const handover = `${cluster.folder}/slow-start`, blue = await cluster.node({ MADANG_HTTP_HANDOVER: handover });
    const proxy = await new Proxy(`${cluster.folder}/slow/.s.PGSQL.5432`, `${cluster.at}/.s.PGSQL.5432`).start();
    t.after(() => proxy.stop());
    proxy.delay = 400;
    let stop = false;
    const failures = [];
    const ask = async () => { while (!stop) await get(blue.port).catch(e => failures.push(e.message)); };
    const all = [ask(), ask(), ask(), ask()];
    const green = await cluster.node({ MADANG_HTTP_HANDOVER: handover, MADANG_HTTP_LISTEN: `127.0.0.1:${blue.port}`, MADANG_PG_URL: `postgresql://madang@/${cluster.database}?host=${cluster.folder}/slow` });
    green.port = blue.port;
    stop = true;
    await Promise.all(all);
    assert.deepEqual(failures, []);
});

test('who waits in the queue of the socket when the node is told to end is served', async () => {
    const node = await cluster.node();
    node.process.kill('SIGSTOP');
    const all = Promise.all(Array.from({ length: 50 }, () => get(node.port)));
    await sleep(200);
    node.process.kill('SIGTERM');
    node.process.kill('SIGCONT');
    await all;
    assert.deepEqual(await node.exited, { code: 0, signal: null });
    node.killed = true;
});

test('sockets that systemd hands over, and Unix sockets', async () => {
    const node = await cluster.node(), path = `${cluster.folder}/u.sock`;
    const p = await signUp(node);
    const server = net.createServer().listen(0, '127.0.0.1');
    await new Promise(r => server.on('listening', r));
    const { port } = server.address(), handle = server._handle;
    const binary = process.env.MADANG_BINARY ?? `${root}/build/release/madangd`;
    const env = { ...cluster.environment({ name: 'sd', port: 1, adminPort: 1 }, { MADANG_HTTP_LISTEN: `systemd,unix:${path}`, MADANG_ADMIN_LISTEN: `unix:${cluster.folder}/admin.sock`, MADANG_HTTP_TRUSTED_PROXIES: 'unix' }), LISTEN_FDS: '1' };
    const daemon = start('sh', ['-c', `LISTEN_PID=$$ exec ${binary} run`], { env, stdio: ['ignore', 'ignore', 'pipe', handle], cwd: root });
    const exited = new Promise(r => daemon.on('exit', r));
    try {
        const curl = (sock, url, ...more) => String(execFileSync('curl', ['-sS', '-i', '--unix-socket', sock, `http://localhost${url}`, ...more]));
        await until('ready by the Unix socket', () => fs.existsSync(`${cluster.folder}/admin.sock`) && /"ready":true/.test(curl(`${cluster.folder}/admin.sock`, '/readyz')));
        server.close();
        assert.match(curl(path, '/api/v1/me', '-H', `authorization: Bearer ${p.token}`, '-H', 'x-forwarded-for: 203.0.113.9', '-H', 'x-request-id: given-by-proxy'), /X-Request-Id: given-by-proxy/);
        await get(port);
    } finally { daemon.kill('SIGTERM'); }
    assert.equal(await exited, 0);
});
