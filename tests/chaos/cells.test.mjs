// Faults, one at a time, under the load of 100 sockets on two nodes. In each: nothing acknowledged is lost or doubled, nobody crashes,
// 5xx only while the fault stands and with Retry-After, work again soon after its end, memory as before.
// MADANG_CHAOS=name,name chooses.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import net from 'node:net';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { client } from '../lib/client.mjs';
import { befriend, Cluster, room, signUp, sleep, until } from '../lib/daemon.mjs';
import { png } from '../lib/pictures.mjs';
import { all } from '../lib/process.mjs';
import { Proxy } from '../lib/proxy.mjs';
import { Stores } from '../lib/stores.mjs';

const PEOPLE = 10, SOCKETS = 10, PACE_MS = 40, sanitized = /asan/.test(process.env.MADANG_BINARY ?? '');
let stores, cluster, one, two, proxy, silent, resetting, people, rooms, load;

const listen = handle => new Promise(r => { const s = net.createServer(handle).listen(0, '127.0.0.1', () => r(s)); });
const nodeOptions = () => ({ MADANG_PG_URL: `postgresql://madang@/${cluster.database}?host=${cluster.folder}/proxied`, MADANG_HTTP_DRAIN_MS: '5000', MADANG_LOG_ACCESS: 'false' });

before(async () => {
    stores = await new Stores().start();
    cluster = await new Cluster(stores).start();
    proxy = await new Proxy(`${cluster.folder}/proxied/.s.PGSQL.5432`, `${stores.at}/.s.PGSQL.5432`).start();
    one = await cluster.node(nodeOptions());
    two = await cluster.node(nodeOptions());
    people = [];
    for (let i = 0; i < PEOPLE; i++) people.push(await signUp(i % 2 ? two : one));
    rooms = [];
    for (let i = 0; i < PEOPLE; i++) {
        const a = people[i], b = people[(i + 1) % PEOPLE];
        await befriend(a, b);
        rooms.push({ id: await room(a, b), members: [i, (i + 1) % PEOPLE] });
    }
    load = await new Load().start();
    await sleep(2000);
});
after(() => all(() => load?.close(), () => cluster?.stop(), () => proxy?.stop(), () => stores?.stop(), () => silent?.close(), () => resetting?.close()));

// 100 clients that hear, 10 of them that speak, and two that ask plainly and write down what they are told.
class Load {
    clients = [];
    acknowledged = new Map();
    heard = []; // client → room → numbers
    answers = []; // { at, status, retry, who }
    async start() {
        for (let i = 0; i < PEOPLE * SOCKETS; i++) {
            const c = client(i % 4 < 2 ? one : two, people[i % PEOPLE]), heard = new Map();
            c.on('dm.message', e => { const list = heard.get(e.on) ?? []; list.push(e.seq); heard.set(e.on, list); });
            this.clients.push(c);
            this.heard.push(heard);
            c.connect();
            if (i % 10 === 9) await sleep(20);
        }
        await until('100 sockets', () => this.clients.every(c => c.state === 'open'), 20000);
        this.asking = true;
        this.speak = true;
        this.loops = [...people.map((_, i) => this.talk(i)), this.ask(one), this.ask(two)];
        return this;
    }
    sent = 0;
    async talk(i) {
        while (this.asking) {
            if (!this.speak) { await sleep(20); continue; }
            const n = this.sent++, mine = rooms.filter(r => r.members.includes(i)), to = mine[n % mine.length], id = `chaos-${String(n).padStart(7, '0')}`;
            this.busy = (this.busy ?? 0) + 1;
            const out = await this.clients[i].call('dm.send', { room: to.id, client_id: id, body: `number ${n}` }, { again: true }).finally(() => { this.busy--; });
            this.acknowledged.set(id, { room: to.id, seq: out.seq });
            await sleep(PACE_MS);
        }
    }
    async ask(node) {
        for (let i = 0; this.asking; i++) {
            const at = Date.now(), p = people[i % PEOPLE];
            const r = await fetch(`${node.base}/api/v1/me`, { headers: { authorization: `Bearer ${p.token}` }, signal: AbortSignal.timeout(8000) }).catch(() => null);
            if (r) await r.arrayBuffer().catch(() => {});
            this.answers.push({ at, till: Date.now(), status: r?.status ?? 0, retry: r?.headers.get('retry-after'), node });
            await sleep(50);
        }
    }
    // Everything said so far, in the table and with every listener.
    async settle(what) {
        this.speak = false;
        await until(`${what}: everything that was sent is answered`, () => this.busy === 0, 40000);
        await until(`${what}: all sockets are open`, () => this.clients.every(c => c.state === 'open'), 30000);
        const rows = await cluster.sql('select room, seq, client_id from dm_messages order by room, seq');
        const byRoom = new Map(rooms.map(r => [Number(r.id), rows.filter(x => Number(x.room) === Number(r.id))]));
        for (const [id, a] of this.acknowledged) {
            const found = byRoom.get(Number(a.room)).filter(x => x.client_id === id);
            assert.equal(found.length, 1, `${what}: ${id} was acknowledged and is there ${found.length} times`);
            assert.equal(Number(found[0].seq), a.seq);
        }
        for (const r of rooms) {
            const list = byRoom.get(Number(r.id)).map(x => Number(x.seq));
            assert.deepEqual(list, list.map((_, i) => i + 1), `${what}: numbers are dense`);
            for (let i = 0; i < this.clients.length; i++) {
                if (!r.members.includes(i % PEOPLE)) continue;
                const of = () => this.heard[i].get(`room:${r.id}`) ?? [];
                await until(`${what}: client ${i} has heard all of room ${r.id}`, () => of().length >= list.length, 20000).catch(e => { throw new Error(`${e.message.split('\n')[0]}: ${of().length} of ${list.length}`); });
                assert.deepEqual(of(), list, `${what}: client ${i} heard each once and in order`);
            }
        }
        this.speak = true;
    }
    close() { this.asking = false; this.clients.forEach(c => c.close()); }
}

