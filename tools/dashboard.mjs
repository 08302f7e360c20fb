// Makes the dashboard for Grafana and the alerts for Prometheus, config/grafana/madang.json and config/prometheus/madang.rules.yml, from
// the metrics that the program has, by `node tools/dashboard.mjs`. A metric that it does not have, or that is on no panel, ends it.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const read = file => fs.readFileSync(path.join(root, file), 'utf8');

// --- what there is: the rows of the tables, and the families that print themselves ------------------------------------
const rowsOf = file => [...read(file).matchAll(/^X_METRIC\(\w+, (\w+), "(\w+)", "(.*)"\)$/gm)].map(([, kind, name, says]) => ({ name, kind, says }));
const featureNames = [...read('src/features.def').matchAll(/^X\((\w+),/gm)].map(m => m[1]).filter(name => fs.existsSync(path.join(root, `src/features/${name}/${name}.def`)));
const ofFeatures = featureNames.flatMap(name => rowsOf(`src/features/${name}/${name}.def`));
const families = ['wire', 'hub', 'web'].flatMap(floor => fs.readdirSync(path.join(root, 'src', floor)).map(f => `src/${floor}/${f}`)).filter(f => f.endsWith('.c')).flatMap(f => [...read(f).matchAll(/# HELP (madang_\w+) (.*?)\\n# TYPE \1 (\w+)/g)].map(([, name, says, kind]) => ({ name, kind, says })));
const metrics = new Map([...rowsOf('src/ops/metrics.def'), ...families, ...ofFeatures].map(m => [m.name, m]));

// --- what is shown -----------------------------------------------------------------------------------------------------
// A panel: title, unit, and what it shows. A name is shown as what it is, a counter by its rate, a gauge as it stands; anything else is
// [legend, expression], with @ for the choice of instances and RATE for the window. marks: [yellow, red].
const RATE = '[$__rate_interval]';
const failed = 'sum(rate(madang_calls_total{@,result="failed"}RATE))';
const quantile = (q, by = 'le') => `histogram_quantile(${q}, sum by (${by}) (rate(madang_call_seconds_bucket{@}RATE)))`;
const state = { type: 'stat', states: { 0: ['away', 'red'], 1: ['there', 'green'] } };
const board = [
    ['State', [
        ['Process', 'none', [['{{instance}}', 'up{job="madang",@}']], state],
        ['Postgres', 'none', ['madang_pg_up'], state],
        ['Redis', 'none', ['madang_redis_up'], state],
        ['Overload', 'none', ['madang_overload'], { type: 'stat', states: { 0: ['none', 'green'], 1: ['soft', 'yellow'], 2: ['hard', 'red'] } }],
    ]],
    ['Connections and sockets', [
        ['Connections', 'short', ['madang_connections']],
        ['Sockets', 'short', ['madang_sockets']],
        ['Accepted', 'cps', ['madang_connections_total', 'madang_sockets_total']],
        ['Refused, broken, too slow', 'cps', ['madang_connections_refused_total', 'madang_requests_bad_total', 'madang_sockets_slow_total'], { marks: [0.1, 10] }],
        ['WebSocket messages', 'mps', ['madang_frames_in_total', 'madang_frames_out_total']],
        ['Bytes', 'Bps', ['madang_bytes_in_total', 'madang_bytes_out_total']],
    ]],
    ['Calls', [
        ['By result', 'reqps', [['{{result}}', 'sum by (result) (rate(madang_calls_total{@}RATE))']]],
        ['Failed, of all', 'percentunit', [['failed', `${failed} / sum(rate(madang_calls_total{@}RATE))`]], { marks: [0.01, 0.05] }],
        ['Time to answer', 's', [['half within', quantile(0.5)], ['9 of 10', quantile(0.9)], ['99 of 100', quantile(0.99)]], { marks: [0.25, 1] }],
        ['The most called', 'reqps', [['{{call}}', 'topk(10, sum by (call) (rate(madang_calls_total{@}RATE)))']]],
        ['Those that fail', 'reqps', [['{{call}}', 'topk(10, sum by (call) (rate(madang_calls_total{@,result="failed"}RATE)) > 0)']]],
        ['The slowest: 99 of 100', 's', [['{{call}}', `topk(10, ${quantile(0.99, 'le, call')})`]], { marks: [0.25, 1] }],
    ]],
    ['Loop', [
        ['Longest turn', 'µs', ['madang_loop_turn_max_microseconds'], { marks: [50000, 100000] }],
        ['Mean turn', 'µs', ['madang_loop_turn_mean_microseconds'], { marks: [1000, 10000] }],
        ['Tasks', 'short', ['madang_tasks'], { marks: [6000, 12000] }],
    ]],
    ['Stores', [
        ['Postgres: statements', 'ops', ['madang_pg_queries_total']],
        ['Postgres: errors', 'ops', ['madang_pg_errors_total'], { marks: [0.1, 10] }],
        ['Postgres: tasks that wait', 'short', ['madang_pg_waiting'], { marks: [8, 64] }],
        ['Redis: commands', 'ops', ['madang_redis_commands_total']],
        ['Redis: errors', 'ops', ['madang_redis_errors_total'], { marks: [0.1, 10] }],
    ]],
    ['Relay', [
        ['Events between nodes', 'eps', ['madang_relay_out_total', 'madang_relay_in_total']],
        ['Told to catch up', 'cps', ['madang_resyncs_total'], { marks: [1, 100] }],
    ]],
    ['Jobs', [
        ['Done and failed', 'ops', ['madang_jobs_done_total', 'madang_jobs_failed_total']],
        ['Late', 's', ['madang_jobs_late_seconds'], { marks: [30, 300] }],
        ['Given up', 'short', [['{{instance}}', 'increase(madang_jobs_dead_total{@}[1h])']], { marks: [1, 10] }],
    ]],
    ['Overload', [
        ['Calls and sockets refused', 'cps', ['madang_shed_total'], { marks: [0.1, 10] }],
        ['Log lines dropped', 'cps', ['madang_log_dropped_total'], { marks: [0.1, 10] }],
    ]],
    ['Outbound', [
        ['Requests', 'reqps', ['madang_outbound_total', 'madang_outbound_failed_total']],
        ['Failed, of all', 'percentunit', [['{{instance}}', 'rate(madang_outbound_failed_total{@}RATE) / (rate(madang_outbound_total{@}RATE) + rate(madang_outbound_failed_total{@}RATE))']], { marks: [0.05, 0.25] }],
    ]],
    ['Memory', [
        ['Resident', 'bytes', ['madang_resident_bytes', 'madang_resident_mark_bytes']],
        ['Resident, of its mark', 'percentunit', [['{{instance}}', 'madang_resident_bytes{@} / (madang_resident_mark_bytes{@} > 0)']], { marks: [0.9, 1] }],
        ['Resident, of each socket', 'bytes', [['{{instance}}', 'madang_resident_bytes{@} / (madang_sockets{@} > 100)']]],
    ]],
    ['Features', ofFeatures.map(m => [m.says.replace(/\.$/, ''), 'short', [m.name]])],
];

// On no panel, and why.
export const left = new Map([
    ['madang_writes_total', 'how many messages go in one write is a matter for ./dev bench'],
]);

// --- what wakes somebody -----------------------------------------------------------------------------------------------
const alerts = [
    ['MadangDown', 'up{job="madang"} == 0', '1m', 'critical', 'madang on {{ $labels.instance }} does not answer',
        'See systemctl status and the journal of its unit; the other nodes carry its people meanwhile.'],
    ['MadangLoopSlow', 'madang_loop_turn_max_microseconds > 100000', '5m', 'warning', 'turns of {{ $labels.instance }} take up to {{ $value | humanize }} µs',
        'Look whether the machine has its processors for it (steal, neighbours), and which calls grew; /lists/tasks tells where they wait.'],
    ['MadangPostgresAway', 'madang_pg_up == 0', '1m', 'critical', '{{ $labels.instance }} does not reach Postgres',
        'Look at Postgres and the way to it; /readyz tells whether it is away or does not write. The node needs no restart.'],
    ['MadangRedisAway', 'madang_redis_up == 0', '1m', 'critical', '{{ $labels.instance }} does not reach Redis',
        'Look at Redis and the way to it; /readyz tells more. The node needs no restart, and fills an empty Redis again.'],
    ['MadangPostgresBusy', 'madang_pg_waiting > 64', '5m', 'warning', '{{ $value }} tasks of {{ $labels.instance }} wait for a connection to Postgres',
        'Look in /lists/pools and /lists/statements what holds the connections; raise [pg] tx_connections if Postgres has time to spare.'],
    ['MadangCallsFail', 'sum by (instance) (rate(madang_calls_total{result="failed"}[5m])) > 0.01 * sum by (instance) (rate(madang_calls_total[5m]))', '5m', 'warning', 'more than one in a hundred calls to {{ $labels.instance }} fails',
        'See which in /lists/calls, and why in the log; a store that is away has an alert of its own.'],
    ['MadangJobsDead', 'increase(madang_jobs_dead_total[1h]) > 0', '1m', 'warning', 'jobs of {{ $labels.instance }} were given up after their last attempt',
        'madangd jobs dead tells why; when the cause is gone, madangd jobs retry lets them run again.'],
    ['MadangJobsLate', 'max by (job) (madang_jobs_late_seconds) > 60', '5m', 'warning', 'a job has been due for {{ $value | humanizeDuration }}',
        'See in /lists/jobs which kind waits; more nodes, or wider lanes, take more of them at once.'],
    ['MadangSheds', 'rate(madang_shed_total[5m]) > 0', '5m', 'warning', '{{ $labels.instance }} refuses {{ $value | humanize }} calls and sockets a second',
        '/lists/overload tells which pressure is past its mark; start another node, or take away what causes it.'],
    ['MadangOverloaded', 'madang_overload == 2', '2m', 'critical', '{{ $labels.instance }} is past a hard mark and gets nobody new',
        '/lists/overload tells which pressure it is; start another node.'],
    ['MadangRefusesConnections', 'rate(madang_connections_refused_total[5m]) > 0', '5m', 'warning', '{{ $labels.instance }} refuses {{ $value | humanize }} connections a second',
        'One address too eager, [http] connections_max, or too few descriptors: compare madang_connections and /lists/overload; name your proxy in [http] trusted_proxies.'],
    ['MadangOutboundFails', 'rate(madang_outbound_failed_total[5m]) > 0.25 * (rate(madang_outbound_total[5m]) + rate(madang_outbound_failed_total[5m]))', '10m', 'warning', 'more than a quarter of what {{ $labels.instance }} asks of outside services fails',
        '/lists/upstreams tells which service; see its own state, its key and the way to it.'],
    ['MadangLogDropped', 'increase(madang_log_dropped_total[10m]) > 0', '1m', 'warning', '{{ $labels.instance }} dropped lines of its log',
        'Who reads its standard error stalled: look at the journal (its disk, its rate limit), or set [log] level or access lower.'],
    ['MadangMemoryHigh', 'madang_resident_bytes > 0.9 * madang_resident_mark_bytes and madang_resident_mark_bytes > 0', '10m', 'warning', '{{ $labels.instance }} has {{ $value | humanize1024 }}B of memory, more than 0.9 of its mark',
        'Compare with madang_sockets: if it grew with them, start another node or give this one more; if not, see /lists/memory and restart it when others can take its people.'],
];

// --- Grafana -----------------------------------------------------------------------------------------------------------
function target([legend, expr], i) {
    return { refId: String.fromCharCode(65 + i), datasource: source, expr: expr.replaceAll('@', 'instance=~"$instance"').replaceAll('RATE', RATE), legendFormat: legend };
}
const source = { type: 'prometheus', uid: '${datasource}' };
const namesIn = text => text.match(/madang_\w+/g) ?? [];
const familyOf = name => metrics.get(name) ?? metrics.get(name.replace(/_(bucket|sum|count)$/, ''));
function shown(name, alone) {
    const m = familyOf(name), legend = alone ? '{{instance}}' : `{{instance}} ${name.replace(/^madang_|_total$/g, '').replaceAll('_', ' ')}`;
    if (!m) throw new Error(`there is no metric ${name}`);
    return [legend, m.kind === 'counter' ? `rate(${name}{@}RATE)` : `${name}{@}`];
}
function thresholds(marks) {
    return { mode: 'absolute', steps: [{ color: 'green', value: null }, ...(marks ? [{ color: 'yellow', value: marks[0] }, { color: 'red', value: marks[1] }] : [])] };
}
function look({ states, marks }) {
    if (!states) return { custom: { fillOpacity: 8, showPoints: 'never', thresholdsStyle: { mode: marks ? 'dashed' : 'off' } } };
    return { mappings: [{ type: 'value', options: Object.fromEntries(Object.entries(states).map(([value, [text, color]], index) => [value, { text, color, index }])) }] };
}
function panel([title, unit, what, how = {}], id, gridPos) {
    const names = [...new Set(what.flatMap(w => namesIn(typeof w === 'string' ? w : w[1])).map(n => familyOf(n)?.name ?? n))];
    const queries = what.map(w => typeof w === 'string' ? shown(w, what.length === 1) : w);
    return {
        id, type: how.type ?? 'timeseries', title, description: names.map(n => metrics.get(n)?.says).join(' '), datasource: source, gridPos,
        fieldConfig: { defaults: { unit, min: 0, thresholds: thresholds(how.marks), ...look(how) }, overrides: [] },
        options: how.type === 'stat' ? { colorMode: 'background', graphMode: 'none', reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false } }
            : { legend: { displayMode: 'list', placement: 'bottom', showLegend: true }, tooltip: { mode: 'multi', sort: 'desc' } },
        targets: queries.map(target),
    };
}
function panels() {
    const all = [];
    let y = 0;
    for (const [title, inside] of board.filter(([, list]) => list.length)) {
        const [w, h] = inside[0][3]?.type === 'stat' ? [6, 4] : [8, 8];
        all.push({ id: all.length + 1, type: 'row', title, collapsed: false, gridPos: { h: 1, w: 24, x: 0, y: y++ }, panels: [] });
        inside.forEach((p, i) => all.push(panel(p, all.length + 1, { h, w, x: i * w % 24, y: y + Math.floor(i * w / 24) * h })));
        y += Math.ceil(inside.length * w / 24) * h;
    }
    return all;
}
const dashboard = () => ({
    uid: 'madang', title: 'madang', tags: ['madang'], schemaVersion: 38, version: 1, editable: true, graphTooltip: 1, refresh: '30s', time: { from: 'now-6h', to: 'now' }, timezone: 'browser',
    templating: { list: [
        { name: 'datasource', label: 'Prometheus', type: 'datasource', query: 'prometheus', hide: 0 },
        { name: 'instance', label: 'Node', type: 'query', datasource: source, query: { query: 'label_values(madang_connections, instance)', refId: 'instance' }, refresh: 2, sort: 1, multi: true, includeAll: true, current: { selected: true, text: ['All'], value: ['$__all'] } },
    ] },
    annotations: { list: [] },
    panels: panels(),
});

// --- Prometheus --------------------------------------------------------------------------------------------------------
const quoted = text => `'${text.replaceAll("'", "''")}'`;
const rule = ([name, expr, hold, severity, summary, todo]) => `      - alert: ${name}
        expr: ${quoted(expr)}
        for: ${hold}
        labels:
          severity: ${severity}
        annotations:
          summary: ${quoted(summary)}
          description: ${quoted(todo)}
`;
const rules = () => `# Alerts for madang; Prometheus scrapes the admin listeners as job "madang". Made by tools/dashboard.mjs: edit that.
groups:
  - name: madang
    rules:
${alerts.map(rule).join('')}`;

// --- both --------------------------------------------------------------------------------------------------------------
export function files() {
    const made = [['config/grafana/madang.json', JSON.stringify(dashboard(), null, 2) + '\n'], ['config/prometheus/madang.rules.yml', rules()]];
    const unknown = made.flatMap(([, text]) => namesIn(text)).filter(name => !familyOf(name));
    const seen = new Set(namesIn(made[0][1]).map(name => familyOf(name)?.name)), forgotten = [...metrics.keys()].filter(name => !seen.has(name) && !left.has(name));
    if (unknown.length) throw new Error(`there is no ${unknown}`);
    if (forgotten.length) throw new Error(`on no panel, and not in the list of those that are left out: ${forgotten}`);
    return made;
}
if (process.argv[1] === fileURLToPath(import.meta.url)) for (const [name, text] of files()) fs.writeFileSync(path.join(root, name), text);
