// What the benchmarks are made of: programs pinned to a core, and the load that drives them.
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { freePort } from '../lib/ports.mjs';

export { freePort };

export const root = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../..');
export const tools = path.join(root, 'build/bench-tools'), peers = path.join(root, 'tests/bench/peers');
export const sleep = ms => new Promise(r => setTimeout(r, ms));
export const median = a => [...a].sort((x, y) => x - y)[a.length >> 1];
export const SERVER = '0', LOAD = '1'; // cores

export function compile() {
    fs.mkdirSync(tools, { recursive: true });
    const cc = (name, ...more) => execFileSync('cc', ['-O2', '-D_GNU_SOURCE', path.join(root, `tests/bench/${name}.c`), ...more, '-o', path.join(tools, name)], { stdio: 'inherit' });
    cc('load');
    cc('streams');
    cc('floor', '-lcrypto');
    cc('floor_uv', '-I/usr/include/postgresql', '-luv', '-lpq');
}

const running = new Set();
export const started = p => { running.add(p); p.on('exit', () => running.delete(p)); return p; };
export const stopAll = () => { for (const p of running) p.kill('SIGTERM'); };
process.on('exit', stopAll);

export async function listening(port, what, ms = 20000) {
    for (const end = Date.now() + ms; Date.now() < end; await sleep(50)) {
        const ok = await new Promise(r => { const s = net.connect(port, '127.0.0.1', () => { s.destroy(); r(true); }).on('error', () => r(false)); });
        if (ok) return;
    }
    throw new Error(`${what} does not listen`);
}

// A server of its own on the servers' core.
export async function serve(name, command, args, env = {}) {
    const port = await freePort();
    const fill = a => a.replaceAll('PORT', String(port));
    const p = spawn('taskset', ['-c', SERVER, command, ...args.map(fill)], { env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    p.stderr.on('data', d => { log += d; });
    started(p);
    await listening(port, name).catch(e => { throw new Error(`${e.message}\n${log}`); });
    return { name, port, pids: [p.pid], stop: () => p.kill('SIGKILL') };
}

// Everything of the process with this id, and what it starts later.
export function pin(pid, core) { execFileSync('taskset', ['-acp', core, String(pid)], { stdio: 'ignore' }); }
export function pinStores(at) {
    const postmaster = fs.readFileSync(`${at}/pg/postmaster.pid`, 'utf8').split('\n')[0];
    for (const pid of [postmaster, fs.readFileSync(`${at}/redis.pid`, 'utf8').trim(), ...String(execFileSync('pgrep', ['-P', postmaster])).trim().split('\n')])
        try { pin(pid, LOAD); } catch { /* it ended meanwhile */ }
}

const toArgs = options => Object.entries(options).flatMap(([k, v]) => (Array.isArray(v) ? v : [v]).filter(x => x !== undefined).map(x => `${k}=${x}`));
// Runs the load against a subject; what it printed, and work per second of the server's CPU.
export function load(subject, mode, options) {
    const args = ['-c', LOAD, path.join(tools, 'load'), mode, ...toArgs({ port: subject.port, port2: subject.port2, pids: subject.pids.join(','), ...options })];
    return new Promise((resolve, reject) => {
        const p = spawn('taskset', args, { stdio: ['ignore', 'pipe', 'pipe'] });
        let out = '', err = '';
        p.stdout.on('data', d => { out += d; });
        p.stderr.on('data', d => { err += d; });
        p.on('close', code => {
            if (code !== 0 || !out) return reject(new Error(`${subject.name}: load ${mode}: ${err || out || `code ${code}`}`));
            const r = JSON.parse(out);
            resolve({ ...r, rate: r.done / r.cpu_s, plain: r.done / r.wall_s, busy: r.cpu_s / r.wall_s });
        });
    });
}

// A model's streams, and who listens to them.
export function streams(subject, options) {
    return JSON.parse(String(execFileSync('taskset', ['-c', LOAD, path.join(tools, 'streams'), ...toArgs({ port: subject.port, pid: subject.pids[0], ...options })], { timeout: 120000 })));
}

// Sockets that are opened and stay; "use" makes each of them do one round trip.
export async function hold(subject, options) {
    const p = spawn('taskset', ['-c', LOAD, path.join(tools, 'load'), 'idle', ...toArgs({ port: subject.port, ...options })], { stdio: ['pipe', 'pipe', 'pipe'] });
    let out = '', err = '';
    p.stdout.on('data', d => { out += d; });
    p.stderr.on('data', d => { err += d; });
    started(p);
    const saw = async what => {
        for (const end = Date.now() + 60000; !out.includes(what); await sleep(20)) {
            if (p.exitCode !== null || Date.now() > end) throw new Error(`${subject.name}: idle: ${err || 'nothing for a minute'}`);
        }
        out = '';
    };
    await saw('"open"');
    return { use: () => { p.stdin.write('use\n'); return saw('"used"'); }, close: () => new Promise(r => { p.on('exit', r); p.stdin.end(); }) };
}

export const rss = subject => subject.pids.reduce((sum, pid) => sum + Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024, 0);
