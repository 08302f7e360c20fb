// What tests/arch/arrows.txt says.
import fs from 'node:fs';
import path from 'node:path';

export const root = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../..');
export const read = f => fs.readFileSync(path.join(root, f), 'utf8');

export const floors = {}; // how high each stands
export const names = new Map(); // of a feature: what its names begin with
export const tables = new Map(); // of a feature: the platform's that it may name
let height = 0;
for (const line of read('tests/arch/arrows.txt').split('\n').filter(l => l && !l.startsWith('#'))) {
    const [what, ...words] = line.split(' ');
    if (what === 'floor') { for (const w of words) floors[w] = height; height++; } else if (what === 'names') names.set(words[0], words.slice(1));
    else if (what === 'tables') tables.set(words[0], words.slice(1));
    else throw new Error(`tests/arch/arrows.txt: ${line}`);
}
// Those of one line may not look into each other's rooms.
export const apart = (a, b) => a !== b && floors[a] === floors[b];
// Which features a feature may know.
export const needs = new Map([...read('src/features.def').matchAll(/^X\((\w+), "(.*)"\)/gm)].map(([, name, list]) => [name, list.split(' ').filter(Boolean)]));
// A public header says in its first line whose it is: "/* data: store — …".
export const publicFloor = name => /^\/\* (\w+): /.exec(read(`include/madang/${name}`))?.[1];

export class Checks {
    count = 0;
    wrong = [];
    check(ok, what) { this.count++; if (!ok) this.wrong.push(what); }
    end() {
        for (const w of this.wrong) console.error(w);
        console.log(`${this.count - this.wrong.length} passed, ${this.wrong.length} failed`);
        process.exit(this.wrong.length ? 1 : 0);
    }
}
