// Instructions of the hot paths, counted by callgrind: they repeat where seconds do not.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { load, root, serve } from './lib.mjs';
import { scenarios } from './scenarios.mjs';

export const COUNT = 500;
export const PATHS = ['json', 'row', 'hold', 'echo1', 'fan10', 'pair1', 'churn1'];

// The daemon under callgrind; `count` asks n times and says how many instructions each took beyond the first thousand.
export async function counts(cluster, tokens, only) {
    const prefix = path.join(cluster.folder, 'callgrind');
    process.env.MADANG_WRAP = `valgrind --tool=callgrind --callgrind-out-file=${prefix}.%p --collect-atstart=yes --instr-atstart=yes --separate-threads=no -q`;
    const { MADANG } = await import('./subjects.mjs');
    const node = await cluster.node({ ...MADANG, MADANG_REDIS_PREFIX: `${cluster.id}-counted:` });
    delete process.env.MADANG_WRAP;
    const subject = { name: 'counted', port: node.port, pids: [node.process.pid] }, pid = String(node.process.pid);
    const control = what => execFileSync('callgrind_control', [what, pid], { stdio: ['ignore', 'pipe', 'ignore'] });
    const table = Object.fromEntries(scenarios(tokens).map(s => [s.id, s.subjects.madang]));
    const shapes = {
        json: { ...table.json[1], conns: 1 }, row: { ...table.row[1], conns: 1 }, hold: { ...table.hold[1], conns: 1 }, echo1: table.echo1[1],
        fan10: { ...table.fan[1], conns: 10 }, pair1: { ...table.pairs[1], conns: 2 }, churn1: { ...table.churn[1], conns: 1 },
    };
    const modes = { json: 'http', row: 'http', hold: 'http', echo1: 'echo', fan10: 'fan', pair1: 'pairs', churn1: 'churn' }, result = {};
    for (const name of PATHS.filter(p => !only || only.includes(p))) {
        const one = n => load(subject, modes[name], { ...shapes[name], seconds: 600, warm: 0, count: n });
        await one(200);
        control('-z');
        const few = await one(COUNT);
        control(`-d`);
        const a = read(prefix, pid);
        control('-z');
        await one(COUNT * 3);
        control(`-d`);
        const b = read(prefix, pid);
        result[name] = Math.round((b.total - a.total) / (COUNT * 2));
        result[`${name}.file`] = b.file;
        void few;
    }
    await node.stop();
    return result;
}

// The newest dump and its sum.
function read(prefix, pid) {
    const folder = path.dirname(prefix), files = fs.readdirSync(folder).filter(f => f.startsWith(`callgrind.${pid}.`)).sort((a, b) => Number(a.split('.').at(-1)) - Number(b.split('.').at(-1)));
    const file = path.join(folder, files.at(-1)), totals = /^(?:totals|summary): (\d+)/m.exec(fs.readFileSync(file, 'utf8'));
    return { file, total: Number(totals[1]) };
}
