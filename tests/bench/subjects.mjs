// Who is measured: the floors, the peers, and madang with its benchmark calls built in.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { freePort, listening, peers, pin, SERVER, serve, started, tools } from './lib.mjs';

export const PEOPLE = 20000;

export async function people(cluster) {
    const { crowd, tokenOf } = await import('../lib/people.mjs'); // which asks the environment where the stores are
    const ids = (await crowd(cluster, PEOPLE)).map(p => p.id); // 20,000 logins would measure passwords
    await cluster.sql('analyze accounts');
    const write = (name, list, role = () => 'member') => {
        const file = path.join(cluster.folder, name);
        fs.writeFileSync(file, list.map((id, i) => `${tokenOf(id, role(i), 36000)} ${id}\n`).join(''));
        return file;
    };
    // 64 pairs of friends with a room each, by the numbers 10, 11 … 163
    await cluster.sql(`insert into friendships (low, high, state, requester) select $1::bigint + 2 * i, $1::bigint + 2 * i + 1, 'friends', $1::bigint + 2 * i from generate_series(0, 63) i`, [ids[0]]);
    await cluster.sql(`insert into dm_rooms (id, low, high) overriding system value select ('1' || i)::bigint, $1::bigint + 2 * i, $1::bigint + 2 * i + 1 from generate_series(0, 63) i`, [ids[0]]);
    return {
        all: write('tokens', ids), later: write('tokens-later', ids.slice(PEOPLE / 2)), few: write('tokens-few', ids.slice(0, 100)),
        manager: write('tokens-manager', ids, i => i ? 'member' : 'manager'), // the first one posts notices
        senders: write('tokens-senders', ids.slice(0, 128).filter((_, i) => i % 2 === 0)),
    };
}

export async function peerDatabase(at) {
    const admin = new pg.Client({ host: at, user: 'madang', database: 'postgres' });
    await admin.connect();
    await admin.query('drop database if exists bench_peers');
    await admin.query('create database bench_peers');
    await admin.end();
    const client = new pg.Client({ host: at, user: 'madang', database: 'bench_peers' });
    await client.connect();
    await client.query('create table rows (id bigint primary key, name text not null)');
    await client.query(`insert into rows select i, 'bench' || i from generate_series(1, ${PEOPLE}) i`);
    await client.query('create table commits (id bigint generated always as identity primary key, body text not null)');
    await client.query('vacuum analyze rows');
    await client.end();
}

export const MADANG = { MADANG_LOG_ACCESS: 'false', MADANG_LIMITS_SCALE: '1000000', MADANG_HTTP_CONNECTIONS_PER_ADDRESS: '100000', MADANG_HTTP_CONNECTIONS_MAX: '100000', MADANG_SESSION_PER_ACCOUNT: '1000', MADANG_DEBUG_FAULTS: 'false' };
export async function madang(cluster, name, extra = {}) {
    const node = await cluster.node({ ...MADANG, ...extra });
    pin(node.process.pid, SERVER);
    return { name, port: node.port, pids: [node.process.pid], node, stop: async () => { await node.stop(); node.killed = true; } };
}

function goPeer() {
    const out = path.join(tools, 'gopeer');
    execFileSync('go', ['build', '-o', out, path.join(peers, 'go/main.go')], { env: { ...process.env, GO111MODULE: 'off', GOPATH: '/usr/share/gocode', GOCACHE: path.join(tools, 'gocache'), GOFLAGS: '' }, stdio: 'inherit' });
    return out;
}

function nginxConfig(folder, port) {
    fs.mkdirSync(folder, { recursive: true });
    const file = path.join(folder, 'nginx.conf');
    fs.writeFileSync(file, fs.readFileSync(path.join(peers, 'nginx.conf'), 'utf8').replaceAll('PORT', port).replaceAll('FOLDER', folder));
    return file;
}
async function nginx(folder) {
    const port = await freePort(), p = started(spawn('taskset', ['-c', SERVER, 'nginx', '-c', nginxConfig(folder, port)], { stdio: 'ignore' }));
    await listening(port, 'nginx');
    const workers = String(execFileSync('pgrep', ['-P', String(p.pid)])).trim().split('\n').map(Number);
    return { name: 'nginx', port, pids: workers, stop: () => p.kill('SIGTERM') };
}

