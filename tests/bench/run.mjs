// The benchmarks: work per second of server CPU, against floors and peers of the same run. ./dev bench [--quick] [--only=a,b]
import path from 'node:path';
import { compile, load, median, pinStores, stopAll } from './lib.mjs';
import { scenarios } from './scenarios.mjs';
import { MADANG, madang, people, startAll } from './subjects.mjs';

const quick = process.argv.includes('--quick'), RUNS = Number(process.env.BENCH_RUNS ?? (quick ? 3 : 5)), SECONDS = Number(process.env.BENCH_SECONDS ?? (quick ? 0.5 : 1));
const only = process.argv.find(a => a.startsWith('--only='))?.slice(7).split(','), few = process.argv.find(a => a.startsWith('--subjects='))?.slice(11).split(',');
const at = path.resolve(process.env.MADANG_PG_URL.split('host=')[1]);
process.env.MADANG_TEST_STORES = at;
process.env.MADANG_BINARY ??= path.resolve('build/bench/madangd');
const { Cluster } = await import('../lib/daemon.mjs');

compile();
const cluster = await new Cluster().start();
try {
    const list = await startAll(cluster, at), { file } = await people(cluster);
    pinStores(at);
    for (const s of scenarios(file)) {
        if (only && !only.includes(s.id)) continue;
        const names = Object.keys(s.subjects).filter(n => list[n] && (!few || few.includes(n))), results = Object.fromEntries(names.map(n => [n, []]));
        for (let i = 0; i < RUNS; i++)
            for (const n of names) { const [mode, options] = s.subjects[n]; results[n].push(await load(list[n], mode, { seconds: SECONDS, ...options })); }
        console.log(s.title);
        const bestOf = n => Math.max(...results[n].map(r => r.rate));
        for (const n of names) console.log(`  ${n.padEnd(16)} best ${Math.round(bestOf(n))} median ${Math.round(median(results[n].map(r => r.rate)))} of floor ${results[s.floor] ? (bestOf(n) / bestOf(s.floor)).toFixed(2) : '-'} plain ${Math.round(median(results[n].map(r => r.plain)))} busy ${median(results[n].map(r => r.busy)).toFixed(2)} p50 ${median(results[n].map(r => r.p50_us))} p99 ${median(results[n].map(r => r.p99_us))}`);
    }
} finally {
    await cluster.stop().catch(e => console.error(e.message));
    stopAll();
}
process.exit();
