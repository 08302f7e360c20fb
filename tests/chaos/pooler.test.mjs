// Through pgbouncer in transaction mode: a statement is carried out by whichever connection is free.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { befriend, binary, Cluster, room, root, signUp, until } from '../lib/daemon.mjs';
import { all, start } from '../lib/process.mjs';

const SERVERS = 3; // connections to Postgres, for two nodes that have ten each
let cluster, pooler, one, two;

async function stopPooler() {
    pooler.process.kill();
    await pooler.exited;
}
function startPooler() {
    const folder = `${cluster.folder}/pooler`, root = process.getuid() === 0;
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(`${folder}/pgbouncer.ini`, `[databases]\n* = host=${cluster.at} user=madang\n[pgbouncer]\nlisten_addr =\nlisten_port = 6432\nunix_socket_dir = ${folder}\nauth_type = any\npool_mode = transaction\ndefault_pool_size = ${SERVERS}\nmax_client_conn = 200\nserver_reset_query =\nlogfile = ${folder}/log\npidfile = ${folder}/pid\n`);
    if (root) execFileSync('chown', ['-R', 'postgres:', folder]);
    const command = ['pgbouncer', '-q', `${folder}/pgbouncer.ini`];
    pooler = { folder, process: root ? start('setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--', ...command], { stdio: 'ignore' }) : start(command[0], command.slice(1), { stdio: 'ignore' }) };
    pooler.exited = new Promise(r => pooler.process.on('exit', r));
    return until('the pooler', () => fs.existsSync(`${folder}/.s.PGSQL.6432`) && execFileSync('psql', ['-h', folder, '-p', '6432', '-U', 'madang', '-d', cluster.database, '-Atc', 'select 1'], { stdio: 'pipe' }));
}
const options = () => ({ MADANG_PG_URL: `postgresql://madang@/${cluster.database}?host=${pooler.folder}&port=6432`, MADANG_PG_POOLER: 'true', MADANG_PG_MIGRATE_AT_START: 'false', MADANG_LOG_ACCESS: 'false' });

before(async () => {
    cluster = await new Cluster().start();
    await (await cluster.node()).stop(); // migrates
    cluster.nodes = [];
    await cluster.sql(`alter role madang in database ${cluster.database} set statement_timeout = '5s'`);
    await startPooler();
});
after(() => all(() => cluster?.stop(), () => pooler && stopPooler()));

test('a role without the settings that a connection cannot be given is refused, and migrations through a pooler are', async () => {
    await cluster.sql(`alter role madang in database ${cluster.database} set timezone = 'Asia/Seoul'`);
    await stopPooler();
    await startPooler(); // connections that it had keep what the role was
    const run = (...more) => spawnSync(binary, ['run'], { env: cluster.environment({ name: 'refused', port: 1, adminPort: 1 }, { ...options(), ...more[0] }), cwd: root, encoding: 'utf8', timeout: 10000 });
    const plain = run(), migrating = run({ MADANG_PG_MIGRATE_AT_START: 'true' });
    assert.match(plain.stderr, /the role needs TimeZone UTC/);
    assert.match(migrating.stderr, /migrations need Postgres itself/);
    assert.deepEqual([plain.status, migrating.status], [1, 1]);
    await cluster.sql(`alter role madang in database ${cluster.database} set timezone = 'UTC'`);
    await stopPooler();
    await startPooler();
});

test('two nodes work through fewer connections than each of them has', async () => {
    one = await cluster.node(options());
    two = await cluster.node(options());
    const a = await signUp(one), b = await signUp(two);
    await befriend(a, { ...b, node: one });
    const r = await room(a, b), s = await two.socket(b);
    const sends = Array.from({ length: 300 }, (_, i) => (i % 2 ? one : two).ok('POST', `/api/v1/rooms/${r}/messages`, i % 2 ? a.token : b.token, { client_id: `pooled-${i}`, body: 'x' }));
    const reads = Array.from({ length: 300 }, (_, i) => (i % 2 ? one : two).ok('GET', i % 3 ? '/api/v1/me' : '/api/v1/friends', a.token));
    const numbers = (await Promise.all(sends)).map(x => x.seq).sort((x, y) => x - y);
    assert.deepEqual(numbers, Array.from({ length: 300 }, (_, i) => i + 1));
    for (const x of await Promise.all(reads)) assert.ok(x.people ? x.people.length === 1 : x.nickname === a.name, JSON.stringify(x));
    await until('all heard', () => s.events.filter(e => e.ev === 'dm.message').length === 300);
    const backends = (await cluster.sql("select count(*)::int as n from pg_stat_activity where datname = $1 and application_name like 'madangd %'", [cluster.database]))[0].n;
    assert.ok(backends > 0 && backends <= SERVERS, `${backends} connections to Postgres`);
    await s.close();
});

test('the pooler dies and comes back', async () => {
    const p = await signUp(one);
    pooler.process.kill('SIGKILL');
    await pooler.exited;
    for (const f of ['.s.PGSQL.6432', 'pid']) fs.rmSync(`${pooler.folder}/${f}`, { force: true });
    await until('a refusal', async () => (await one.get('/api/v1/me', p.token)).status === 503);
    await startPooler();
    await until('work again', async () => (await one.get('/api/v1/me', p.token)).status === 200, 5000);
});
