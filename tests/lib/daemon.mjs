// Starts real daemons for a test file: a database and a Redis prefix of their own, free ports, everything recorded for the judge.
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import WebSocket from 'ws';
import { freePort } from './ports.mjs';
import { start } from './process.mjs';

export { freePort };

export const root = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
export const at = process.env.MADANG_TEST_STORES ?? path.join(root, '.dev/test');
export const binary = process.env.MADANG_BINARY ?? path.join(root, 'build/release/madangd');
export const sessionKey = 'a test secret of more than thirty-two characters';
const records = process.env.MADANG_TEST_RECORDS;
export const slowed = process.env.MADANG_WRAP ? { skip: 'a matter of milliseconds, and the daemon runs under a checker' } : {};

// The input of a known case, from tests/cases.
export const kase = name => fs.readFileSync(path.join(root, 'tests/cases', name), 'utf8');

export const sleep = ms => new Promise(r => setTimeout(r, ms));

export async function until(what, check, ms = 30000) {
    const end = Date.now() + ms;
    let last;
    for (;;) {
        try { if ((last = await check())) return last; } catch (e) { last = e; }
        if (Date.now() > end) throw new Error(`waited ${ms} ms for ${what}: ${last?.stack ?? last}`);
        await sleep(30);
    }
}

const recorded = [];
export function record(entry) { if (records) recorded.push(JSON.stringify(entry)); }
function writeRecords() {
    if (records && recorded.length)
        fs.appendFileSync(path.join(records, `${process.pid}.jsonl`), recorded.splice(0).join('\n') + '\n');
}

export class Cluster {
    constructor(stores) {
        this.stores = stores;
        this.at = stores?.at ?? at;
        this.id = randomBytes(4).toString('hex');
        this.database = `t_${this.id}`;
        this.folder = path.join(at, `run-${this.id}`);
        this.nodes = [];
        this.sockets = new Set();
    }
    async start() {
        fs.mkdirSync(this.folder, { recursive: true });
        const admin = new pg.Client({ host: this.at, user: 'madang', database: 'postgres' });
        await admin.connect();
        await admin.query(`create database ${this.database}`);
        await admin.end();
        return this;
    }
    environment(node, extra) {
        return {
            PATH: process.env.PATH, ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0:exitcode=99', UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
            LSAN_OPTIONS: `suppressions=${path.join(root, 'tests/lsan.supp')}:print_suppressions=0`,
            MADANG_PG_URL: `postgresql://madang@/${this.database}?host=${this.at}`, MADANG_REDIS_URL: `redis+unix://${this.at}/redis.sock`,
            MADANG_REDIS_PREFIX: `${this.id}:`, MADANG_HTTP_LISTEN: `127.0.0.1:${node.port}`, MADANG_ADMIN_LISTEN: `127.0.0.1:${node.adminPort}`,
            MADANG_HTTP_PUBLIC_URL: `http://localhost:${node.port}`, MADANG_HTTP_ORIGINS: 'http://127.0.0.1:1,http://localhost:8099',
            MADANG_SESSION_KEY: sessionKey, MADANG_MAIL_OUTBOX: `${this.folder}/outbox`,
            MADANG_FILES_FOLDER: `${this.folder}/files`, MADANG_HTTP_WEB_ROOT: path.join(root, 'web'), MADANG_DEBUG_FAULTS: 'true',
            MADANG_LOGIN_CODE_RESEND_S: '0', MADANG_LIMITS_SCALE: '1000', MADANG_NODE_NAME: node.name,
            MADANG_OVERLOAD_LAG_SOFT_MS: '0', MADANG_OVERLOAD_LAG_HARD_MS: '0', // under a checker, and on a machine with other work, the loop is late by itself
            // how soon a node gives up is for chaos to see: here the machine may have other work
            ...process.argv[1]?.includes('/chaos/') ? {} : { MADANG_HTTP_CALL_MS: '60000' }, ...extra,
        };
    }
    async node(extra = {}, wrap = []) { // wrap: a command that starts the daemon
        const node = new Node(this, `n${this.nodes.length + 1}-${this.id}`, extra, wrap);
        node.port = await freePort();
        node.adminPort = await freePort();
        this.nodes.push(node);
        await node.start();
        return node;
    }
    async sql(text, values) {
        const client = new pg.Client({ host: this.at, user: 'madang', database: this.database });
        await client.connect();
        try { return (await client.query(text, values)).rows; } finally { await client.end(); }
    }
    outbox() {
        const folder = `${this.folder}/outbox`;
        if (!fs.existsSync(folder)) return [];
        return fs.readdirSync(folder).filter(f => f.endsWith('.json')).sort().map(f => JSON.parse(fs.readFileSync(path.join(folder, f))));
    }
    mail(to, pattern, count = 1) { // the last of so many
        return until(`mail to ${to}`, () => {
            const all = this.outbox().filter(m => m.to === to && pattern.test(m.body));
            return all.length >= count && all.at(-1).body.match(pattern)[1];
        });
    }
    async stop() {
        for (const s of this.sockets) s.ws.terminate();
        const ends = await Promise.allSettled(this.nodes.map(n => n.stop()));
        if (process.env.MADANG_TEST_LOG) for (const n of this.nodes) fs.appendFileSync(process.env.MADANG_TEST_LOG, n.log);
        writeRecords();
        const admin = new pg.Client({ host: this.at, user: 'madang', database: 'postgres' });
        await admin.connect();
        await admin.query(`drop database if exists ${this.database} with (force)`);
        await admin.end();
        fs.rmSync(this.folder, { recursive: true, force: true });
        for (const end of ends) if (end.status === 'rejected') throw end.reason; // when nothing is left behind
    }
}

