// Judges every byte that the suite was answered against the served documents, with an independent validator; and that each call was
// made, each problem that a call declares was produced by it, and each of the platform's statuses was seen.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import Ajv from 'ajv/dist/2020.js';
import formats from 'ajv-formats';

const root = path.resolve(path.dirname(new URL(import.meta.url).pathname), '..');
const binary = process.env.MADANG_BINARY ?? path.join(root, 'build/release/madangd');
const environment = { ...process.env, MADANG_SESSION_KEY: 'the judge needs no secret, but the daemon does' };
const document = name => JSON.parse(execFileSync(binary, [name], { env: environment, maxBuffer: 1 << 26 }));
const folder = process.argv[2], coverage = !process.argv.includes('--no-coverage');

const openapi = document('openapi'), asyncapi = document('asyncapi');
const ajv = new Ajv({ strict: false, allErrors: true });
formats(ajv);
ajv.addSchema({ $id: 'api', components: openapi.components });
ajv.addSchema({ $id: 'ws', components: asyncapi.components });
const compiled = new Map();
function validate(schema, key, value) {
    if (!compiled.has(key)) compiled.set(key, ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components', `"${key[0] === 'r' ? 'api' : 'ws'}#/components`))));
    const check = compiled.get(key);
    return check(value) ? null : ajv.errorsText(check.errors);
}

const operations = Object.entries(openapi.paths).flatMap(([p, methods]) => Object.entries(methods).map(([method, o]) => ({ ...o, method: method.toUpperCase(), path: p, pattern: new RegExp(`^${p.replace(/\{\w+\}/g, '[^/]+')}$`) })));
operations.sort((a, b) => (a.path.match(/\{/g)?.length ?? 0) - (b.path.match(/\{/g)?.length ?? 0));
const messages = asyncapi.components.messages;
const wrong = [], made = new Set(), produced = new Set(), statuses = new Set();
let judged = 0;

function rest(r) {
    statuses.add(r.status);
    if (r.status === 503 && !r.retryAfter) wrong.push(`503 without Retry-After at ${r.path}`);
    const o = operations.find(x => x.pattern.test(r.path) && (x.method === r.method || (r.method === 'HEAD' && x.method === 'GET')));
    if (r.body && /problem\+json/.test(r.type)) {
        const e = validate({ $ref: '#/components/schemas/Problem' }, 'r:Problem', r.body);
        if (e) wrong.push(`${r.method} ${r.path}: ${e}`);
        if (o) produced.add(`${o.operationId} ${r.body.code}`);
    }
    if (!o) return;
    if (r.status < 300) made.add(o.operationId);
    const declared = o.responses[r.status];
    if (!declared) { wrong.push(`${o.operationId} answered ${r.status} ${r.body?.code ?? ''}, which its document does not declare`); return; }
    const schema = declared.content?.['application/json']?.schema;
    if (schema) {
        const e = validate(schema, `r:${o.operationId}:${r.status}`, r.body);
        if (e) wrong.push(`${o.operationId} ${r.status}: ${e}`);
    }
}

function ws(r) {
    if (r.problem) {
        const e = validate({ $ref: '#/components/schemas/Problem' }, 'w:Problem', r.problem);
        if (e) wrong.push(`${r.op}: ${e}`);
        produced.add(`${r.op} ${r.problem.code}`);
        statuses.add(r.problem.status);
        made.add('problem');
        return;
    }
    const m = messages[r.op];
    if (!m) { wrong.push(`${r.op} is no call of the document`); return; }
    made.add(r.op);
    const e = validate(m['x-out'] ?? { type: 'object', additionalProperties: false }, `w:${r.op}`, r.out);
    if (e) wrong.push(`${r.op}: ${e}`);
}

function event(r) {
    const name = r.ev === 'resync' ? 'resync' : `event.${r.ev}`, m = messages[name], { door, ...frame } = r;
    const e = m ? validate(m.payload, `w:event:${r.ev}`, frame) : 'no event of the document';
    made.add(name);
    if (e) wrong.push(`event ${r.ev}: ${e}`);
}

for (const file of fs.readdirSync(folder)) for (const line of fs.readFileSync(path.join(folder, file), 'utf8').split('\n')) {
    if (!line) continue;
    const r = JSON.parse(line);
    judged++;
    ({ rest, ws, event })[r.door](r);
}

let covered = 0;
const missing = [];
const need = (ok, what) => { if (ok) covered++; else missing.push(what); };
if (coverage) {
    for (const o of operations) {
        if (!/^oauth\.(start|callback)/.test(o.operationId)) need(made.has(o.operationId), `call ${o.operationId} was never made`);
        for (const [status, r] of Object.entries(o.responses)) for (const code of (r.description.split('Problem: ')[1] ?? '').split(', ').filter(Boolean)) need(produced.has(`${o.operationId} ${code}`), `${o.operationId} never answered ${code} (${status})`);
    }
    for (const m of Object.keys(messages)) need(made.has(m.replace(/\.reply$/, '')), `${m} was never seen`); // a call is made by either door
    for (const s of [401, 403, 404, 405, 413, 415, 422, 429, 503, 504]) need(statuses.has(s), `no answer had status ${s}`);
}
const failures = [...new Set(wrong), ...missing];
for (const f of failures.slice(0, 100)) console.error(f);
console.log(`${judged} answers judged, ${covered} things covered`);
console.log(`${judged + covered - failures.length} passed, ${failures.length} failed`);
process.exit(failures.length || !judged ? 1 : 0);