const rss = node => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${node.process.pid}/status`, 'utf8'))[1]);
const alive = () => [one, two].forEach(n => assert.equal(n.exit, undefined, `${n.name} is alive`));
const calm = async () => { load.speak = false; await until('calm', () => load.busy === 0, 20000); await sleep(800); const m = [one, two].map(rss); load.speak = true; return m; };

// fault() does and undoes it, and answers when it began and ended; `within`: ms until an answer of 200 after the end.
const wanted = process.env.MADANG_CHAOS?.split(',');
function cell(name, { within = 2000, restarts = false, aside = false }, fault) {
    test(name, { timeout: 120000, skip: wanted && !wanted.includes(name) }, async () => {
        const before = await calm(), from = load.answers.length;
        await sleep(500);
        const began = Date.now();
        await fault();
        const ended = Date.now();
        await sleep(Math.max(2500, within + 500));
        const after = load.answers.slice(from), good = after.filter(a => a.at >= ended - 50 && a.status === 200);
        for (const node of [one, two]) assert.ok(good.some(a => a.node === node && a.at - ended <= within), `${name}: ${node.name} answers again within ${within} ms`);
        for (const a of after.filter(x => x.status >= 500)) {
            assert.ok(a.retry, `${name}: ${a.status} says when to try again`);
            assert.ok(a.till >= began && a.at <= ended + within, `${name}: ${a.status} ${a.at < began ? `${began - a.at} ms before` : `${a.at - ended} ms after`} the fault`);
        }
        if (aside) assert.ok(!after.some(a => a.status >= 500), `${name}: the two of the load are not touched`);
        await load.settle(name);
        alive();
        if (!restarts && !sanitized) (await calm()).forEach((kb, i) => assert.ok(kb <= before[i] * 1.1 + 1024, `${name}: node ${i + 1} held ${before[i]} KB before and ${kb} KB after`));
    });
}

cell('a node killed', { within: 10000, restarts: true }, async () => { await two.kill('SIGKILL'); await sleep(1000); await two.start(); });
cell('a node ended and started', { within: 10000, restarts: true }, async () => { assert.deepEqual(await two.kill('SIGTERM'), { code: 0, signal: null }); await two.start(); });
cell('Redis killed', {}, async () => { await stores.killRedis(); await sleep(1500); await stores.startRedis(); });
cell('Redis forgets', {}, async () => { stores.cli('flushall'); });
cell('Redis frozen', {}, async () => { stores.freeze('redis', true); await sleep(5000); stores.freeze('redis', false); });
cell('Postgres killed', { within: 5000 }, async () => { await stores.killPostgres(); await sleep(1000); await stores.startPostgres(); });
cell('Postgres frozen', { within: 5000 }, async () => { stores.freeze('postgres', true); await sleep(5000); stores.freeze('postgres', false); });
cell('Postgres read-only', { within: 5000 }, async () => {
    const admin = new pg.Client({ host: stores.at, user: 'madang', database: 'postgres' });
    await admin.connect();
    const switchTo = async on => { await admin.query(`alter system set default_transaction_read_only = ${on}`); await admin.query('select pg_reload_conf()'); };
    await switchTo('on');
    await sleep(2500);
    await admin.query('set default_transaction_read_only = off');
    await switchTo('off');
    await admin.end();
});
cell('answers of Postgres lost', { within: 5000 }, async () => { for (let i = 0; i < 10; i++) { proxy.loseAnswerTo('tx_commit'); await sleep(200); } });
cell('connections to Postgres reset', { within: 5000 }, async () => { for (let i = 0; i < 3; i++) { proxy.reset(); await sleep(400); } });

// Another node with the fault from its start; the load stays on the two.
async function third(options, work, wrap) {
    const was = process.env.MADANG_WRAP;
    if (wrap) process.env.MADANG_WRAP = wrap;
    let node;
    try { node = await cluster.node({ ...nodeOptions(), ...options }); } finally { if (was === undefined) delete process.env.MADANG_WRAP; else process.env.MADANG_WRAP = was; }
    try { await work(node); } finally {
        const r = node.exit ?? await node.kill('SIGTERM');
        node.killed = true;
        assert.equal(r.code, 0, `${JSON.stringify(r)}\n${node.log.slice(-3000)}`);
    }
}
const script = (name, text) => { const file = `${cluster.folder}/${name}.sh`; fs.writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 }); return file; };

cell('S3 resets', { aside: true }, async () => {
    resetting ??= await listen(s => s.resetAndDestroy());
    const s3 = { MADANG_FILES_PROVIDER: 's3', MADANG_S3_ENDPOINT: `http://127.0.0.1:${resetting.address().port}`, MADANG_S3_BUCKET: 'b', MADANG_S3_PATH_STYLE: 'true', MADANG_S3_KEY_ID: 'k', MADANG_S3_SECRET: 's' };
    await third(s3, async node => {
        for (let i = 0; i < 5; i++) {
            const r = await node.call('POST', '/api/v1/files', { token: people[0].token, raw: png(40, 40), headers: { 'content-type': 'image/png' } });
            assert.ok(r.status === 502 || r.status === 503, JSON.stringify(r.body)); // broken off, then the breaker
            assert.ok(r.headers.get('retry-after'));
            assert.equal((await node.get('/api/v1/me', people[0].token)).status, 200);
        }
    });
});
cell('SMTP hangs', { aside: true }, async () => {
    silent ??= await listen(s => s.on('error', () => {}));
    await third({ MADANG_MAIL_PROVIDER: 'smtp', MADANG_MAIL_SMTP_URL: `smtp://127.0.0.1:${silent.address().port}` }, async node => {
        const at = Date.now();
        for (let i = 0; i < 5; i++) assert.equal((await node.post('/api/v1/auth/codes', undefined, { email: `hang${i}@example.com`, purpose: 'signup' })).status, 202);
        assert.ok(Date.now() - at < 2000, 'who asks for a mail does not wait for it');
        await sleep(1500);
        assert.equal((await node.get('/api/v1/me', people[0].token)).status, 200);
    });
});
cell('the disk of the log is full', { aside: true }, async () => {
    await third({ MADANG_LOG_ACCESS: 'true' }, async node => {
        for (let i = 0; i < 200; i++) assert.equal((await node.get('/api/v1/me', people[0].token)).status, 200);
    }, script('full', 'exec "$@" 2>/dev/full'));
});
cell('64 descriptors', { aside: true }, async () => {
    await third({}, async node => {
        const sockets = await Promise.all(Array.from({ length: 100 }, () => new Promise(r => { const s = net.connect(node.port, '127.0.0.1', () => r(s)); s.on('error', () => r(s)); })));
        await sleep(500);
        sockets.forEach(s => s.destroy());
        await until('it answers again', async () => (await node.get('/api/v1/me', people[0].token)).status === 200, 5000);
    }, script('few', 'ulimit -n 64; exec "$@"'));
});
const faketime = ['x86_64', 'aarch64'].map(a => `/usr/lib/${a}-linux-gnu/faketime/libfaketime.so.1`).find(f => fs.existsSync(f));
for (const by of ['+1h', '-1h']) if (!sanitized) cell(`a clock ${by}`, { aside: true }, async () => {
    await third({ LD_PRELOAD: faketime, FAKETIME: by, FAKETIME_DONT_FAKE_MONOTONIC: '1' }, async node => {
        const ahead = (Date.parse((await node.get('/api/v1/info')).headers.get('date')) - Date.now()) / 3600e3;
        assert.ok(Math.abs(ahead - parseInt(by)) < 0.1, `its clock is ${ahead} h ahead`);
        const me = await node.get('/api/v1/me', people[0].token); // fresh ones of the others may be refused there
        assert.ok([200, 401].includes(me.status), String(me.status));
        const own = (await node.post('/api/v1/auth/guest')).body;
        assert.equal((await node.get('/api/v1/me', own.access_token)).status, 200);
        await sleep(1500);
    });
});
