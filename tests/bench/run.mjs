// The benchmarks: work per second of server CPU, against floors and peers of the same run. Writes docs/performance.md and its chart.
// ./dev bench [--quick] [--only=json,echo] [--subjects=floor,madang]
// [--runs=5] [--seconds=0.6] [--no-tenfold] [--record: the instruction counts] [--before=a madangd of an earlier commit, beside this one]
import fs from 'node:fs';
import path from 'node:path';
import { compile, freePort, hold, load, median, pinStores, root, rss, sleep, stopAll, streams } from './lib.mjs';
import { counts, judge } from './callgrind.mjs';
import { write } from './report.mjs';
import { many, quiet, scenarios, talk } from './scenarios.mjs';
import { commits, madang, NAMES, people, peerDatabase, starters } from './subjects.mjs';

const option = name => process.argv.find(a => a.startsWith(`--${name}=`))?.slice(name.length + 3).split(',');
const quick = process.argv.includes('--quick'), only = option('only'), few = option('subjects') ?? (quick ? ['floor', 'uv', 'pq', 'nginx', 'bun', 'socketioNodes', 'pgbench', 'madang', 'nodes'] : undefined);
const RUNS = Number(option('runs')?.[0] ?? (quick ? 3 : 5)), SECONDS = Number(option('seconds')?.[0] ?? (quick ? 0.4 : 0.6)), SOCKETS = quick ? 5000 : 10000;
const tenfold = !quick && !process.argv.includes('--no-tenfold');
const at = path.resolve(process.env.MADANG_PG_URL.split('host=')[1]);
process.env.MADANG_TEST_STORES = at;
process.env.MADANG_BINARY ??= path.join(root, 'build/bench/madangd');
const { Cluster } = await import('../lib/daemon.mjs');
const wanted = id => !only || only.includes(id), takes = s => !few || s === 'before' || few.includes(s);
const began = Date.now(), say = text => console.error(`${String(Math.round((Date.now() - began) / 1000)).padStart(4)} s  ${text}`);

compile();
await peerDatabase(at);
const cluster = await new Cluster().start(), before = option('before')?.[0];
if (before) cluster.before = Object.assign(await new Cluster().start(), { binary: path.resolve(before) });
const start = starters(cluster, at), running = {};
const subject = async name => (running[name] ??= name === 'pgbench' ? { name } : await start[name]());

// best and median of a subject's repetitions
function sum(results) {
    const rates = results.map(r => r.rate), times = k => Math.min(...results.map(r => r[k] ?? 0));
    return { best: Math.max(...rates), median: median(rates), plain: Math.max(...results.map(r => r.plain)), busy: median(results.map(r => r.busy ?? 0)), p50: times('p50_us'), p99: times('p99_us') };
}
async function once(name, [mode, options], seconds) {
    const s = await subject(name);
    if (mode !== 'commits') return load(s, mode, { seconds, ...options });
    const tps = await commits(at, seconds);
    return { rate: tps, plain: tps };
}
async function measure(scenario) {
    const names = Object.keys(scenario.subjects).filter(takes), results = Object.fromEntries(names.map(n => [n, []]));
    for (const n of names) await subject(n);
    pinStores(at);
    for (let i = 0; i < RUNS; i++) for (const n of names) results[n].push(await once(n, scenario.subjects[n], scenario.latency ? SECONDS * 2 : SECONDS));
    const out = Object.fromEntries(names.map(n => [n, sum(results[n])])), rate = n => scenario.plain ? out[n]?.plain : out[n]?.best;
    const ours = out.madang ? 'madang' : 'nodes';
    const part = n => rate(scenario.floor) ? `${(rate(n) / rate(scenario.floor)).toFixed(2)} ${NAMES[n]}` : NAMES[n];
    say(`${scenario.title}: ${Math.round(rate(ours))}; ${names.map(part).join(', ')}`);
    return { ...scenario, subjects: out, ours };
}

// What one more socket costs, idle and after a round trip of its own: the difference that SOCKETS more make.
async function memory(name, files) {
    const s = await start[name](), of = quiet[name] ?? many[name], options = file => ({ per_room: 100, ...of(file) });
    const first = await hold(s, { conns: 2000, ...options(files.later) });
    await first.use();
    await sleep(1500);
    const before = rss(s), more = await hold(s, { conns: SOCKETS, ...options(files.all) });
    await sleep(1500);
    const idle = rss(s);
    await more.use();
    await sleep(500);
    const used = rss(s);
    await more.close();
    await first.close();
    await s.stop?.();
    say(`memory of a socket, ${NAMES[name]}: ${Math.round((idle - before) / SOCKETS)}`);
    return { idle: Math.round((idle - before) / SOCKETS), used: Math.round((used - before) / SOCKETS) };
}
// How much of a core each takes for the same work: the least of some repetitions, for noise only adds to it.
async function busyness(mode, names, options) {
    const least = {};
    for (let i = 0; i < (quick ? 1 : 3); i++) for (const n of names) {
        const { busy } = await load(await subject(n), mode, { seconds: quick ? 2 : 4, conns: SOCKETS, ...options(n) });
        least[n] = Math.min(least[n] ?? Infinity, busy);
    }
    say(`${mode}: ${names.map(n => `${least.floor ? `${(least[n] / least.floor).toFixed(2)} ` : ''}${NAMES[n]} (${(least[n] * 100).toFixed(1)} %)`).join(', ')}`);
    return least;
}

