// The rules of the house: include arrows, sizes, banned calls, SQL only in stores and of whose tables, no fixed waits in browsers.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { apart, Checks, floors, names, needs, publicFloor, read, root, tables } from './arrows.mjs';

const tracked = (...folders) => String(execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...folders], { cwd: root })).trim().split('\n').filter(f => fs.existsSync(path.join(root, f)));
const files = tracked('src', 'include').filter(f => /\.[ch]$/.test(f));
const checks = new Checks(), check = (ok, what) => checks.check(ok, what);

// A folder may include what stands at its own height or below.
const folderOf = f => { const parts = f.split('/'); return parts.length === 2 ? 'app' : parts[1]; };

for (const name of needs.keys()) check(fs.existsSync(path.join(root, 'src/features', name)), `src/features.def lists ${name}, which has no folder`);
// Its tests lie beside it: no folder without a feature, no rules without a test of theirs.
for (const name of fs.readdirSync(path.join(root, 'tests/features'))) check(needs.has(name), `tests/features/${name}: no feature is called that`);
for (const [, name] of files.map(f => /^src\/features\/(\w+)\/\w+_rules\.c$/.exec(f)).filter(Boolean)) check(fs.existsSync(path.join(root, 'tests/features', name, 'rules.c')), `the rules of ${name} have no tests/features/${name}/rules.c`);

