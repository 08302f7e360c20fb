// The API against its own document: who may call what, by every kind of caller; and random requests, valid and not, that must never
// get an answer outside the document. (The judge holds every body recorded here against the schemas besides.)
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import Ajv from 'ajv';
import { generate } from 'json-schema-faker';
import { befriend, Cluster, promote, room, signUp } from '../lib/daemon.mjs';
import { png } from '../lib/pictures.mjs';

const RANDOM = Number(process.env.MADANG_FUZZ_CALLS ?? 12); // requests of each sort for each call
let cluster, node, document, people, own;
before(async () => {
    cluster = await new Cluster().start();
    node = await cluster.node();
    document = (await node.get('/api/openapi.json')).body;
    const [a, b, c, s] = [await signUp(node), await signUp(node), await signUp(node), await signUp(node)];
    const newcomer = await signUp(node, { onboard: false }), manager = await promote(cluster, await signUp(node)), admin = await promote(cluster, await signUp(node), 'admin');
    const guest = (await node.post('/api/v1/auth/guest')).body, suspended = { ...s };
    await befriend(a, b);
    own = { room: await room(a, b), account: b.id };
    own.seq = (await node.ok('POST', `/api/v1/rooms/${own.room}/messages`, a.token, { client_id: 'matrix-message', body: 'x' })).seq;
    own.file = (await node.call('POST', '/api/v1/files', { token: a.token, raw: png(32, 32), headers: { 'content-type': 'image/png' } })).body.file;
    own.notice = (await node.ok('POST', '/api/v1/notices', manager.token, { title: 't', body: 'b' })).notice;
    own.session = (await node.ok('GET', '/api/v1/sessions', a.token)).sessions[0].id;
    own.report = (await node.ok('POST', '/api/v1/reports', a.token, { account: c.id, reason: 'spam' }).catch(() => ({}))).report ?? 1;
    await node.ok('POST', `/api/v1/accounts/${s.id}/suspension`, manager.token, { until: new Date(Date.now() + 86400000).toISOString(), reason: 'matrix' });
    people = { nobody: {}, guest: { token: guest.access_token }, newcomer, member: a, other: c, suspended, manager, admin };
});
after(() => cluster.stop());

const RANK = ['nobody', 'guest', 'newcomer', 'member', 'manager', 'admin'], rankOf = who => RANK.indexOf(who === 'other' ? 'member' : who);
const GATE = new Set(['auth.required', 'auth.token', 'auth.forbidden', 'account.onboarding', 'account.suspended', 'session.ended']);
const calls = () => Object.entries(document.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, o]) => ({ path, method: method.toUpperCase(), ...o })));
const place = (path, ids) => path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(ids[name] ?? 1));
// What ends the caller himself comes last, and with nothing in it.
const ENDS = new Set(['auth.logout', 'me.leave', 'sessions.end-others', 'sessions.end', 'auth.password', 'oauth.start', 'oauth.callback']);

test('the AsyncAPI document is one, and every reference in it leads somewhere', async () => {
    const ws = (await node.get('/api/asyncapi.json')).body, ajv = new Ajv({ strict: false, validateFormats: false }), load = createRequire(import.meta.url);
    const check = ajv.compile(load('@asyncapi/specs/schemas/3.0.0-without-$id.json'));
    assert.ok(check(ws), ajv.errorsText(check.errors?.slice(0, 5)));
    const walk = x => { if (x && typeof x === 'object') { if (x.$ref) assert.ok(x.$ref.slice(2).split('/').reduce((at, k) => at?.[k], ws), x.$ref); Object.values(x).forEach(walk); } };
    walk(ws);
    const o = ws.operations, { channel, messages, reply } = o['dm.send'];
    assert.deepEqual([o['dm.send'].action, channel.$ref, messages.length, reply.messages.length, o['event.dm.message'].action], ['receive', '#/channels/ws', 1, 2, 'send']);
    assert.deepEqual(ws.servers.public, { protocol: 'ws', host: `localhost:${node.port}` });
    assert.deepEqual(Object.keys(ws.channels.ws.messages).sort(), Object.keys(ws.components.messages).sort());
});

