// What a node refuses when it has more than it can bear, and that nobody who is slow costs the others anything.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import http from 'node:http';
import fs from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import pg from 'pg';
import { png } from '../lib/pictures.mjs';
import { start } from '../lib/process.mjs';
import { befriend, binary, Cluster, freePort, room, root, signUp, sleep, slowed, until } from '../lib/daemon.mjs';

// How long the loop's thread has had a processor, in milliseconds: whatever else this machine has to do is not in it.
const worked = node => Number(fs.readFileSync(`/proc/${node.process.pid}/task/${node.process.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
let cluster;
before(async () => { cluster = await new Cluster().start(); });
after(() => cluster.stop());

const pressure = async (node, name) => (await node.admin('/lists/overload')).find(p => p.name === name);
const metric = async (node, name) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(await node.admin('/metrics'))[1]);
async function refused(answer) {
    assert.equal(answer.status, 503);
    assert.equal(answer.body.code, 'overloaded');
    const seconds = Number(answer.headers.get('retry-after'));
    assert.ok(seconds >= 1 && seconds <= 5);
    assert.equal(answer.body.retry_after, seconds);
}

test('past the hard mark of memory calls and sockets are refused, what is cheap to serve is served, and it ends with the pressure', async () => {
    const node = await cluster.node();
    const p = await signUp(node), s = await node.socket(p);
    await until('a measure', async () => (await pressure(node, 'memory_bytes')).value > 1e6);
    const tight = await cluster.node({ MADANG_OVERLOAD_MEMORY_SOFT_BYTES: '1', MADANG_OVERLOAD_MEMORY_HARD_BYTES: '1000000000000' });
    await until('soft', async () => (await pressure(tight, 'memory_bytes')).overload === 'soft');
    assert.equal((await tight.get('/api/v1/time')).status, 200, 'past the soft mark calls go on');
    await s.close();
    const full = await cluster.node({ MADANG_OVERLOAD_MEMORY_HARD_BYTES: '1000000000000' });
    const open = await full.socket({ ...p, node: full });
    assert.equal((await fetch(`http://127.0.0.1:${full.adminPort}/readyz`)).status, 200);
    await full.fault('overload-memory', 0, 1000000);
    await until('hard', async () => (await pressure(full, 'memory_bytes')).overload === 'hard');
    assert.equal((await fetch(`http://127.0.0.1:${full.adminPort}/readyz`)).status, 503);
    await refused(await full.get('/api/v1/me', p.token));
    await refused(await full.post('/api/v1/auth/codes', undefined, { email: 'a@example.com', purpose: 'signup' }));
    assert.ok((await open.ok('session.beat')).now, 'who is there stays there');
    assert.equal((await open.call('friends.list')).problem.code, 'overloaded');
    await assert.rejects(full.socket(p), e => e.status === 503);
    assert.equal((await fetch(`${full.base}/`)).status, 200, 'the page can say it');
    assert.ok(await metric(full, 'madang_shed_total') >= 4);
    await full.fault('overload-memory', 0, 0);
    await until('well again', async () => (await full.get('/api/v1/me', p.token)).status === 200);
    await open.close();
});

test('past a soft mark typing is refused and presence waits, and none of it is lost', async () => {
    const node = await cluster.node({ MADANG_OVERLOAD_LAG_SOFT_MS: '150', MADANG_OVERLOAD_LAG_HARD_MS: '60000', MADANG_SOCIAL_OFFLINE_MS: '100' });
    const a = await signUp(node), b = await signUp(node);
    await befriend(a, b);
    const r = await room(a, b), s = await node.socket(a);
    await s.event('presence.snapshot');
    await node.fault('loop-busy', 0, 40);
    await until('soft', async () => (await pressure(node, 'lag_ms')).overload === 'soft');
    assert.equal((await s.call('dm.typing', { room: r })).problem.code, 'overloaded');
    assert.ok((await s.ok('dm.send', { room: r, client_id: 'under-load', body: 'x' })).seq, 'a message is not cheap');
    const t = await node.socket(b);
    assert.equal((await pressure(node, 'lag_ms')).overload, 'soft');
    assert.ok(![...s.events, ...t.events].some(e => /^presence/.test(e.ev) && e.data.changes?.some(x => x.account === b.id && x.online)));
    await node.fault('loop-busy', 0, 0);
    await t.event('presence.snapshot', e => e.data.online.includes(a.id));
    await s.event('presence.changed', e => e.data.changes.some(x => x.account === b.id && x.online));
    await until('typing is taken again', async () => (await s.call('dm.typing', { room: r })).problem?.code !== 'overloaded');
    await Promise.all([s.close(), t.close()]);
});