for (const f of files) {
    const folder = f.startsWith('include/') ? publicFloor(path.basename(f)) : folderOf(f), text = read(f);
    check(folder in floors, `${f}: no floor called ${folder}`);
    for (const [, include] of text.matchAll(/^#include "([^"]+)"/gm)) {
        const target = include.startsWith('madang/') ? publicFloor(include.slice(7)) : include.includes('/') && !include.startsWith('..') ? folderOf(`src/${include}`) : folder;
        if (include.endsWith('.def')) continue;
        check(floors[target] <= floors[folder], `${f} includes ${include}: ${folder} may not look up to ${target}`);
        check(include.startsWith('madang/') || !apart(folder, target), `${f} includes ${include}`);
        // features know each other by madang/ alone
        const feature = /^src\/features\/(\w+)\//.exec(f)?.[1], other = /^features\/(\w+)\//.exec(include)?.[1];
        check(!feature || !other || feature === other, `${f} includes ${include}: another feature's room`);
        const known = /^madang\/(\w+)\.h$/.exec(include)?.[1];
        check(!feature || !needs.has(known) || known === feature || needs.get(feature).includes(known), `${f} includes ${include}: features.def does not say that ${feature} needs ${known}`);
    }
    const lines = text.split('\n').length;
    const long = text.split('\n').findIndex(line => [...line].length > 130 && !/^\s*"|\.sql = "|buf_printf\(&\w+, "/.test(line));
    check(long < 0, `${f}:${long + 1}: a line of more than 130 characters`);
    check(lines <= (f.endsWith('.h') ? 200 : 800), `${f}: ${lines} lines`);
    const code = text.replace(/\/\*[^]*?\*\//g, '').replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
    for (const banned of ['strcpy', 'strcat', 'strncpy', 'sprintf', 'vsprintf', 'strtok', 'atoi', 'atol', 'gets', 'alloca', 'gmtime', 'localtime', 'system', 'popen'])
        check(f.endsWith('banned.h') || !new RegExp(`(?<![\\w.>])${banned}\\s*\\(`).test(code), `${f} calls ${banned}`);
    if (/^src\/(features|providers)\//.test(f)) check(!/(?<![\w_])(malloc|calloc|realloc)\s*\(/.test(code), `${f} allocates by itself`);
    const strings = [...text.matchAll(/"((?:[^"\\\n]|\\.)*)"/g)].map(m => m[1]).join(' ');
    if (/^src\/features\//.test(f) && !/_store\.c$/.test(f))
        check(!/\b(select|insert into|update|delete from)\s+\w+.*\b(from|values|set|where)\b/i.test(strings), `${f}: SQL outside a store`);
    check(!/<jansson\.h>/.test(text), `${f} includes jansson, which only the fuzzer compares with`);
    if (/<openssl\//.test(text)) check(f.startsWith('src/sec/'), `${f} includes OpenSSL`);
    if (/<curl\//.test(text)) check(f.startsWith('src/net/'), `${f} includes curl`);
    if (/<libpq-fe\.h>/.test(text)) check(f.startsWith('src/data/'), `${f} includes libpq`);
}

// What is prepared in the database and what is public in the documents is called by a noun of its feature.
const capital = noun => noun[0].toUpperCase() + noun.slice(1);
for (const f of files) {
    const feature = /^src\/features\/(\w+)\//.exec(f)?.[1], nouns = names.get(feature);
    if (!nouns) continue;
    for (const [, name] of read(f).matchAll(/\bSHAPE\("(\w+)"/g)) check(nouns.some(n => new RegExp(`^${capital(n)}([A-Z]|$)`).test(name)), `${f}: the shape ${name} begins with none of the nouns of ${feature}`);
    for (const [, name] of read(f).matchAll(/\bstruct statement \w+ =\s*\{\s*\.name = "(\w+)"/g)) check(nouns.some(n => name === n || name.startsWith(`${n}_`)), `${f}: the statement ${name} begins with none of the nouns of ${feature}`);
}

// Whose tables and views there are, and who names them.
const made = { table: new Map(), view: new Map() };
for (const f of tracked('migrations')) for (const [, kind, name] of read(f).matchAll(/^create (?:or replace )?(table|view) (?:if not exists )?(\w+)/gm)) if (!made[kind].has(name)) made[kind].set(name, f.split('/')[1]);
for (const f of files.filter(f => f.endsWith('.c'))) {
    const feature = /^src\/features\/(\w+)\//.exec(f)?.[1] ?? 'platform', sql = [...read(f).replace(/\/\*[^]*?\*\//g, '').matchAll(/"((?:[^"\\\n]|\\.)*)"/g)].map(m => m[1]).join(' ');
    for (const [, name] of sql.matchAll(/\b(?:from|join|into|update|using|table)\s+(?:only\s+)?(\w+)/gi)) {
        const owner = made.table.get(name), of = made.view.get(name);
        if (owner) check(owner === feature || (owner === 'platform' && tables.get(feature)?.includes(name)), `${f} names ${name}, a table of ${owner}`);
        if (of) check(of === feature || needs.get(feature)?.includes(of), `${f} names ${name}, a view of ${of}`);
    }
}

// In a browser everything takes longer on a busy machine: who waits for a fixed time waits for too little or for nothing.
const ofBrowsers = tracked('tests').filter(f => /^tests\/(browser\/|features\/\w+\/browser[^/]*\.mjs|lib\/(browser|late|story)\.mjs)/.test(f));
for (const f of ofBrowsers) {
    const waits = read(f).split('\n').findIndex(line => /\b(sleep|waitForTimeout|setTimeout)\s*\(/.test(line) && !/\/\/ time: \S/.test(line));
    check(waits < 0, `${f}:${waits + 1}: waits for a fixed time; wait for what is to be seen, or say why with "// time: …"`);
}

// Functions: what stands between a brace in column 0 and its end.
const sizes = [];
for (const f of files.filter(x => x.endsWith('.c'))) {
    const lines = read(f).split('\n');
    let from = -1;
    lines.forEach((line, i) => {
        if (line === '{') from = i;
        else if (line === '}' && from >= 0) { sizes.push({ f, at: from + 1, n: i - from - 1 }); from = -1; }
    });
}
sizes.sort((a, b) => a.n - b.n);
const percentile = p => sizes[Math.floor((sizes.length - 1) * p)].n;
check(percentile(0.5) <= 15, `the median function has ${percentile(0.5)} lines`);
check(percentile(0.9) <= 45, `nine functions of ten have up to ${percentile(0.9)} lines`);
for (const s of sizes.filter(x => x.n > 70)) check(false, `${s.f}:${s.at}: a function of ${s.n} lines`);
const fileSizes = files.filter(x => x.endsWith('.c')).map(f => read(f).split('\n').length).sort((a, b) => a - b);
check(fileSizes[fileSizes.length >> 1] <= 300, `the median file has ${fileSizes[fileSizes.length >> 1]} lines`);

console.log(`${files.length} files, ${sizes.length} functions: median ${percentile(0.5)}, 90 % ${percentile(0.9)}, longest ${percentile(1)} lines; median file ${fileSizes[fileSizes.length >> 1]}`);
checks.end();
