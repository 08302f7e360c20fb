// Each feature can be taken away: its folders and its line in src/features.def, and those that need it; the rest is built, with what tests it in C,
// and starts.
// node tests/arch/without.mjs NAME… (all: every one); the stores by the environment, as the tests have them.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { Cluster, root } from '../lib/daemon.mjs';

const line = /^X\((\w+), "(.*)"\)$/;
const rows = fs.readFileSync(path.join(root, 'src/features.def'), 'utf8').split('\n').map(l => line.exec(l)).filter(Boolean).map(([, name, needs]) => ({ name, needs: needs.split(' ') }));
const withNeeds = name => { const gone = new Set([name]); for (const r of rows) if (r.needs.some(n => gone.has(n))) gone.add(r.name); return gone; };
const run = (command, args, cwd) => { const r = spawnSync(command, args, { cwd, encoding: 'utf8' }); if (r.status !== 0) throw new Error(`${command} ${args.join(' ')}\n${(r.stdout + r.stderr).slice(-4000)}`); };

// The tree as it is, without what git does not know; one folder for all of them, so that what did not change is not built again.
function copyTree(to) {
    for (const f of execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z', '--', 'src', 'include', 'migrations', 'cmake', 'config', 'web', 'tests/unit', 'tests/features', 'tests/lib', 'CMakeLists.txt'], { cwd: root, encoding: 'utf8' }).split('\0').filter(f => f && fs.existsSync(path.join(root, f)))) {
        fs.mkdirSync(path.join(to, path.dirname(f)), { recursive: true });
        fs.cpSync(path.join(root, f), path.join(to, f), { preserveTimestamps: true });
    }
}
function takeAway(tree, gone) {
    for (const name of gone) for (const folder of ['src/features', 'migrations', 'tests/features']) fs.rmSync(path.join(tree, folder, name), { recursive: true, force: true });
    const list = path.join(tree, 'src/features.def');
    fs.writeFileSync(list, fs.readFileSync(list, 'utf8').split('\n').filter(l => !gone.has(line.exec(l)?.[1])).join('\n'));
}
async function tryWithout(name, folder) {
    const gone = withNeeds(name), tree = path.join(folder, 'tree'), build = path.join(folder, 'build');
    fs.rmSync(tree, { recursive: true, force: true });
    copyTree(tree);
    takeAway(tree, gone);
    const rules = rows.map(r => r.name).filter(n => fs.existsSync(path.join(tree, 'tests/features', n, 'rules.c'))).map(n => `rules_${n}`);
    run('cmake', ['-S', tree, '-B', build, '-G', 'Ninja', '-DCMAKE_BUILD_TYPE=Debug', '-DCMAKE_C_FLAGS_DEBUG=-O0'], root);
    run('ninja', ['-C', build, '--quiet', 'madangd', ...rules], root);
    const cluster = Object.assign(await new Cluster().start(), { binary: path.join(build, 'madangd') });
    try {
        const { features } = await (await cluster.node()).ok('GET', '/api/v1/features');
        const left = rows.map(r => r.name).filter(n => n !== 'bench' && !gone.has(n));
        if (left.some(n => !features.includes(n)) || features.some(n => gone.has(n))) throw new Error(`it has ${features}, not ${left}`);
    } finally { await cluster.stop(); }
    return gone;
}

const names = process.argv[2] === 'all' ? rows.map(r => r.name).filter(n => n !== 'bench') : process.argv.slice(2);
const folder = fs.mkdtempSync(path.join(process.env.MADANG_TEST_STORES, 'without-'));
let passed = 0, failed = 0;
for (const name of names) {
    try { console.log(`without ${[...await tryWithout(name, folder)].join(', ')}: built and started`); passed++; } catch (e) { console.error(`without ${name}: ${e.message}`); failed++; }
}
fs.rmSync(folder, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
