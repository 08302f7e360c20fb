// The stages of the suite. ./dev test [--deep] [--changed] [WHAT…]: the words name stages of the table, features of src/features.def, or
// files ("chaos/stalls"); a stage and a feature together, what the stage has of the feature. Without a word, all that is not for deep runs.
import fs from 'node:fs';
import path from 'node:path';
import { choose, features, root } from './lib/choose.mjs';
import { check, counted, ctest, each, nodeTest, Suite } from './lib/stage.mjs';

const API = ['api/*.test.mjs', 'features/*/api*.mjs'], CONFORMANCE = ['conformance/*.test.mjs'], CHAOS = ['chaos/*.test.mjs'];
const BROWSER = ['browser/*.test.mjs', 'features/*/browser*.mjs'], UNIT = ['unit/test_*.c', 'features/*/rules.c'];
const ASAN = { MADANG_BINARY: path.join(root, 'build/asan/madangd') };
const VALGRIND = ['valgrind', '-q', '--error-exitcode=9', '--leak-check=full', '--errors-for-leak-kinds=definite'];

/* name     what it is called, here and on the command line
 * build    what has to be built
 * files    of tests/; a feature's are in tests/features/, the others are the platform's. byFeature: none, it is given names of features
 * run      how; one: a file at a time; isolated: on a network that has nothing but loopback; recorded: answers are kept for the judge
 * always, quick, deep   environment of every run, of a quick one, of a deep one
 * when     'deep': in deep runs alone. 'cheap': with --changed, whatever has changed. 'whole': not when only features or files are named
 * newest   in a quick run only the platform's files and those of features that have changed
 * after    only if one of these has run; who names it has them, too */
export const stages = [
    { name: 'house', run: counted('node', 'tests/arch/check.mjs'), when: 'cheap' },
    { name: 'format', run: c => check(c, 'the format', ['./dev', 'format', '--check']), when: 'cheap' },
    { name: 'names', build: 'release', run: counted('node', 'tests/arch/symbols.mjs'), when: 'cheap' },
    { name: 'generated', build: 'release', run: generated, when: 'cheap' },
    { name: 'unit', build: 'release', files: UNIT, run: ctest('release') },
    { name: 'valgrind', build: 'release', files: ['base', 'shape', 'loop', 'web', 'providers'].map(n => `unit/test_${n}.c`), run: each(f => [...VALGRIND, `build/release/tests/unit/${path.basename(f, '.c')}`]), when: 'whole' },
    { name: 'without', build: 'release', run: without, byFeature: true, when: 'whole' },
    { name: 'api', build: 'release', files: API, run: nodeTest, recorded: true },
    { name: 'conformance', build: 'release', files: CONFORMANCE, run: nodeTest, recorded: true },
    { name: 'judge', build: 'release', run: judge, after: ['api', 'conformance'] },
    { name: 'lies', build: 'release', run: lies, when: 'whole' },
    { name: 'browser', build: 'release', files: BROWSER, run: nodeTest, one: true, isolated: true }, // browsers tell each other every address they find
    { name: 'chaos', build: 'release', files: CHAOS, run: nodeTest, one: true, // a few cells, every seventh passage
        quick: { MADANG_CHAOS: 'a node killed,Redis frozen,answers of Postgres lost', MADANG_TORTURE_STEP: '7' } },
    { name: 'asan-unit', build: 'asan', files: UNIT, run: ctest('asan'), newest: true, when: 'whole', deep: { MADANG_HOUSE_STEP: '1' } },
    { name: 'asan-api', build: 'asan', files: [...API, ...CONFORMANCE], run: nodeTest, newest: true, when: 'whole', always: ASAN },
    { name: 'asan-chaos', build: 'asan', files: CHAOS, run: nodeTest, one: true, when: 'deep', always: { ...ASAN, MADANG_TORTURE_STEP: '3' } },
    { name: 'valgrind-api', build: 'release', files: ['api/http.test.mjs', 'api/sockets.test.mjs', ...['accounts', 'files', 'social'].map(n => `features/${n}/api.mjs`)], run: nodeTest, one: true, when: 'deep', always: { MADANG_WRAP: VALGRIND.join(' ') } },
    { name: 'fuzz', build: 'fuzz', files: ['fuzz/fuzz_*.c'], run: fuzz, when: 'whole' },
];