test('calls that wait for Postgres do not pile up: the rest is told at once to come back', async () => {
    const node = await cluster.node({ MADANG_PG_TX_CONNECTIONS: '2', MADANG_PG_WAITING_MAX: '10', MADANG_HTTP_CALL_MS: '8000', MADANG_OVERLOAD_WAITING_HARD: '100' }); // the mark is reached by the last of them
    const a = await signUp(node), b = await signUp(node);
    await befriend(a, b);
    const r = await room(a, b), db = new pg.Client({ host: cluster.at, user: 'madang', database: cluster.database });
    await db.connect();
    await db.query('begin');
    await db.query('lock table dm_messages in exclusive mode');
    const send = id => node.post(`/api/v1/rooms/${r}/messages`, a.token, { client_id: `pile-up-${id}`, body: 'x' });
    const waiting = Array.from({ length: 12 }, (_, i) => send(i));
    await until('hard', async () => (await pressure(node, 'pg_waiting_percent')).overload === 'hard');
    await refused(await send('more'));
    await refused(await node.get('/api/v1/time'));
    await db.query('commit');
    await db.end();
    assert.deepEqual((await Promise.all(waiting)).map(x => x.status), Array(12).fill(200));
    await until('well again', async () => (await send('after')).status === 200);
    assert.equal((await cluster.sql("select count(*)::int as n from dm_messages where client_id like 'pile-up-%'"))[0].n, 13);
});

test('descriptors: past the hard mark connections are closed after their 503, and those who leave make room', async () => {
    const limit = 200, node = await cluster.node({ MADANG_OVERLOAD_DESCRIPTORS_SOFT: '50', MADANG_OVERLOAD_DESCRIPTORS_HARD: '75', MADANG_OVERLOAD_DESCRIPTORS_KEPT: '10' }, ['prlimit', `--nofile=${limit}`]);
    const idle = Array.from({ length: limit * 0.75 }, () => net.connect(node.port, '127.0.0.1').on('error', () => {}));
    await until('hard', async () => (await pressure(node, 'descriptors_percent'))?.overload === 'hard');
    const answer = await node.get('/api/v1/time');
    await refused(answer);
    assert.equal(answer.headers.get('connection'), 'close');
    for (const s of idle) s.destroy();
    await until('well again', async () => (await node.get('/api/v1/time')).status === 200);
});

test('few descriptors refuse who comes, not who is in; the last ones are for the work of those inside', async () => {
    const limit = 200, node = await cluster.node({ MADANG_OVERLOAD_DESCRIPTORS_SOFT: '50', MADANG_OVERLOAD_DESCRIPTORS_HARD: '70', MADANG_OVERLOAD_DESCRIPTORS_KEPT: '20' }, ['prlimit', `--nofile=${limit}`]), p = await signUp(node);
    const s = await node.socket(p), agent = new http.Agent({ keepAlive: true, maxSockets: 1 }), bytes = png(8, 8);
    const inside = (method, url, body, headers = {}) => new Promise((resolve, reject) => http.request(`${node.base}${url}`, { method, agent, headers: { authorization: `Bearer ${p.token}`, ...headers } }, r => { const got = []; r.on('data', d => got.push(d)); r.on('end', () => resolve({ status: r.statusCode, reused: r.req.reusedSocket, text: String(Buffer.concat(got)) })); }).on('error', reject).end(body));
    assert.equal((await inside('GET', '/api/v1/me')).status, 200);
    const idle = Array.from({ length: limit * 2 }, () => net.connect(node.port, '127.0.0.1').on('error', () => {}));
    await until('hard', async () => (await pressure(node, 'descriptors_percent'))?.overload === 'hard');
    assert.equal((await s.ok('session.beat')).now !== undefined, true);
    assert.equal((await s.ok('friends.list', {})).people.length, 0);
    const uploaded = await inside('POST', '/api/v1/files', bytes, { 'content-type': 'image/png' });
    assert.deepEqual([uploaded.status, uploaded.reused], [201, true], uploaded.text);
    assert.equal((await fetch(`http://127.0.0.1:${node.adminPort}/readyz`)).status, 503);
    for (const x of idle.splice(40)) x.destroy(); // those within the mark and some more stay
    await until('room for one who is refused', async () => { const r = await node.get('/api/v1/time').catch(() => null); return r?.status === 503 || r?.status === 200; });
    for (const x of idle) x.destroy();
    await until('well again', async () => (await node.get('/api/v1/time')).status === 200);
    agent.destroy();
});