// Two servers as one subject: sockets with odd numbers go to the second.
function pair(name, a, b) { return { name, port: a.port, port2: b.port, pids: [...a.pids, ...b.pids] }; }

// Each by its name, started when it is first wanted.
let alone = 0;
export function starters(cluster, at) {
    const node = (script, ...args) => [process.execPath, [path.join(peers, script), 'PORT', ...args]];
    const redis = `${at}/redis.sock`, conninfo = `host=${at} user=madang dbname=bench_peers`;
    const io = name => serve(name, ...node('socketio.mjs', redis));
    return {
        floor: () => serve('floor', path.join(tools, 'floor'), ['PORT']),
        uv: () => serve('libuv', path.join(tools, 'floor_uv'), ['PORT']),
        pq: () => serve('libuv + libpq', path.join(tools, 'floor_uv'), ['PORT', conninfo]),
        nginx: () => nginx(path.join(cluster.folder, 'nginx')),
        bun: () => serve('Bun', path.join(peers, 'node_modules/.bin/bun'), [path.join(peers, 'bun.mjs'), 'PORT', at, 'bench_peers', redis]),
        go: () => serve('Go', goPeer(), ['PORT', conninfo], { GOMAXPROCS: '1' }),
        fastify: () => serve('fastify', ...node('fastify.mjs', at, 'bench_peers', redis)),
        ws: () => serve('Node ws', ...node('ws.mjs')),
        socketio: () => serve('socket.io', ...node('socketio.mjs')),
        socketioNodes: async () => pair('socket.io + Redis', await io('socket.io, 1st'), await io('socket.io, 2nd')),
        madang: () => madang(cluster, 'madang', { MADANG_REDIS_PREFIX: `${cluster.id}-alone${++alone}:` }), // knows of no other node
        before: () => madang(cluster.before, 'madang before'),
        nodes: async () => pair('madang, two nodes', await madang(cluster, 'madang, 1st'), await madang(cluster, 'madang, 2nd')),
    };
}
export const NAMES = { floor: 'floor', uv: 'libuv', pq: 'libpq', nginx: 'nginx', bun: 'Bun', go: 'Go', fastify: 'fastify', ws: 'Node ws', socketio: 'socket.io', socketioNodes: 'socket.io + Redis', pgbench: 'pgbench', madang: 'madang', before: 'madang before', nodes: 'madang, two nodes' };

// INSERTs with a commit each by 32 clients of pgbench, a second of wall time: what Postgres itself gives here.
export async function commits(at, seconds) {
    const file = path.join(tools, 'insert.sql'), pgbench = path.join(fs.readdirSync('/usr/lib/postgresql').sort().map(v => `/usr/lib/postgresql/${v}/bin`).at(-1), 'pgbench');
    fs.writeFileSync(file, "insert into commits (body) values ('0123456789012345678901234567890123456789');\n");
    const out = await new Promise((resolve, reject) => {
        const p = spawn('taskset', ['-c', SERVER, pgbench, '-h', at, '-U', 'madang', '-n', '-M', 'prepared', '-c', '32', '-T', String(Math.max(1, Math.round(seconds))), '-f', file, 'bench_peers'], { stdio: ['ignore', 'pipe', 'pipe'] });
        let text = '', err = '';
        p.stdout.on('data', d => { text += d; });
        p.stderr.on('data', d => { err += d; });
        p.on('close', code => code ? reject(new Error(err)) : resolve(text));
    });
    return Number(/tps = ([\d.]+)/.exec(out)[1]);
}
