// What a store refuses, where it stands, and what it says when it has lost its mind: told with 503, never for longer than it lasts.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { befriend, Cluster, freePort, room, signUp, until } from '../lib/daemon.mjs';
import { all, start } from '../lib/process.mjs';
import { Stores } from '../lib/stores.mjs';

let stores, cluster;
before(async () => { stores = await new Stores().start(); cluster = await new Cluster(stores).start(); });
after(() => all(() => cluster?.stop(), () => stores?.stop()));

const ready = async n => (await n.admin('/readyz')).ready;
const part = async (n, name) => (await n.admin('/readyz')).parts[name];
const refresh = async (n, who) => { const x = await n.call('POST', '/api/v1/auth/refresh', { headers: { cookie: who.cookie, origin: n.base } }); if (x.status === 200) who.cookie = x.cookie; return x; };
const write = (n, who, text) => n.call('PATCH', '/api/v1/me', { token: who.token, body: { introduction: text } });
const read = (n, who) => n.get('/api/v1/me', who.token);

// A name of the test's own: hosts files that the daemon alone sees.
const mounts = spawnSync('unshare', ['-m', 'true']).status === 0 ? {} : { skip: 'no mount namespaces here' };
class Hosts {
    constructor() { this.file = path.join(cluster.folder, `hosts-${Math.random().toString(36).slice(2)}`); }
    say(...lines) { fs.writeFileSync(this.file, ['127.0.0.1 localhost', ...lines, ''].join('\n')); return this; }
    get wrap() { return ['unshare', '-m', 'sh', '-c', `mount --bind ${this.file} /etc/hosts && exec "$@"`, 'sh']; }
}
const address = () => `127.${20 + Math.floor(Math.random() * 200)}.${Math.floor(Math.random() * 250)}.${2 + Math.floor(Math.random() * 250)}`;
// A Redis that listens at an address.
async function redisAt(address, port, ...more) {
    const dir = fs.mkdtempSync(path.join(stores.at, 'r-'));
    const p = start('redis-server', ['--bind', address, '--port', String(port), '--save', '', '--appendonly', 'no', '--protected-mode', 'no', '--dir', dir, ...more], { stdio: 'ignore' });
    const cli = (...args) => String(execFileSync('redis-cli', ['-h', address, '-p', String(port), ...args], { stdio: ['ignore', 'pipe', 'pipe'] }));
    await until('Redis', () => cli('ping').includes('PONG'));
    return { cli, stop: () => new Promise(r => { p.on('exit', r); p.kill('SIGKILL'); }) };
}

test('Redis refuses: no replica, no right, no memory; each is 503 while it lasts, and the node is not ready', async t => {
    const node = await cluster.node(), a = await signUp(node);
    const cases = {
        NOREPLICAS: [['config', 'set', 'min-replicas-to-write', '1'], ['config', 'set', 'min-replicas-to-write', '0']],
        NOPERM: [['acl', 'setuser', 'default', '-@write'], ['acl', 'setuser', 'default', '+@all']],
        OOM: [['config', 'set', 'maxmemory', '1'], ['config', 'set', 'maxmemory', '0']],
    };
    for (const [word, [on, off]] of Object.entries(cases)) {
        t.after(() => stores.cli(...off));
        stores.cli(...on);
        const x = await refresh(node, a);
        assert.equal(x.status, 503, `${word}: ${JSON.stringify(x.body)}`);
        assert.equal(x.body.code, 'leases.unavailable');
        await until(`${word}: not ready`, async () => (await part(node, 'redis')) === 'does not write');
        await node.logs(new RegExp(word)); // the operator is told
        stores.cli(...off);
        await until(`${word}: ready again`, () => ready(node));
        assert.equal((await refresh(node, a)).status, 200, `${word}: over`);
    }
});

test('Redis became a replica behind its name: the connection is opened anew, by name', mounts, async t => {
    const port = await freePort(), [here, there] = [address(), address()], hosts = new Hosts().say(`${here} redishost`);
    const first = await redisAt(here, port), second = await redisAt(there, port);
    t.after(() => Promise.all([first.stop(), second.stop()]));
    const node = await cluster.node({ MADANG_REDIS_URL: `redis://redishost:${port}` }, hosts.wrap), a = await signUp(node);
    assert.equal((await refresh(node, a)).status, 200);
    second.cli('replicaof', here, String(port));
    await until('a copy', () => /master_link_status:up/.test(second.cli('info', 'replication')));
    second.cli('replicaof', 'no', 'one');
    first.cli('replicaof', there, String(port));
    hosts.say(`${there} redishost`);
    await until('served by the second', async () => (await refresh(node, a)).status === 200);
    await until('ready', () => ready(node));
});

test('a name with two addresses of which the first does not answer: Postgres, Redis, and a list of hosts', mounts, async t => {
    const port = await freePort(), nobody = await freePort(), [silent, at] = [address(), address()];
    const hosts = new Hosts().say(`${silent} dbhost`, `${at} dbhost`, '::1 redishost', `${at} redishost`);
    const other = await new Stores().start(), redis = await redisAt(at, port), own = await new Cluster(other).start();
    t.after(() => all(() => own.stop(), () => other.stop(), () => redis.stop()));
    fs.appendFileSync(`${other.at}/pg/pg_hba.conf`, 'host all all 127.0.0.0/8 trust\n');
    await other.killPostgres();
    await other.startPostgres('-c', `listen_addresses=${at}`);
    const urls = [`postgresql://madang@dbhost/${own.database}`,
        `postgresql://madang@${silent}:${nobody},${at}:5432/${own.database}?target_session_attrs=read-write`];
    for (const url of urls) {
        const node = await own.node({ MADANG_PG_URL: url, MADANG_REDIS_URL: `redis://redishost:${port}` }, hosts.wrap);
        const who = await node.post('/api/v1/auth/guest');
        assert.equal(who.status, 201, `${url}: ${JSON.stringify(who.body)}`);
    }
});