test('a body is needed where the document says so, and {} is never too much', async t => {
    const away = { room: 987654, account: 987654, notice: 987654, report: 987654, seq: 1, file: 987654 };
    assert.deepEqual(document.paths['/api/v1/files'].post.requestBody, { required: true, content: { 'image/*': {} } });
    for (const o of calls().filter(x => !ENDS.has(x.operationId) && !['files.upload', 'oauth.link'].includes(x.operationId))) await t.test(o.operationId, async () => {
        const token = people[o['x-who'] === 'admin' ? 'admin' : o['x-who'] === 'manager' ? 'manager' : 'member'].token, url = place(o.path, { ...own, ...away });
        const empty = await node.call(o.method, url, { token }), missing = (empty.body?.errors ?? []).some(e => /\/(\w+)/.test(e.pointer) && !o.parameters?.some(p => `/${p.name}` === e.pointer));
        if (o.requestBody) assert.equal(empty.status === 422 && missing, o.requestBody.required, `${empty.status} ${JSON.stringify(empty.body)}`);
        if (o.method === 'GET' || o.requestBody) return;
        const braces = await node.call(o.method, url, { token, body: {} });
        assert.ok(![400, 413, 415].includes(braces.status), `${braces.status} ${JSON.stringify(braces.body)}`);
    });
    const more = await node.call('POST', '/api/v1/auth/guest', { body: { x: 1 } });
    assert.deepEqual([more.status, more.body.code], [400, 'request.malformed']);
});

test('who may make which call', async t => {
    for (const o of calls().filter(x => !ENDS.has(x.operationId))) await t.test(o.operationId, async () => {
        for (const [who, p] of Object.entries(people)) {
            const r = await node.call(o.method, place(o.path, { ...own, room: 987654, account: 987654, notice: 987654, report: 987654, seq: 1, file: 987654 }), { token: p.token, ...(o.requestBody ? { body: {} } : {}) });
            const shut = GATE.has(r.body?.code), may = who === 'suspended' ? o['x-who'] === 'nobody' : rankOf(who) >= RANK.indexOf(o['x-who']);
            assert.ok(r.status < 500, `${who}: ${r.status}`);
            assert.equal(shut, !may, `${who} (needs ${o['x-who']}): ${r.status} ${r.body?.code}`);
            if (!may) assert.equal(r.status, who === 'nobody' || who === 'suspended' && r.body.code === 'auth.token' ? 401 : 403);
        }
    });
});

test("somebody else's things", async t => {
    const { member: a, other: c } = people;
    const rows = [['GET', `/api/v1/rooms/${own.room}`], ['GET', `/api/v1/rooms/${own.room}/messages`], ['GET', `/api/v1/rooms/${own.room}/events?since=0`], ['POST', `/api/v1/rooms/${own.room}/messages`, { client_id: 'not-my-room', body: 'x' }],
        ['POST', `/api/v1/rooms/${own.room}/read`, { seq: own.seq }], ['POST', `/api/v1/rooms/${own.room}/typing`], ['DELETE', `/api/v1/rooms/${own.room}/messages/${own.seq}`], ['POST', `/api/v1/files/${own.file}/link`], ['DELETE', `/api/v1/sessions/${own.session}`],
        ['PATCH', '/api/v1/me', { avatar: own.file }]];
    for (const [method, url, body] of rows) await t.test(`${method} ${url}`, async () => {
        const r = await node.call(method, url, { token: c.token, body });
        assert.ok(r.status === 403 || r.status === 404 || r.status === 422, `${r.status} ${JSON.stringify(r.body)}`);
        if (method === 'GET') assert.equal((await node.call(method, url, { token: a.token })).status, 200, 'and its owner may');
    });
    assert.equal((await node.ok('GET', `/api/v1/rooms/${own.room}/messages`, a.token)).messages.length, 1);
});

