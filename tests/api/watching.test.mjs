// The dashboard and the alerts name what the program has, all of it, and are what their script makes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Cluster, root } from '../lib/daemon.mjs';
import { files, left } from '../../tools/dashboard.mjs';

const read = file => fs.readFileSync(path.join(root, file), 'utf8');
const board = () => JSON.parse(read('config/grafana/madang.json')), rules = () => read('config/prometheus/madang.rules.yml');
const panels = () => board().panels.filter(p => p.type !== 'row');
const namesIn = text => new Set(text.match(/\bmadang_\w+/g));
let cluster, node, metrics; // name → kind
before(async () => {
    cluster = await new Cluster().start();
    node = await cluster.node();
    await node.get('/api/v1/info');
    metrics = new Map([...(await node.admin('/metrics')).matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(m => [m[1], m[2]]));
});
after(() => cluster.stop());
const family = name => metrics.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '');

test('both files are what the script makes', () => {
    for (const [name, text] of files()) assert.equal(read(name), text, `node tools/dashboard.mjs makes another ${name}`);
});

test('every metric of both is one that a node has, and a node has none that is forgotten', () => {
    assert.ok(metrics.size > 30);
    for (const text of [read('config/grafana/madang.json'), rules()]) for (const name of namesIn(text)) assert.ok(metrics.has(family(name)), name);
    const shown = new Set([...namesIn(panels().flatMap(p => p.targets.map(t => t.expr)).join('\n'))].map(family));
    for (const name of metrics.keys()) assert.notEqual(shown.has(name), left.has(name), `${name} is on a panel, or in the list of those that are not, with a reason`);
    for (const [name, why] of left) assert.ok(metrics.has(name) && why.length > 20, name);
});

test('what a node prints is what Prometheus can read', async () => {
    const sample = /^[a-z_]+(\{[a-z_]+="[^"\\\n]*"(,[a-z_]+="[^"\\\n]*")*\})? (-?\d+(\.\d+)?)$/;
    for (const line of (await node.admin('/metrics')).trimEnd().split('\n')) assert.ok(sample.test(line) || /^# (HELP [a-z_]+ \S.*|TYPE [a-z_]+ (counter|gauge|histogram))$/.test(line), line);
    assert.ok(Number(/^madang_resident_mark_bytes (\d+)$/m.exec(await node.admin('/metrics'))[1]) > 1e6);
});

// What the units' ProcSubset=pid leaves of /proc.
const hidden = ['unshare', '-m', 'sh', '-c', 'mount -t proc -o subset=pid proc /proc && exec "$@"', 'sh'], can = spawnSync(hidden[0], [...hidden.slice(1), 'true']).status === 0;
test('memory has its mark also where the machine is hidden', { skip: can ? false : 'may not mount' }, async () => {
    const mark = async n => /^madang_resident_mark_bytes (\d+)$/m.exec(await n.admin('/metrics'))[1], own = await cluster.node({}, hidden);
    assert.equal(await mark(own), await mark(node));
});

test('counters are shown by their rate, gauges as they stand, histograms by quantiles', () => {
    const all = [...panels().flatMap(p => p.targets.map(t => t.expr)), ...[...rules().matchAll(/expr: '(.*)'$/gm)].map(m => m[1])];
    for (const expr of all)
        for (const [whole, before, name] of expr.matchAll(/(\w+\()?(madang_\w+)/g)) {
            const kind = metrics.get(family(name)), rated = /^(rate|increase)\($/.test(before ?? '');
            assert.equal(rated, kind !== 'gauge', `${whole} in ${expr}`);
            assert.equal(/_bucket$/.test(name), /histogram_quantile/.test(expr), expr);
        }
    for (const expr of all) for (const [open, close] of ['()', '{}', '[]']) assert.equal(expr.split(open).length, expr.split(close).length, expr);
});

test('the dashboard stands: nothing overlaps, every panel has a unit, words and a source', () => {
    const taken = new Map();
    for (const p of board().panels) {
        for (let x = p.gridPos.x; x < p.gridPos.x + p.gridPos.w; x++)
            for (let y = p.gridPos.y; y < p.gridPos.y + p.gridPos.h; y++) { assert.ok(x < 24 && !taken.has(`${x} ${y}`), `${p.title} on ${taken.get(`${x} ${y}`)}`); taken.set(`${x} ${y}`, p.title); }
        if (p.type === 'row') continue;
        assert.ok(p.title && p.fieldConfig.defaults.unit && p.targets.length && p.datasource.uid === '${datasource}', p.title);
        for (const t of p.targets) assert.match(t.expr, /\$instance/, p.title);
        const steps = p.fieldConfig.defaults.thresholds.steps.map(s => s.value).slice(1);
        assert.deepEqual([...steps].sort((a, b) => a - b), steps, p.title);
    }
    assert.equal(new Set(board().panels.map(p => p.id)).size, board().panels.length);
    assert.deepEqual(board().templating.list.map(v => v.name), ['datasource', 'instance']);
});

test('every alert waits, has a severity, says what is and what to do; the YAML is well formed', async t => {
    const lines = rules().trimEnd().split('\n');
    for (const line of lines) assert.match(line, /^(#.*|groups:|  - name: madang|    rules:|      - alert: Madang[A-Za-z]+|        (labels|annotations):|        for: \d+m|          severity: (warning|critical)|        expr: '([^']|'')+'|          (summary|description): '([^']|'')+')$/);
    const alerts = rules().split('      - alert: ').slice(1);
    assert.equal(new Set(alerts.map(a => a.split('\n')[0])).size, alerts.length);
    for (const a of alerts) assert.match(a, /^\w+\n +expr: .*\n +for: .*\n +labels:\n +severity: .*\n +annotations:\n +summary: .{20,}\n +description: .*\.'\n$/);
    for (const what of [/up\{/, /loop_turn/, /pg_up/, /redis_up/, /jobs_dead/, /jobs_late/, /shed/, /refused/, /outbound_failed/, /log_dropped/, /resident/]) assert.match(rules(), what);
    const judge = spawnSync('promtool', ['check', 'rules', path.join(root, 'config/prometheus/madang.rules.yml')], { encoding: 'utf8' });
    if (judge.error) t.diagnostic('promtool is not here');
    else assert.equal(judge.status, 0, judge.stderr);
    const yaml = await import('yaml').catch(() => null); // comes with another package, if at all
    if (yaml) assert.equal(yaml.parse(rules()).groups[0].rules.length, alerts.length);
});
