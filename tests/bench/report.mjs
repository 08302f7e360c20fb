// docs/performance.md and its chart, from what a run has measured.
import fs from 'node:fs';
import path from 'node:path';
import { TITLES } from './callgrind.mjs';
import { root } from './lib.mjs';
import { NAMES } from './subjects.mjs';

const k = n => n >= 1e6 ? `${(n / 1e6).toFixed(2)} M` : n >= 1e4 ? `${Math.round(n / 1e3)} k` : n >= 1e3 ? `${(n / 1e3).toFixed(1)} k` : String(Math.round(n));
const ratio = x => x.toFixed(2), percent = x => `${(x * 100).toFixed(1)} %`;

function standing(s) {
    const rate = n => s.plain ? s.subjects[n].plain : s.subjects[n].best, ours = rate(s.ours);
    const met = list => list?.filter(([n]) => s.subjects[n]).map(([n, least]) => ({ n, least, is: ours / rate(n), ok: ours / rate(n) >= least }));
    const slow = list => list?.map(([n, most]) => ({ n, most, is: s.subjects[s.ours].p50 / s.subjects[n].p50, ok: s.subjects[s.ours].p50 <= most * s.subjects[n].p50 }));
    return { must: [...(met(s.must) ?? []), ...(slow(s.mustTime) ?? [])], moonshot: [...(met(s.moonshot) ?? []), ...(slow(s.moonshotTime) ?? [])] };
}
const told = list => list.map(m => `${m.ok ? '✓' : '✗'} ${ratio(m.is)} (${m.most ? `≤ ${m.most}` : `≥ ${m.least}`}) ${NAMES[m.n]}`).join('<br>') || '–';
// What it takes for the same work, beside others of the same run: figures of a core do not travel between machines.
const beside = (busy, list) => list.filter(([n]) => n in busy).map(([n, most]) => ({ n, most, is: busy.madang / busy[n], ok: busy.madang <= most * busy[n] }));

function table(s) {
    const rate = n => s.plain ? s.subjects[n].plain : s.subjects[n].best, floor = s.subjects[s.floor] ? rate(s.floor) : 0;
    const rows = Object.entries(s.subjects).sort((a, b) => rate(b[0]) - rate(a[0])).map(([n, r]) => `| ${n === s.ours ? `**${NAMES[n]}**` : NAMES[n]} | ${k(rate(n))} | ${k(s.plain ? r.plain : r.median)} | ${floor ? ratio(rate(n) / floor) : '–'} | ${k(r.plain)} | ${r.p50 ? `${r.p50} / ${r.p99}` : '–'} |`);
    return `**${s.title}**\n\n| | best, ${s.unit} ${s.plain ? 'a second' : 'a CPU second'} | median | of ${NAMES[s.floor]} | a second | p50 / p99 µs |\n|---|--:|--:|--:|--:|--:|\n${rows.join('\n')}\n`;
}

const COLOURS = { madang: '#d6336c', nodes: '#d6336c', floor: '#495057', uv: '#868e96', pq: '#868e96', pgbench: '#868e96' };
function chart(list) {
    const W = 760, LEFT = 130, H = 15, parts = [];
    let y = 10;
    for (const s of list) {
        const rate = n => s.plain ? s.subjects[n].plain : s.subjects[n].best, most = Math.max(...Object.keys(s.subjects).map(rate));
        parts.push(`<text x="0" y="${y + 12}" class="t">${s.title}, ${s.unit} ${s.plain ? 'a second' : 'a CPU second'}</text>`);
        y += 20;
        for (const n of Object.keys(s.subjects).sort((a, b) => rate(b) - rate(a))) {
            const w = Math.max(1, rate(n) / most * (W - LEFT - 70));
            parts.push(`<text x="${LEFT - 6}" y="${y + 11}" class="n">${NAMES[n]}</text><rect x="${LEFT}" y="${y}" width="${w.toFixed(1)}" height="${H - 3}" rx="2" fill="${COLOURS[n] ?? '#adb5bd'}"/><text x="${(LEFT + w + 5).toFixed(1)}" y="${y + 11}" class="v">${k(rate(n))}</text>`);
            y += H;
        }
        y += 12;
    }
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${W} ${y}" width="${W}" height="${y}" role="img" aria-label="madang beside floors and peers"><style>text{font:11px system-ui,sans-serif;fill:#343a40}.t{font-weight:600;font-size:12px}.n{text-anchor:end}@media(prefers-color-scheme:dark){text{fill:#dee2e6}}</style>${parts.join('')}</svg>\n`;
}