test('Postgres that only reads: 503 for what writes, reads go on, not ready, and it heals without a hand', async () => {
    const node = await cluster.node(), a = await signUp(node);
    await cluster.sql(`alter database ${cluster.database} set default_transaction_read_only = on`);
    await cluster.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'madangd %'");
    await until('not ready', async () => (await part(node, 'pg')) === 'does not write');
    const x = await write(node, a, 'one');
    assert.equal(x.status, 503, JSON.stringify(x.body));
    for (let i = 0; i < 20; i++) { await write(node, a, 'two'); await until('a read', async () => (await read(node, a)).status === 200, 3000); }
    const admin = new (await import('pg')).default.Client({ host: stores.at, user: 'madang', database: 'postgres' });
    await admin.connect();
    await admin.query(`alter database ${cluster.database} reset default_transaction_read_only`);
    await admin.end();
    await until('ready', () => ready(node), 20000);
    await until('a write', async () => (await write(node, a, 'three')).status === 200);
});

test('Postgres whose replica does not acknowledge: nothing is written, so not ready; reads go on, and it heals', async () => {
    const node = await cluster.node(), a = await signUp(node), before = await cluster.sql('select at from store_pulse');
    const admin = new (await import('pg')).default.Client({ host: stores.at, user: 'madang', database: 'postgres' });
    await admin.connect();
    await admin.query('set synchronous_commit = local');
    const acknowledges = async yes => { await admin.query(yes ? 'alter system reset synchronous_standby_names' : "alter system set synchronous_standby_names = 'nobody'"); await admin.query('select pg_reload_conf()'); };
    try {
        await acknowledges(false);
        await until('not ready', async () => (await part(node, 'pg')) === 'does not write', 20000);
        const writes = Promise.all(Array.from({ length: 12 }, () => write(node, a, 'one'))); // more than there are connections to wait on
        assert.equal((await read(node, a)).status, 200);
        for (const x of await writes) assert.ok(x.status >= 400, `${x.status}`);
        assert.equal(await part(node, 'pg'), 'does not write', 'nor when all wait');
    } finally { await acknowledges(true); await admin.end(); }
    await until('ready', () => ready(node), 20000);
    await until('a write', async () => (await write(node, a, 'two')).status === 200);
    assert.notDeepEqual(await cluster.sql('select at from store_pulse'), before);
});

test('Postgres whose disk is full: 503 for what needs room, reads go on, not ready, and it heals when there is room', mounts, async () => {
    const folder = `${stores.at}/small`, asPostgres = process.getuid() === 0 ? 'setpriv --reuid=postgres --regid=postgres --clear-groups --' : '';
    await stores.killPostgres();
    stores.postgres = start('unshare', ['-m', 'sh', '-c', `mkdir "${folder}" && mount -t tmpfs -o size=120m none "${folder}" && cp -a "${stores.at}/pg/." "${folder}" && exec ${asPostgres} ${stores.bin} -D "${folder}" -k "${stores.at}" -c listen_addresses= -c max_connections=100`], { stdio: 'ignore' });
    const disk = `/proc/${stores.postgres.pid}/root${folder}`, fill = () => { const fd = fs.openSync(`${disk}/fill`, 'w'); try { for (;;) fs.writeSync(fd, Buffer.alloc(4096)); } catch (e) { assert.equal(e.code, 'ENOSPC'); } fs.closeSync(fd); };
    try {
        await until('Postgres', async () => (await cluster.sql('select 1')).length, 20000);
        const node = await cluster.node(), [a, b] = [await signUp(node), await signUp(node)];
        await befriend(a, b);
        const ab = await room(a, b);
        let n = 0;
        const say = () => node.call('POST', `/api/v1/rooms/${ab}/messages`, { token: a.token, body: { client_id: `without-room-${++n}`, body: 'x'.repeat(1500) } });
        assert.equal((await say()).status, 200);
        fill();
        await until('not ready', async () => (await part(node, 'pg')) === 'does not write');
        await until('a refusal', async () => { const x = await say(); return x.status === 503 && x.body.code === 'store.unavailable'; }, 20000);
        await node.logs(/No space left on device \(53100\)/); // the operator is told
        assert.equal((await read(node, a)).status, 200);
        fs.rmSync(`${disk}/fill`);
        await until('ready', () => ready(node));
        await until('a write', async () => (await say()).status === 200);
    } finally {
        stores.postgres.kill('SIGQUIT');
        await stores.ended(stores.postgres);
        await stores.startPostgres();
    }
});

test('a statement whose result has changed its type, or is not prepared any more, is prepared anew, once', async () => {
    const node = await cluster.node(), a = await signUp(node);
    for (let i = 0; i < 8; i++) assert.equal((await read(node, a)).status, 200);
    await cluster.sql('alter table accounts alter column introduction type varchar(2000)');
    for (let i = 0; i < 8; i++) { const x = await read(node, a); assert.equal(x.status, 200, JSON.stringify(x.body)); }
    assert.doesNotMatch(node.log, /cached plan/, 'nobody has to know');
    await cluster.sql('alter table accounts alter column introduction type text');
    for (let i = 0; i < 8; i++) assert.equal((await read(node, a)).status, 200);
});