// Generated files are what the program generates, and the documents please a linter.
async function generated(c) {
    const program = 'build/release/madangd', openapi = path.join(c.folder, 'openapi.json');
    const made = { 'config example': 'config/madang.ini', 'config reference': 'docs/settings.md', client: 'web/calls.js', machines: 'docs/machines.md', types: 'web/madang-types.d.ts' };
    for (const [command, file] of Object.entries(made)) await check(c, `${file} is what madangd ${command} prints`, ['sh', '-c', `${program} ${command} | cmp - ${file}`]);
    await check(c, 'web/cards is what tools/deck.mjs draws', ['node', '--input-type=module', '-e', 'import { readFileSync as r } from "node:fs"; import { files } from "./tools/deck.mjs"; process.exit(files().every(([n, svg]) => r(`web/cards/${n}`, "utf8") === svg) ? 0 : 1)']);
    await check(c, 'the OpenAPI document has no mistakes', ['sh', '-c', `${program} openapi >${openapi} && node tests/lint-openapi.mjs ${openapi}`]);
}

// Without a feature's folders and line the rest is built and starts: another one each day; those that are named; in a deep run all.
function without(c) {
    const today = features[Math.floor(Date.now() / 864e5) % features.length].name;
    return counted('node', 'tests/arch/without.mjs', ...c.features ?? [c.deep ? 'all' : today])(c);
}

// A part of the tests need not cover everything.
function judge(c) {
    const whole = ['api', 'conformance'].every(name => c.chosen.some(o => o.stage.name === name && o.whole));
    return counted('node', 'tests/judge.mjs', c.records, ...whole ? [] : ['--no-coverage'])(c);
}

// The judge must be able to fail: a daemon that drops or adds a member of its answers is caught.
async function lies(c) {
    for (const lie of ['reply-field-drop', 'reply-field-add']) {
        const records = path.join(c.folder, `records-${lie}`);
        fs.mkdirSync(records, { recursive: true });
        await c.run(['node', '--test', 'tests/lie.mjs'], { MADANG_TEST_RECORDS: records, MADANG_BREAK: lie });
        await check(c, `${lie} is caught`, ['node', 'tests/judge.mjs', records, '--no-coverage'], { fails: true });
    }
}

function fuzz(c) {
    const seconds = process.env.MADANG_FUZZ_S ?? (c.deep ? '60' : '5');
    return each(f => {
        const name = path.basename(f, '.c'), found = `build/fuzz/corpus/${name}`;
        fs.mkdirSync(path.join(root, found), { recursive: true });
        return [`build/fuzz/tests/fuzz/${name}`, `-max_total_time=${seconds}`, '-rss_limit_mb=2048', '-print_final_stats=0', '-artifact_prefix=build/fuzz/', found, `tests/fuzz/corpus/${name}`];
    })(c);
}

async function main(args) {
    const options = args.filter(a => a.startsWith('-')), deep = options.includes('--deep'), changed = options.includes('--changed');
    let chosen;
    try {
        if (options.some(o => !['--deep', '--changed', '--list'].includes(o))) throw new Error('./dev test [--deep] [--changed] [--list] [WHAT…]');
        chosen = choose(stages, args.filter(a => !a.startsWith('-')), { deep, changed });
    } catch (e) { console.error(`dev: ${e.message}`); return 2; }
    if (options.includes('--list')) {
        for (const { stage, files, features: of } of chosen) console.log(`${stage.name}: ${(stage.byFeature ? of ?? ['one of the features'] : files).join(' ')}`);
        return 0;
    }
    return new Suite(chosen, deep).run();
}
process.exit(await main(process.argv.slice(2)));