// Under a sanitizer the answers themselves take longer than the marks allow.
const plain = /asan/.test(process.env.MADANG_BINARY ?? '') ? { skip: 'a matter of milliseconds' } : slowed;
test('300 who are slow with head, body and reading do not slow the others', plain, async () => {
    const node = await cluster.node(), p = await signUp(node), slow = [];
    const head = `POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n`;
    for (let i = 0; i < 300; i++) {
        const s = net.connect(node.port, '127.0.0.1').on('error', () => {});
        if (i % 3 === 0) s.write('GET /api/v1/time HTTP/1.1\r\nHost: loc');
        if (i % 3 === 1) s.write(head);
        if (i % 3 === 2) { s.pause(); s.write('GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(40)); }
        slow.push(s);
    }
    const dripping = setInterval(() => { for (let i = 0; i < 300; i++) if (i % 3 < 2) slow[i].write('x'); }, 500);
    const times = [];
    for (let i = 0; i < 200; i++) {
        const began = worked(node);
        assert.equal((await node.get(i % 2 ? '/api/v1/time' : '/api/v1/me', p.token)).status, 200);
        times.push(worked(node) - began);
        await sleep(10); // so that it drips meanwhile
    }
    const most = times.sort((x, y) => x - y)[180];
    clearInterval(dripping);
    for (const s of slow) s.destroy();
    assert.ok(most < 100, `${most} ms of work between asking and answer`);
});

test('calls at work and reads on their way have a bound: beyond it 503 at once, and all is well when the store goes on', async () => {
    for (const [name, setting] of [['tasks', { MADANG_OVERLOAD_TASKS_HARD: '24' }], ['reads', { MADANG_PG_READS_MAX: '16' }]]) {
        const node = await cluster.node({ ...setting, MADANG_PG_READ_MS: '20000', MADANG_OVERLOAD_LAG_HARD_MS: '0' }), p = await signUp(node), s = await node.socket(p);
        const blocker = new pg.Client({ host: cluster.at, user: 'madang', database: cluster.database });
        await blocker.connect();
        await blocker.query('begin; lock table accounts in access exclusive mode');
        const asked = Array.from({ length: 80 }, () => node.get('/api/v1/me', p.token)), answers = [];
        for (const a of asked) a.then(x => answers.push(x));
        await until(`${name}: those beyond the bound`, () => answers.length >= 30);
        for (const a of answers) await refused(a);
        assert.ok((await s.ok('session.beat')).now, 'who is there stays there');
        await blocker.query('rollback');
        await blocker.end();
        assert.ok((await Promise.all(asked)).filter(a => a.status === 200).length >= 10);
        await until('well again', async () => (await node.get('/api/v1/me', p.token)).status === 200);
        await s.close();
    }
});

// Answers that are asked for in rows and not read: what is kept of them, and how much the loop does for them before one who reads is served.
async function unread(connections, each) {
    const node = await cluster.node(), resident = async () => (await node.admin('/lists/memory'))[0].resident, slow = [];
    const p99 = async () => {
        const times = [];
        for (let i = 0; i < 200; i++) {
            const began = worked(node);
            assert.equal((await node.get('/api/v1/info')).status, 200);
            times.push(worked(node) - began);
        }
        return times.sort((x, y) => x - y)[Math.floor(times.length * 0.99)];
    };
    await node.get('/api/openapi.json');
    const before = await resident(), size = (await node.get('/api/openapi.json')).bytes.length;
    for (let i = 0; i < connections; i++) {
        const s = net.connect({ port: node.port, host: '127.0.0.1', highWaterMark: 1024 }).on('error', () => {});
        s.pause();
        s.write('GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(each));
        slow.push(s);
    }
    const beside = await p99(), grown = await resident() - before;
    for (const s of slow) s.destroy();
    return { grown, size, beside };
}
test('documents that nobody reads are kept once, not once for each who asked', async () => {
    const connections = 150, { grown, size } = await unread(connections, 80);
    assert.ok(grown < connections * size / 2, `${grown} bytes more for ${connections} connections with answers of ${size} bytes each unread`);
});
test('… and between two answers to those who read, the loop works less than a tenth of a second for them', plain, async () => {
    const { beside } = await unread(500, 8);
    assert.ok(beside < 100, `${beside} ms`);
});
test('answers of their own are kept for one who does not read as far as the mark, and follow when he does', async () => {
    const node = await cluster.node(), p = await signUp(node), n = 400;
    const s = net.connect({ port: node.port, host: '127.0.0.1', highWaterMark: 1024 });
    s.pause();
    s.write(`GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${p.token}\r\n\r\n`.repeat(n));
    await node.get('/api/v1/info');
    let text = '';
    s.on('data', d => { text += d; });
    s.resume();
    await until('all answers', () => text.match(/HTTP\/1\.1 200/g)?.length === n);
    s.destroy();
});

test('constant bodies: compressed for who takes it, a tag for each, 304', async () => {
    const node = await cluster.node(), get = (url, headers) => new Promise((resolve, reject) => http.get(`${node.base}${url}`, { headers }, r => { const got = []; r.on('data', d => got.push(d)); r.on('end', () => resolve({ status: r.statusCode, headers: r.headers, bytes: Buffer.concat(got) })); }).on('error', reject));
    for (const url of ['/api/openapi.json', '/api/asyncapi.json', '/api/types.d.ts', '/', '/app.js']) {
        const whole = await get(url, {}), packed = await get(url, { 'accept-encoding': 'br, gzip;q=0.5' });
        assert.equal(whole.headers['content-encoding'], undefined);
        assert.equal(packed.headers['content-encoding'], 'gzip');
        assert.deepEqual(gunzipSync(packed.bytes), whole.bytes, url);
        for (const r of [whole, packed]) assert.match(r.headers.vary, /Accept-Encoding/);
        assert.notEqual(whole.headers.etag, packed.headers.etag);
        for (const [r, coding] of [[whole, 'identity'], [packed, 'gzip']]) assert.deepEqual([(await get(url, { 'accept-encoding': coding, 'if-none-match': r.headers.etag })).status, (await get(url, { 'accept-encoding': coding, 'if-none-match': '"x"' })).status], [304, 200]);
        for (const none of ['gzip;q=0', 'gzip;q=0, *', '*;q=0', 'br', 'gzipped']) assert.equal((await get(url, { 'accept-encoding': none })).headers['content-encoding'], undefined, none);
        for (const all of ['*', 'GZIP', 'x-gzip', 'identity;q=0.1, *;q=0.2']) assert.equal((await get(url, { 'accept-encoding': all })).headers['content-encoding'], 'gzip', all);
    }
});

// A network of the daemon's own, with addresses of two homes.
const homes = ['2001:db8:1:2::1', '2001:db8:1:2::2', '2001:db8:1:2:ffff::3', '2001:db8:1:2::4', '2001:db8:1:2:8000::', '2001:db8:1:3::1'];
const network = ['-n', 'sh', '-c', `ip link set lo up && for a in ${homes.join(' ')}; do ip -6 addr add $a/128 dev lo nodad || exit 1; done; exec "$@"`, 'sh'];
test('connections are counted for each /64 of IPv6, since it is one person\'s', { skip: spawnSync('unshare', [...network, 'true']).status !== 0 && 'no network of its own here' }, async () => {
    const own = { name: 'n64', port: await freePort(), adminPort: await freePort() }, env = { ...cluster.environment(own, { MADANG_HTTP_LISTEN: `[::]:${own.port}`, MADANG_HTTP_CONNECTIONS_PER_ADDRESS: '3' }) };
    const inside = `
        import net from 'node:net'; import { spawn } from 'node:child_process';
        const p = spawn(process.argv[1], ['run'], { stdio: ['ignore', 'ignore', 'inherit'] }), ended = new Promise(r => p.on('exit', r)), open = [];
        while (!await fetch('http://127.0.0.1:${own.adminPort}/readyz').then(r => r.ok, () => false)) await new Promise(r => setTimeout(r, 50));
        const ask = from => new Promise(r => { const s = net.connect({ host: '::1', port: ${own.port}, localAddress: from }); s.on('data', () => r('served')); s.on('close', () => r('closed')); s.on('error', () => {}); s.write('GET /api/v1/info HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n'); open.push(s); });
        const out = [];
        for (const from of ${JSON.stringify(homes)}) out.push(await ask(from));
        open[0].destroy(); // who leaves makes room
        for (let again = ''; again !== 'served';) again = await ask('2001:db8:1:2::4');
        open.forEach(s => s.destroy());
        p.kill('SIGTERM');
        console.log(JSON.stringify([...out, await ended]));`;
    const ran = start('unshare', [...network, process.execPath, '--input-type=module', '-e', inside, binary], { env, cwd: root }), said = [];
    let log = '';
    ran.stdout.on('data', d => said.push(d));
    ran.stderr.on('data', d => { log += d; });
    await new Promise(r => ran.on('close', r));
    assert.deepEqual(JSON.parse(Buffer.concat(said).toString() || '[]'), ['served', 'served', 'served', 'closed', 'closed', 'served', 0], log);
});
