// What the linker sees: whose names begin with what, and where that which a header declares is defined. By the objects of build/release.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Checks, floors, names, needs, publicFloor, read, root } from './arrows.mjs';

const checks = new Checks(), check = (ok, what) => checks.check(ok, what);
const objects = path.join(root, 'build/release/CMakeFiles/madang.dir');
const walk = folder => fs.readdirSync(folder, { withFileTypes: true }).flatMap(e => e.isDirectory() ? walk(path.join(folder, e.name)) : [path.join(folder, e.name)]);

// Where each is defined: src/features/tarot/tarot.c … An object whose source is gone is of a build before.
const home = new Map();
const all = walk(objects).filter(f => f.endsWith('.o')).map(f => [f, path.relative(objects, f).replace(/\.o$/, '')]).filter(([, source]) => fs.existsSync(path.join(root, source)));
let source;
for (const line of String(execFileSync('nm', ['-g', '--defined-only', ...all.map(([f]) => f)], { maxBuffer: 1 << 28 })).split('\n')) {
    const head = /^(.*\.o):$/.exec(line), symbol = /^[0-9a-f]+ [A-Z] (\w+)$/.exec(line);
    if (head) source = path.relative(objects, head[1]).replace(/\.o$/, '');
    if (symbol && !symbol[1].startsWith('__')) home.set(symbol[1], source);
}
check(home.size > 1000, `build/release has ${home.size} symbols`);

const featureOf = f => /^src\/features\/(\w+)\//.exec(f)?.[1], floorOf = f => f.split('/').length === 2 ? 'app' : f.split('/')[1];
const nouns = [...names].flatMap(([feature, list]) => list.map(noun => [noun, feature]));
check(new Set(nouns.map(([noun]) => noun)).size === nouns.length, 'tests/arch/arrows.txt: two features share a noun');
for (const feature of needs.keys()) check(names.has(feature), `tests/arch/arrows.txt does not say what the names of ${feature} begin with`);

for (const [symbol, f] of home) {
    const feature = featureOf(f);
    if (feature) check(names.get(feature)?.some(noun => symbol === noun || symbol.startsWith(`${noun}_`)), `${f}: ${symbol} begins with none of the nouns of ${feature}`);
}

// Functions and variables that headers declare: what stands outside of braces and ends in ";", without the static and the typedefs.
function declared(text) {
    const plain = text.replace(/\/\*[^]*?\*\//g, '').replace(/^#(?:.*\\\n)*.*$/gm, ''), out = [];
    let depth = 0, at = 0, piece = '';
    for (; at < plain.length; at++) {
        const c = plain[at];
        if (c === '{') depth++;
        if (depth === 0) piece += c;
        if (c === '}' && --depth === 0) piece += '{}';
        if (c === ';' && depth === 0) { out.push(piece.trim().replace(/\s+/g, ' ')); piece = ''; }
    }
    return out.flatMap(d => /^(static|typedef|struct \w+( \{\})?;|enum|union|_Static_assert)/.test(d) || d.includes('{}') ? [] : d.startsWith('extern ') ? [...d.matchAll(/(\w+)(?:\[\w*\])*(?=[,;])/g)].map(m => m[1]) : /(\w+)\(/.exec(d)?.[1] ?? []);
}
const rooms = walk(path.join(root, 'src/features')).map(f => path.relative(root, f)).filter(f => /\.[ch]$/.test(f));
for (const name of fs.readdirSync(path.join(root, 'include/madang')).filter(n => n.endsWith('.h'))) {
    const floor = publicFloor(name), homes = new Set();
    for (const symbol of declared(read(`include/madang/${name}`))) {
        const f = home.get(symbol);
        if (!f) continue; // of the program alone, or a macro's
        check(floorOf(f) === floor, `madang/${name} is of ${floor}, and ${symbol} is defined in ${f}`);
        if (featureOf(f)) homes.add(featureOf(f));
    }
    check(homes.size <= 1, `madang/${name}: two features define what it declares: ${[...homes].join(' ')}`);
    // who includes it needs the feature
    const [owner] = homes;
    if (owner) for (const f of rooms) {
        const feature = featureOf(f);
        if (feature && feature !== owner && new RegExp(`#include "madang/${name}"`).test(read(f))) check(needs.get(feature).includes(owner), `${f} includes madang/${name}: features.def does not say that ${feature} needs ${owner}`);
    }
}
checks.end();