// What the daemon adds between a model's words and a listener's socket.
async function deltas(files) {
    const upstream = await freePort(), node = await madang(cluster, 'streams', { MADANG_LLM_PROVIDER: 'clova', MADANG_LLM_URL: `http://127.0.0.1:${upstream}`, MADANG_LLM_AT_ONCE: '2000', MADANG_TAROT_FOLDER: path.join(root, 'config/tarot') });
    pinStores(at);
    try {
        for (const conns of quick ? [1, 100] : [1, 100, 1000]) {
            const r = streams(node, { upstream, conns, rate: 30, seconds: quick ? 2 : 5, tokens: files.all });
            report.streams.push(r);
            say(`${conns} streams: ${r.p50_us} / ${r.p99_us} µs, ${(r.cpu * 100).toFixed(1)} % of a core, ${r.heard} of ${r.written} words, ${r.bytes_each} B each`);
            await sleep(2000);
        }
    } finally { await node.stop(); }
}

const report = { quick, RUNS, SECONDS, SOCKETS, scenarios: [], memory: {}, beats: {}, rooms: {}, streams: [], grown: [] };
let fails = 0;
try {
    await subject('madang'); // makes the tables
    const files = await people(cluster);
    const lines = scenarios(files);
    if (before) {
        await subject('before');
        const earlier = scenarios(await people(cluster.before)); // with tokens of its own
        for (const [i, s] of lines.entries()) if (s.subjects.madang) s.subjects.before = earlier[i].subjects.madang;
    }
    for (const s of lines) if (wanted(s.id)) report.scenarios.push(await measure(s));
    if (wanted('beats')) report.beats = await busyness('beats', ['floor', 'bun', 'ws', 'go', 'socketio', 'madang'].filter(takes), n => ({ rate: 1000, per_room: 100, ...(quiet[n] ?? many[n])(files.all) }));
    if (wanted('rooms')) report.rooms = await busyness('rooms', ['floor', 'bun', 'ws', 'go', 'madang'].filter(takes), n => ({ per_room: 100, ...talk[n](files.all) }));
    if (wanted('memory')) for (const n of ['floor', 'bun', 'ws', 'go', 'socketio', 'madang'].filter(takes)) report.memory[n] = await memory(n, files);
    if (wanted('streams')) await deltas(files);
    if (wanted('tenfold') && tenfold) {
        const table = Object.fromEntries(scenarios(files).map(s => [s.id, s]));
        for (const [id, title, more] of [['json', 'GET of a constant JSON, 640 connections', { conns: 640 }], ['row', 'GET with one indexed SELECT, 640 connections', { conns: 640 }], ['hold', 'POST with one Redis lease, 640 connections', { conns: 640 }], ['echo', 'WebSocket call round trip, 10,000 sockets', { conns: 10000 }], ['fan', 'One event to 10,000 members, one at a time', { conns: 10000 }], ['fan16', 'The same, 16 unfinished', { conns: 10000 }], ['pairs', 'Relay between 5,000 pairs', { conns: 10000 }], ['churn', 'Handshakes with a token, 640 at a time', { conns: 640 }]]) {
            const s = table[id], both = Object.fromEntries(['floor', 'madang'].filter(n => s.subjects[n] && takes(n)).map(n => [n, [s.subjects[n][0], { ...s.subjects[n][1], ...more }]]));
            const m = await measure({ ...s, subjects: both, title, must: undefined, moonshot: undefined }).catch(e => say(`${title}: ${e.message.trim()}`));
            if (m) report.scenarios.push({ ...m, tenfold: id, id: `${id}10` });
        }
    }
    if (wanted('counts')) {
        report.counts = await counts(cluster, files);
        fails = judge(report.counts, process.argv.includes('--record'), say);
    }
    if (!only && !few) write(report);
    else if (quick && !only) console.log(`measured in ${Math.round((Date.now() - began) / 1000)} s; docs/performance.md is made by the full run`);
} finally {
    await cluster.before?.stop().catch(e => console.error(e.message));
    await cluster.stop().catch(e => console.error(e.message));
    stopAll();
}
process.exit(fails ? 1 : 0);
