// Instructions of the hot paths, counted by callgrind: they repeat where seconds do not. tests/bench/instructions.json is the
// record; a path that grew by more than a tenth fails the run until the record is changed with it (./dev bench --record).
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { load, root } from './lib.mjs';
import { scenarios } from './scenarios.mjs';
import { MADANG } from './subjects.mjs';

const FEW = 500, MANY = 1500, WARM = 200;
const recordFile = path.join(root, 'tests/bench/instructions.json');
export const TITLES = { json: 'constant JSON', row: 'one indexed SELECT', hold: 'one Redis lease', beat: 'WebSocket call', delivery: 'event to one of ten members', relay: 'relayed message', handshake: 'handshake and session.open', send: 'message sent and committed' };

// The sum of the newest dump.
function total(folder, pid) {
    const files = fs.readdirSync(folder).filter(f => f.startsWith(`callgrind.${pid}.`)).sort((a, b) => Number(a.split('.').at(-1)) - Number(b.split('.').at(-1)));
    return Number(/^(?:totals|summary): (\d+)/m.exec(fs.readFileSync(path.join(folder, files.at(-1)), 'utf8'))[1]);
}

// Instructions for one more of each, by the difference between many and few.
export async function counts(cluster, files) {
    process.env.MADANG_WRAP = `valgrind --tool=callgrind -q --callgrind-out-file=${cluster.folder}/callgrind.%p`;
    const node = await cluster.node({ ...MADANG, MADANG_REDIS_PREFIX: `${cluster.id}-counted:` });
    delete process.env.MADANG_WRAP;
    const subject = { name: 'counted', port: node.port, pids: [node.process.pid] }, pid = String(node.process.pid), result = {};
    const control = what => execFileSync('callgrind_control', [what, pid], { stdio: 'ignore' });
    const table = Object.fromEntries(scenarios({ ...files, all: files.few }).map(s => [s.id, s.subjects.madang]));
    const paths = { json: ['json', 1], row: ['row', 1], hold: ['hold', 1], beat: ['echo1', 1], delivery: ['fan', 10], relay: ['pairs', 2], handshake: ['churn', 1], send: ['send', 1] };
    for (const [name, [id, conns]] of Object.entries(paths)) {
        const [mode, options] = table[id], ask = count => load(subject, mode, { ...options, conns, seconds: 600, warm: 0, count });
        const counted = async n => { control('-z'); await ask(n); control('-d'); return total(cluster.folder, pid); };
        await ask(WARM);
        const few = await counted(FEW);
        result[name] = Math.round((await counted(MANY) - few) / (MANY - FEW));
    }
    node.killed = true; // a checker's exit code says nothing of ours
    node.process.kill('SIGTERM');
    await node.exited;
    return result;
}

export function judge(found, write, say) {
    const record = fs.existsSync(recordFile) ? JSON.parse(fs.readFileSync(recordFile, 'utf8')) : {};
    const grown = Object.keys(found).filter(k => record[k] && found[k] > record[k] * 1.1);
    for (const k of Object.keys(found)) say(`instructions, ${TITLES[k]}: ${found[k]}${record[k] ? ` (record ${record[k]})` : ''}${grown.includes(k) ? ': more than a tenth above the record' : ''}`);
    if (write || !fs.existsSync(recordFile)) fs.writeFileSync(recordFile, JSON.stringify(found, null, 2) + '\n');
    return write ? 0 : grown.length;
}