export class Node {
    constructor(cluster, name, extra, wrap = []) { Object.assign(this, { cluster, name, extra, wrap, log: '' }); }
    async start() {
        this.exit = undefined;
        this.killed = false;
        const command = [...this.wrap, ...(process.env.MADANG_WRAP?.split(' ') ?? []), this.cluster.binary ?? binary];
        this.process = start(command[0], [...command.slice(1), 'run'], { env: this.cluster.environment(this, this.extra), cwd: root });
        this.process.on('error', e => { this.exit = { code: e.code, signal: null }; }).on('exit', (code, signal) => { this.exit = { code, signal }; });
        this.exited = new Promise(r => this.process.on('close', () => r(this.exit))); // and all of its log has come
        this.process.stderr.on('data', d => { this.log += d; });
        this.process.stdout.on('data', d => { this.log += d; });
        await until(`${this.name} ready`, async () => {
            if (this.exit) throw new Error(`${this.name} ended: ${JSON.stringify(this.exit)}\n${this.log}`);
            return (await fetch(`http://127.0.0.1:${this.adminPort}/readyz`)).ok;
        }, 60000).catch(e => { throw new Error([e.message, this.log.slice(-3000), this.cluster.stores?.log()].filter(Boolean).join('\n')); });
    }
    get base() { return `http://localhost:${this.port}`; }
    logs(pattern) { return until(`${pattern} in the log of ${this.name}`, () => pattern.test(this.log)); } // which comes a little later than answers do
    async admin(what, options) {
        const r = await fetch(`http://127.0.0.1:${this.adminPort}${what}`, options);
        const text = await r.text();
        try { return JSON.parse(text); } catch { return text; }
    }
    fault(name, after = 0, times = 1) { return this.admin(`/faults?name=${name}&after=${after}&times=${times}`, { method: 'POST' }); }
    async kill(signal = 'SIGKILL') { this.process.kill(signal); this.killed = signal === 'SIGKILL'; return this.exited; }
    async stop() {
        if (this.exit) { if (!this.killed) throw new Error(`${this.name} had ended: ${JSON.stringify(this.exit)}\n${this.log.slice(-6000)}`); return; }
        this.process.kill('SIGTERM');
        const timer = setTimeout(() => this.process.kill('SIGKILL'), 40000);
        const r = await this.exited;
        clearTimeout(timer);
        if (r.code !== 0) throw new Error(`${this.name} did not end well: ${JSON.stringify(r)}\n${this.log.slice(-8000)}`);
        if (/runtime error|ERROR: (Address|Leak)Sanitizer|did not end/.test(this.log)) throw new Error(this.log.slice(-8000));
    }
    // One request; everything that comes back is recorded.
    async call(method, url, { token, body, headers = {}, raw } = {}) {
        const h = { ...headers };
        if (token) h.authorization = `Bearer ${token}`;
        if (body !== undefined && !raw) { h['content-type'] ??= 'application/json'; }
        const r = await fetch(this.base + url, { method, headers: h, body: raw ?? (body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body)), redirect: 'manual' });
        const bytes = Buffer.from(await r.arrayBuffer());
        const type = r.headers.get('content-type') ?? '';
        let json;
        if (/json/.test(type) && bytes.length) json = JSON.parse(bytes);
        record({ door: 'rest', method, path: url.split('?')[0], status: r.status, type, body: json, retryAfter: r.headers.get('retry-after') });
        return { status: r.status, headers: r.headers, body: json, bytes, cookie: r.headers.getSetCookie?.().map(c => c.split(';')[0]).join('; ') };
    }
    get(url, token, headers) { return this.call('GET', url, { token, headers }); }
    post(url, token, body, headers) { return this.call('POST', url, { token, body, headers }); }
    async ok(method, url, token, body, headers) {
        const r = await this.call(method, url, { token, body, headers });
        if (r.status >= 300) throw new Error(`${method} ${url}: ${r.status} ${JSON.stringify(r.body)}`);
        return r.body;
    }
    socket(person, options) { return Socket.open(this, person, options); }
}