test('methods that a path has not', async () => {
    for (const path of Object.keys(document.paths)) for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) {
        if (document.paths[path][method.toLowerCase()]) continue;
        const r = await node.call(method, place(path, own), { token: people.member.token });
        assert.equal(r.status, 405, `${method} ${path}: ${r.status}`);
        const allow = r.headers.get('allow').split(', '), has = Object.keys(document.paths[path]).map(m => m.toUpperCase());
        assert.deepEqual(allow.sort(), [...has, ...(has.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].sort());
    }
});

// --- random requests
const pick = list => list[randomInt(list.length)];
const ODD = [null, true, false, 0, -1, 1, 9007199254740991, 9007199254740993, 1e300, 0.5, '', 'x', '0', '한글', 'a'.repeat(5000), '\u0000', '\ud83c\udfad', "' or 1=1 --", '<script>', '../..', [], {}, [[]], { a: 1 }, Array(300).fill(1)];
// A value of which something is wrong.
function spoil(value) {
    if (typeof value !== 'object' || value === null || randomInt(6) === 0) return pick(ODD);
    const copy = Array.isArray(value) ? [...value] : { ...value }, keys = Object.keys(copy), k = keys.length ? pick(keys) : undefined;
    switch (randomInt(4)) {
    case 0: if (k !== undefined && !Array.isArray(copy)) delete copy[k]; break;
    case 1: if (!Array.isArray(copy)) copy[pick(['extra', '__proto__', 'constructor', ''])] = pick(ODD); break;
    default: if (k !== undefined) copy[k] = spoil(copy[k]);
    }
    return copy;
}
const inline = (schema, depth = 0) => {
    if (!schema || typeof schema !== 'object' || depth > 8) return schema ?? {};
    if (schema.$ref) return inline(document.components.schemas[schema.$ref.split('/').at(-1)], depth + 1);
    return Array.isArray(schema) ? schema.map(s => inline(s, depth + 1)) : Object.fromEntries(Object.entries(schema).map(([k, v]) => [k, typeof v === 'object' ? inline(v, depth + 1) : v]));
};
async function fake(schema) {
    try { return await generate(inline(schema)); } catch { return pick(ODD); }
}

test('random requests get answers of the document', async t => {
    for (const o of calls().filter(x => !ENDS.has(x.operationId))) await t.test(o.operationId, async () => {
        const body = o.requestBody?.content?.['application/json']?.schema, parameters = o.parameters ?? [], actors = ['member', 'manager', 'guest'];
        for (let i = 0; i < RANDOM * 2; i++) {
            const wrong = i >= RANDOM, ids = { ...own }, query = [];
            for (const p of parameters) {
                let v = await fake(p.schema);
                if (wrong && randomInt(2)) v = pick(ODD);
                if (p.in === 'path') { if (randomInt(2)) ids[p.name] = typeof v === 'object' ? JSON.stringify(v) : String(v) || 'x'; }
                else if (p.required || randomInt(2)) query.push(`${encodeURIComponent(p.name)}=${encodeURIComponent(typeof v === 'object' ? JSON.stringify(v) : String(v).toWellFormed())}`);
            }
            if (wrong && randomInt(4) === 0) query.push(pick(['x=1', 'limit=1&limit=2', '=', '%41=1']));
            let sent = body && await fake(body);
            if (sent !== undefined && wrong) sent = spoil(sent);
            const text = sent === undefined ? undefined : wrong && randomInt(8) === 0 ? JSON.stringify(sent).slice(0, -1) : JSON.stringify(sent);
            const r = await node.call(o.method, place(o.path, ids) + (query.length ? `?${query.join('&')}` : ''), { token: people[pick(actors)].token, body: text });
            assert.ok(r.status < 500, `${r.status} for ${text} ${query}: ${JSON.stringify(r.body)}`);
            assert.ok(o.responses[r.status] || r.status === 405 || r.status === 404, `${r.status} is not in the document: ${text} ${query} ${JSON.stringify(r.body)}`);
        }
    });
    assert.equal((await node.admin('/readyz')).ready, true);
});
