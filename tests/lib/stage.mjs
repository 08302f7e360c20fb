// How stages are run: bounded in time, counted, timed.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { nameOf, root } from './choose.mjs';

const STAGE_S = 1200, QUICK_S = 1200; // what a stage may take, and what a quick run of everything should
export const say = text => console.error(process.stderr.isTTY ? `\x1b[1m== ${text}\x1b[0m` : `== ${text}`);
const lines = text => text.split('\n');
const last = (text, count) => lines(text.trimEnd()).slice(-count).join('\n');
const read = file => { try { return fs.readFileSync(file, 'utf8'); } catch { return ''; } };

let running = null; // the group of processes of the command that runs
const end = signal => { try { if (running) process.kill(-running, signal); } catch { /* it has ended */ } };
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => { end('SIGKILL'); process.exit(130); });

// On a network of its own, where the system allows it.
function isolated(command) {
    const as = [[], ['-r']].find(a => spawnSync('unshare', [...a, '-n', 'true']).status === 0);
    return as ? ['unshare', ...as, '-n', '--', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', ...command] : command;
}

// One stage as it runs: { stage, files, features, deep, chosen, folder, records, passed, failed, skipped, times }.
class Context {
    constructor(own) { Object.assign(this, { passed: 0, failed: 0, skipped: 0, times: [] }, own); }
    count(name, ok, ms, what = '') {
        ok ? this.passed++ : this.failed++;
        this.times.push({ name, ms });
        if (!ok) console.error(`✗ ${name}\n${what}`);
    }
    // Ends the command, with all that it started in its group, when it has taken STAGE_S. What it prints goes to a file, and no pipe: what a
    // test has left running must not keep us waiting for its end. follow: it is shown as it comes.
    run(command, environment = {}, { follow = false } = {}) {
        const { stage, deep } = this, log = path.join(this.folder, 'stage.log'), fd = fs.openSync(log, 'w'), argv = stage.isolated ? isolated(command) : command;
        const env = { ...process.env, ...stage.recorded ? { MADANG_TEST_RECORDS: this.records } : {}, ...stage.always, ...deep ? stage.deep : stage.quick, ...environment };
        const p = spawn(argv[0], argv.slice(1), { cwd: root, env, detached: true, stdio: ['ignore', fd, fd] });
        let shown = 0, late = false;
        const show = () => { const bytes = fs.readFileSync(log).subarray(shown); shown += bytes.length; process.stdout.write(bytes); };
        const timer = setTimeout(() => { late = true; end('SIGTERM'); setTimeout(() => end('SIGKILL'), 10000).unref(); }, STAGE_S * 1000);
        const pace = follow ? setInterval(show, 300) : null;
        running = p.pid;
        return new Promise(done => p.on('error', e => done(`${e}`)).on('exit', (code, signal) => done(code ?? signal))).then(code => {
            clearTimeout(timer);
            clearInterval(pace);
            if (follow) show();
            fs.closeSync(fd);
            running = null;
            const out = read(log);
            if (late) { this.failed++; say(`ended after ${STAGE_S} s: ${command.slice(0, 6).join(' ')} …${follow ? '' : `; the last that it said:\n${last(out, 20)}`}`); }
            return { code, late, out };
        });
    }
}

// A command that is to succeed; fails: that is to fail.
export async function check(c, name, command, { fails = false } = {}) {
    const began = Date.now(), { code, out } = await c.run(command);
    c.count(name, (code === 0) !== fails, Date.now() - began, last(out, 40));
}
// A command for each file.
export const each = make => async c => { for (const f of c.files) await check(c, nameOf(f), make(f)); };

// A command whose last line says "N passed, N failed".
export const counted = (...command) => async c => {
    const { out, late } = await c.run(command), [, passed, failed] = /^(\d+) passed, (\d+) failed$/m.exec(last(out, 1)) ?? [0, 0, late ? 0 : 1];
    c.passed += Number(passed);
    c.failed += Number(failed);
    if (Number(failed)) console.error(last(out, 110));
};

// The programs of C; a feature's is called rules_x.
export const ctest = build => async c => {
    const names = c.files.map(f => f.startsWith('features/') ? `rules_${f.split('/')[1]}` : path.basename(f, '.c'));
    const { out, late } = await c.run(['ctest', '--test-dir', `build/${build}`, '--output-on-failure', '-j', String(os.availableParallelism()), '-R', `^(${names.join('|')})$`]);
    const told = [...out.matchAll(/Test +#\d+: (\S+) \.*(.*?) +([\d.]+) sec$/gm)];
    for (const [, name, what, s] of told) c.count(name, what.trim() === 'Passed', s * 1000);
    if (told.length !== names.length && !late) c.count(`${names.length} programs, of which ${told.length} have run`, false, 0);
    if (c.failed && !late) console.error(last(out, 60));
};

// Most of a test is waiting: two files for each core keep it busy.
export async function nodeTest(c) {
    const results = path.join(c.folder, 'results.jsonl'), atOnce = process.env.TEST_CONCURRENCY ?? (c.stage.one ? 1 : 2 * os.availableParallelism());
    fs.rmSync(results, { force: true });
    const { code, late, out } = await c.run(['node', '--test', `--test-timeout=${STAGE_S * 1000 / 3}`, `--test-concurrency=${atOnce}`, '--test-reporter=./tests/lib/reporter.mjs', '--test-reporter-destination=stdout',
        ...c.files.map(f => `tests/${f}`)], { MADANG_TEST_RESULTS: results }, { follow: true });
    for (const { file, name, outcome, ms, depth } of lines(read(results)).filter(Boolean).map(l => JSON.parse(l))) {
        c[{ pass: 'passed', fail: 'failed', skip: 'skipped' }[outcome]]++;
        if (!depth) c.times.push({ name: `${file}: ${name}`, ms });
    }
    if (!late && code !== 0 && !c.failed) c.count('node --test', false, 0, last(out, 40));
}

// All that was chosen, to the closing lines.
export class Suite {
    constructor(chosen, deep) {
        const folder = process.env.MADANG_TEST_STORES, records = path.join(folder, 'records');
        fs.mkdirSync(records, { recursive: true });
        Object.assign(this, { chosen, deep, folder, records, seconds: [], slow: [], passed: 0, failed: 0, built: new Set(), began: Date.now() });
    }
    took(name, began) { const s = Math.round((Date.now() - began) / 1000); this.seconds.push(`${name} ${s}`); return s; }
    build(name) {
        if (!name || this.built.has(name)) return true;
        const began = Date.now(), ok = spawnSync('./dev', ['build', name], { cwd: root, stdio: 'inherit' }).status === 0;
        this.built.add(name);
        this.took(`build/${name}`, began);
        return ok;
    }
    async run() {
        for (const chosen of this.chosen) {
            const { stage } = chosen;
            if (!this.build(stage.build)) { this.failed++; break; }
            const began = Date.now(), c = new Context({ ...chosen, deep: this.deep, chosen: this.chosen, folder: this.folder, records: this.records });
            await stage.run(c);
            this.passed += c.passed;
            this.failed += c.failed;
            this.slow.push(...c.times.map(t => ({ ...t, stage: stage.name })));
            say(`${stage.name}: ${c.passed} passed, ${c.failed} failed${c.skipped ? `, ${c.skipped} skipped` : ''} (${this.took(stage.name, began)} s)`);
        }
        return this.close();
    }
    close() {
        const s = Math.round((Date.now() - this.began) / 1000), all = this.chosen.some(c => c.stage.name === 'chaos' && c.whole);
        say(`seconds: ${this.seconds.join(', ')}; ${s} in all${all && !this.deep && s > QUICK_S ? `, more than the ${QUICK_S} that a quick run should take` : ''}`);
        const slowest = this.slow.sort((a, b) => b.ms - a.ms).slice(0, 10).map(t => `\n   ${(t.ms / 1000).toFixed(1).padStart(6)} s  ${t.stage}: ${t.name}`);
        if (slowest.length) say(`the slowest:${slowest.join('')}`);
        console.log(`${this.passed} passed, ${this.failed} failed`);
        return this.failed || !this.passed ? 1 : 0;
    }
}