let count = 0;
export function uniqueName(prefix = 'user') { return `${prefix}${process.pid % 1000}${++count}${randomBytes(2).toString('hex')}`.slice(0, 16); }

// A member, through the real doors: code by mail, sign-up, onboarding.
export async function signUp(node, { name = uniqueName(), onboard = true, birth = '1995-05-05' } = {}) {
    const email = `${name}-${randomBytes(3).toString('hex')}@example.com`.toLowerCase();
    let r;
    for (let i = 1; i <= 5; i++) { // as a person would when the node was too busy: with another code
        await node.ok('POST', '/api/v1/auth/codes', undefined, { email, purpose: 'signup' });
        const code = await node.cluster.mail(email, /(\d{6})/, i);
        r = await node.call('POST', '/api/v1/auth/signup', { body: { email, code, password: 'correct horse battery', birth_date: birth, consents: { terms: '1', privacy: '1' }, locale: 'ko' } });
        if (r.status !== 504) break;
    }
    if (r.status !== 201) throw new Error(`signup: ${r.status} ${JSON.stringify(r.body)}`);
    const person = { id: r.body.account, email, password: 'correct horse battery', name, token: r.body.access_token, cookie: r.cookie, node };
    if (onboard) {
        const o = await node.ok('POST', '/api/v1/me/onboarding', person.token, { nickname: name, gender: 'female', region: 'seoul', introduction: '안녕하세요', interests: ['music', 'travel'] });
        person.token = o.access_token;
    }
    return person;
}

export async function befriend(a, b) {
    await a.node.ok('POST', '/api/v1/friends/requests', a.token, { account: b.id });
    await b.node.ok('POST', `/api/v1/friends/requests/${a.id}/accept`, b.token);
}

export async function room(a, b) { return (await a.node.ok('POST', '/api/v1/rooms', a.token, { account: b.id })).room; }

export async function promote(cluster, person, role = 'manager') {
    await cluster.sql('update accounts set role = $2 where id = $1', [person.id, role]);
    const r = await person.node.ok('POST', '/api/v1/auth/login', undefined, { email: person.email, password: person.password });
    person.token = r.access_token;
    return person;
}

export class Socket {
    static async open(node, person, { seen, protocols = ['madang.v1'], wait = true } = {}) {
        const s = new Socket();
        s.node = node;
        s.events = [];
        s.replies = new Map();
        s.next = 1;
        s.ws = new WebSocket(`ws://localhost:${node.port}/ws`, protocols);
        node.cluster.sockets.add(s);
        s.closed = new Promise(r => s.ws.on('close', (code, reason) => { s.closeCode = code; s.closeReason = String(reason); node.cluster.sockets.delete(s); r(code); }));
        s.ws.on('message', m => s.onMessage(JSON.parse(m)));
        s.ws.on('error', () => {});
        await new Promise((r, e) => { s.ws.on('open', r); s.ws.on('unexpected-response', (q, p) => e(Object.assign(new Error('refused ' + p.statusCode), { status: p.statusCode }))); s.ws.on('error', e); });
        if (person && wait) s.opened = await s.ok('session.open', { token: person.token, ...(seen ? { seen } : {}) });
        return s;
    }
    onMessage(m) {
        if (m.ev) { record({ door: 'event', ...m }); this.events.push(m); return; }
        const waiting = this.replies.get(m.id);
        if (waiting) record({ door: 'ws', op: waiting.op, out: m.out, problem: m.problem });
        this.replies.delete(m.id);
        waiting?.resolve(m);
    }
    call(op, input, key) {
        const id = this.next++;
        return new Promise((resolve, reject) => {
            this.replies.set(id, { op, resolve });
            this.closed.then(() => reject(new Error(`closed ${this.closeCode} ${this.closeReason}`)));
            this.ws.send(JSON.stringify({ op, id, ...(input ? { in: input } : {}), ...(key ? { key } : {}) }));
        });
    }
    async ok(op, input, key) {
        const r = await this.call(op, input, key);
        if (r.problem) throw new Error(`${op}: ${JSON.stringify(r.problem)}`);
        return r.out;
    }
    event(name, check = () => true, ms = 10000) {
        return until(`event ${name}`, () => this.events.find(e => e.ev === name && check(e)), ms);
    }
    close() { this.ws.close(); return this.closed; }
}
