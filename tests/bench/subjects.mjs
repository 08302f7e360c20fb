// Who is measured: the floors, the peers, and madang with its benchmark calls built in.
import { execFileSync, spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { freePort, listening, peers, pin, root, SERVER, serve, started, tools } from './lib.mjs';

export const PEOPLE = 20000;
const KEY = 'a test secret of more than thirty-two characters';

// Access tokens as the daemon makes them; 20,000 logins would measure passwords.
function tokenOf(account) {
    const key = Buffer.from(crypto.hkdfSync('sha256', KEY, '', 'access-token', 32)), part = x => Buffer.from(JSON.stringify(x)).toString('base64url');
    const now = Math.floor(Date.now() / 1000), kid = crypto.createHash('sha256').update(key).digest('hex').slice(0, 16);
    const session = crypto.createHash('sha256').update(`bench ${account}`).digest('base64url').slice(0, SESSION_ID);
    const text = `${part({ alg: 'HS256', typ: 'JWT', kid })}.${part({ sub: String(account), role: 'member', sid: session, iss: 'madang', aud: 'madang', iat: now, exp: now + 36000 })}`;
    return `${text}.${crypto.createHmac('sha256', key).update(text).digest('base64url')}`;
}
const SESSION_ID = Number(/SESSION_ID_LEN (\d+)/.exec(fs.readFileSync(path.join(root, 'include/madang/token.h'), 'utf8'))[1]);

export async function people(cluster) {
    const rows = await cluster.sql(`insert into accounts (role, email, nickname, birth_date, region)
        select 'member', 'bench' || i || '@example.com', 'bench' || i, '1990-01-01', 'seoul' from generate_series(1, ${PEOPLE}) i returning id`);
    await cluster.sql('analyze accounts');
    const file = path.join(cluster.folder, 'tokens'), all = rows.map(r => ({ id: r.id, token: tokenOf(r.id) }));
    fs.writeFileSync(file, all.map(a => `${a.token} ${a.id}\n`).join(''));
    return { file, all };
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
    await client.query('vacuum analyze rows');
    await client.end();
}

export const MADANG = { MADANG_LOG_ACCESS: 'false', MADANG_LIMITS_SCALE: '1000000', MADANG_HTTP_CONNECTIONS_PER_ADDRESS: '100000', MADANG_HTTP_CONNECTIONS_MAX: '100000', MADANG_SESSION_PER_ACCOUNT: '1000', MADANG_DEBUG_FAULTS: 'false' };
export async function madang(cluster, name, extra = {}) {
    const node = await cluster.node({ ...MADANG, ...extra });
    pin(node.process.pid, SERVER);
    return { name, port: node.port, pids: [node.process.pid], node, stop: () => node.stop() };
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

export async function startAll(cluster, at) {
    await peerDatabase(at);
    const node = (script, ...args) => [process.execPath, [path.join(peers, script), 'PORT', ...args]];
    const redis = `${at}/redis.sock`, list = {};
    list.floor = await serve('floor', path.join(tools, 'floor'), ['PORT']);
    list.uv = await serve('libuv', path.join(tools, 'floor_uv'), ['PORT']);
    list.pq = await serve('libuv + libpq', path.join(tools, 'floor_uv'), ['PORT', `host=${at} user=madang dbname=bench_peers`]);
    list.bun = await serve('Bun', path.join(peers, 'node_modules/.bin/bun'), [path.join(peers, 'bun.mjs'), 'PORT', at, 'bench_peers', redis]);
    list.ws = await serve('Node ws', ...node('ws.mjs'));
    list.socketio = await serve('socket.io', ...node('socketio.mjs'));
    list.socketioNodes = pair('socket.io + Redis', await serve('socket.io, 1st', ...node('socketio.mjs', redis)), await serve('socket.io, 2nd', ...node('socketio.mjs', redis)));
    list.fastify = await serve('fastify', ...node('fastify.mjs', at, 'bench_peers', redis));
    list.go = await serve('Go', goPeer(), ['PORT', `host=${at} user=madang dbname=bench_peers`], { GOMAXPROCS: '1' });
    list.nginx = await nginx(path.join(cluster.folder, 'nginx'));
    list.madang = await madang(cluster, 'madang', { MADANG_REDIS_PREFIX: `${cluster.id}-alone:` }); // knows of no other node
    list.nodes = pair('madang', await madang(cluster, 'madang, 1st'), await madang(cluster, 'madang, 2nd'));
    return list;
}