export function write(r) {
    const main = r.scenarios.filter(s => !s.tenfold), ten = r.scenarios.filter(s => s.tenfold);
    const of = s => { const x = s.subjects; return `| ${s.title} | ${k(x.madang.best)} | ${ratio(x.madang.best / main.find(m => m.id === s.tenfold).subjects.madang.best)} | ${x.floor ? ratio(x.madang.best / x.floor.best) : '–'} |`; };
    const standings = main.map(s => ({ s, at: standing(s) })).filter(x => x.at.must.length || x.at.moonshot.length);
    const m = r.memory.madang, mark = (ok, text) => `${ok ? '✓' : '✗'} ${text}`;
    const text = `# Performance

Made by \`./dev bench\`. A server on one core, the load (and Postgres and Redis) on the other, subjects alternating, ${r.RUNS} repetitions of
${r.SECONDS} s. The unit is work per second of the server's CPU time, for shared machines steal wall time; noise only ever takes away, so the *best*
repetition is compared, with the median beside it. The floors are programs that do nothing else (\`tests/bench/floor.c\`, \`floor_uv.c\`): they parse
nothing, check nothing and know nobody. madang goes through its own doors: tokens, authorisation, limits, shapes, metrics; without a line of log for
each call (\`[log] access\`), as the others. Events that the others pass on are as long as madang's.

![chart](performance.svg)

## Where it stands

| | must | moonshot |
|---|---|---|
${standings.map(({ s, at }) => `| ${s.title} | ${told(at.must)} | ${told(at.moonshot)} |`).join('\n')}
| memory of an idle socket, authenticated, in presence and one room | ${mark(m.idle <= 1024, `${m.idle} B (≤ 1,024)`)} | ${mark(m.idle <= 512, '≤ 512')} |
| … more after it was used | ${mark(m.used - m.idle <= 128, `${m.used - m.idle} B (≤ 128)`)} | ${mark(m.used - m.idle <= 0, '0')} |
| CPU for 1,000 heartbeats a second on ${r.SOCKETS.toLocaleString('en')} sockets | ${told(beside(r.beats, [['floor', 2], ['bun', 1]]))} | ${told(beside(r.beats, [['floor', 1.3]]))} |
| CPU for 100 rooms of 100, a message a second in each | ${told(beside(r.rooms, [['floor', 1.3]]))} | ${told(beside(r.rooms, [['floor', 1]]))} |

${fs.readFileSync(path.join(root, 'tests/bench/notes.md'), 'utf8').trim()}

## Tables

${main.map(table).join('\n')}
**Many sockets** (${r.SOCKETS.toLocaleString('en')}; resident memory by the difference that they make, the kernel's not in it; the last two, of a core)

| | bytes, idle | bytes, used | 1,000 heartbeats/s | 100 rooms × 100 |
|---|--:|--:|--:|--:|
${Object.keys(r.memory).map(n => `| ${n === 'madang' ? '**madang**' : NAMES[n]} | ${r.memory[n].idle.toLocaleString('en')} | ${r.memory[n].used.toLocaleString('en')} | ${n in r.beats ? percent(r.beats[n]) : '–'} | ${n in r.rooms ? percent(r.rooms[n]) : '–'} |`).join('\n')}

**Words of a language model**, 30 a second in each stream, through [llm] and tarot.delta to a socket each: what the daemon adds in between

| streams | p50 / p99 / longest, µs | of a core | words due / heard | bytes a stream |
|--:|--:|--:|--:|--:|
${r.streams.map(x => `| ${x.streams.toLocaleString('en')} | ${x.p50_us} / ${x.p99_us} / ${x.max_us} | ${percent(x.cpu)} | ${x.written} / ${x.heard} | ${x.bytes_each.toLocaleString('en')} |`).join('\n')}

${ten.length ? `**Ten times as much**\n\n| | best | of the tenth | of the floor |\n|---|--:|--:|--:|\n${ten.map(of).join('\n')}\n` : ''}
**Instructions**, user space, counted by callgrind; the record is \`tests/bench/instructions.json\`

| | each |
|---|--:|
${Object.entries(r.counts).map(([n, c]) => `| ${TITLES[n]} | ${c.toLocaleString('en')} |`).join('\n')}
`;
    fs.writeFileSync(path.join(root, 'docs/performance.md'), text);
    fs.writeFileSync(path.join(root, 'docs/performance.svg'), chart(main));
    console.log(text);
}
