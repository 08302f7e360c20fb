// HTTP by its bytes: what is malformed gets its clear problem and the connection goes; what is right goes on.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { binary, Cluster, root, signUp, sleep, slowed, until } from '../lib/daemon.mjs';

let cluster, node, limited;
before(async () => {
    cluster = await new Cluster().start();
    node = await cluster.node({ MADANG_HTTP_HEAD_MS: '700', MADANG_HTTP_BODY_BYTES_PER_S: '200' });
    limited = await cluster.node({ MADANG_LIMITS_SCALE: '1', MADANG_HTTP_CALL_MS: '300' });
});
after(() => cluster.stop());

// Sends bytes, collects what comes until the other side closes (or a quiet moment).
function exchange(bytes, { port = node.port, wait = 1500, end = false } = {}) {
    return new Promise(resolve => {
        const s = net.connect(port, '127.0.0.1'), got = [];
        let closed = false;
        const done = () => { s.destroy(); resolve({ text: Buffer.concat(got).toString(), closed }); };
        const timer = setTimeout(done, wait);
        s.on('data', d => got.push(d));
        s.on('end', () => { closed = true; });
        s.on('close', () => { closed = true; clearTimeout(timer); done(); });
        s.on('error', () => { closed = true; });
        const parts = Array.isArray(bytes) ? bytes : [bytes];
        (async () => { for (const p of parts) { if (typeof p === 'number') await sleep(p); else s.write(p); } if (end) s.end(); })();
    });
}
const status = r => Number(/^HTTP\/1\.1 (\d+)/.exec(r.text)?.[1]);
const H = 'Host: localhost\r\n';
const json = (body, extra = '') => `POST /api/v1/auth/login HTTP/1.1\r\n${H}Content-Type: application/json\r\n${extra}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

const bad = [
    ['bare LF', 'GET /api/v1/info HTTP/1.1\nHost: localhost\n\n', 408], ['no Host', 'GET /api/v1/info HTTP/1.1\r\n\r\n', 400], ['two Hosts', `GET / HTTP/1.1\r\n${H}${H}\r\n`, 400],
    ['two blanks', `GET  /api/v1/info HTTP/1.1\r\n${H}\r\n`, 400], ['no version', `GET /api/v1/info\r\n${H}\r\n`, 400], ['HTTP/2.0', `GET / HTTP/2.0\r\n${H}\r\n`, 505], ['HTTP/1.2', `GET / HTTP/1.2\r\n${H}\r\n`, 505],
    ['folded line', `GET / HTTP/1.1\r\n${H}X: a\r\n b\r\n\r\n`, 400], ['blank before colon', 'GET / HTTP/1.1\r\nHost : localhost\r\n\r\n', 400], ['blank before the first field', `GET / HTTP/1.1\r\n ${H}\r\n`, 400],
    ['both lengths', `POST /api/v1/auth/login HTTP/1.1\r\n${H}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400], ['two lengths', `POST / HTTP/1.1\r\n${H}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`, 400],
    ['length +3', `POST / HTTP/1.1\r\n${H}Content-Length: +3\r\n\r\nabc`, 400], ['length 3, 3', `POST / HTTP/1.1\r\n${H}Content-Length: 3, 3\r\n\r\nabc`, 400], ['length 0x3', `POST / HTTP/1.1\r\n${H}Content-Length: 0x3\r\n\r\nabc`, 400],
    ['unknown coding', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: gzip\r\n\r\n`, 501], ['chunked twice', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['xchunked', `POST / HTTP/1.1\r\n${H}Transfer-Encoding: xchunked\r\n\r\n`, 501], ['chunked in 1.0', 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['a bad chunk size', `POST /api/v1/auth/login HTTP/1.1\r\n${H}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`, 400],
    ['chunk data not ended', `POST /api/v1/auth/login HTTP/1.1\r\n${H}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}xx0\r\n\r\n`, 400],
    ['a signed chunk size', `POST /api/v1/auth/login HTTP/1.1\r\n${H}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n`, 400],
    ['a NUL', `GET /\0 HTTP/1.1\r\n${H}\r\n`, 400], ['control characters', `GET / HTTP/1.1\r\n${H}X: a\x01b\r\n\r\n`, 400], ['a name that is no token', `GET / HTTP/1.1\r\n${H}A(b): c\r\n\r\n`, 400],
    ['CONNECT', `CONNECT localhost:80 HTTP/1.1\r\n${H}\r\n`, 400], ['TRACE', `TRACE /api/v1/info HTTP/1.1\r\n${H}\r\n`, 501], ['a made-up method', `BREW /api/v1/info HTTP/1.1\r\n${H}\r\n`, 501],
    ['an expectation', `POST /api/v1/auth/login HTTP/1.1\r\n${H}Expect: more\r\nContent-Length: 2\r\n\r\n{}`, 417], ['a wrong authority', `GET http://elsewhere/api/v1/info HTTP/1.1\r\n${H}\r\n`, 400],
    ['dots', `GET /api/v1/../v1/info HTTP/1.1\r\n${H}\r\n`, 400], ['a hidden slash', `GET /api/v1%2Finfo HTTP/1.1\r\n${H}\r\n`, 400], ['%00', `GET /api/v1/people/%00 HTTP/1.1\r\n${H}\r\n`, 400], ['bytes that are no UTF-8', `GET /api/v1/people/%ff HTTP/1.1\r\n${H}\r\n`, 400],
    ['a half escape', `GET /api/v1/people/%4 HTTP/1.1\r\n${H}\r\n`, 400], ['a long target', `GET /${'a'.repeat(9000)} HTTP/1.1\r\n${H}\r\n`, 414], ['a long line without end', `GET /${'a'.repeat(20000)}`, 414],
    ['too large a head', `GET / HTTP/1.1\r\n${H}X: ${'a'.repeat(20000)}\r\n\r\n`, 431], ['too many fields', `GET / HTTP/1.1\r\n${H}${'X: a\r\n'.repeat(120)}\r\n`, 431], ['too large a body', `POST /api/v1/auth/login HTTP/1.1\r\n${H}Content-Type: application/json\r\nContent-Length: 70000\r\n\r\n`, 413],
    ['garbage', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03garbage garbage\r\n\r\n', 400], ['too many parameters', `GET /api/v1/notices?${'a=1&'.repeat(80)} HTTP/1.1\r\n${H}\r\n`, 400],
];
for (const [name, bytes, want] of bad) {
    test(`malformed: ${name}`, async () => {
        const r = await exchange(bytes);
        assert.equal(status(r), want, r.text.slice(0, 200));
        if (![404].includes(want) && !/TRACE|BREW|dots|hidden|%00|UTF-8|escape|parameters/.test(name)) assert.ok(r.closed, 'the connection goes');
        assert.equal(status(await exchange(`GET /api/v1/info HTTP/1.1\r\n${H}Connection: close\r\n\r\n`)), 200, 'and others go on');
    });
}

test('a body too large for its chunks is cut off', async () => {
    const r = await exchange(`POST /api/v1/auth/login HTTP/1.1\r\n${H}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${'4000\r\n' + 'a'.repeat(0x4000) + '\r\n'}`.repeat(1) + ('4000\r\n' + 'a'.repeat(0x4000) + '\r\n').repeat(5));
    assert.equal(status(r), 413);
});

test('pipelining is answered in order; keep-alive and close are honoured', async () => {
    const one = 'GET /api/v1/info HTTP/1.1\r\nHost: localhost\r\n\r\n', r = await exchange(one + `GET /api/v1/nothing HTTP/1.1\r\n${H}\r\n` + json('{"email":"a@b.kr","password":"x"}') + one.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n') + one);
    assert.deepEqual([...r.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(m => m[1]), ['200', '404', '422', '200']);
    assert.ok(r.closed);
    const old = await exchange('GET /api/v1/info HTTP/1.0\r\n\r\n');
    assert.ok(status(old) === 200 && old.closed);
    const kept = await exchange('GET /api/v1/info HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', { wait: 300 });
    assert.ok(/keep-alive/i.test(kept.text) && !kept.closed);
});

test('chunked bodies byte by byte, trailers ignored, 100 Continue when a body is wanted', async () => {
    const body = '{"email":"a@b.kr","password":"long enough"}', bytes = `POST /api/v1/auth/login HTTP/1.1\r\n${H}Content-Type: application/json\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)};ext=1\r\n${body}\r\n0\r\nContent-Length: 5\r\nX-Trailer: y\r\n\r\nGET /api/v1/info HTTP/1.1\r\n${H}Connection: close\r\n\r\n`;
    const r = await exchange([...bytes].flatMap((c, i) => i % 40 === 0 ? [1, c] : [c]), { wait: 4000 });
    assert.deepEqual([...r.text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(m => m[1]), ['100', '401', '200']);
});

test('HEAD, OPTIONS, 405 with Allow, 415, 422 with every field, 429 with Retry-After', async () => {
    const head = await exchange(`HEAD /api/v1/info HTTP/1.1\r\n${H}Connection: close\r\n\r\n`);
    assert.ok(/Content-Length: \d\d/.test(head.text) && head.text.endsWith('\r\n\r\n'));
    const options = await node.call('OPTIONS', '/api/v1/notices');
    assert.deepEqual([options.status, options.headers.get('allow')], [204, 'GET, HEAD, POST, OPTIONS']);
    const not = await node.call('DELETE', '/api/v1/notices');
    assert.deepEqual([not.status, not.headers.get('allow')], [405, 'GET, HEAD, POST, OPTIONS']);
    assert.equal((await node.call('POST', '/api/v1/auth/login', { body: 'email=a', headers: { 'content-type': 'application/x-www-form-urlencoded' } })).status, 415);
    const fields = await node.call('POST', '/api/v1/auth/signup', { body: { email: 'x', code: 'abc', password: 'short', birth_date: 'never', consents: { terms: '' }, extra: 1 }, headers: { 'accept-language': 'ko-KR,ko;q=0.9,en;q=0.8' } });
    assert.deepEqual(fields.body.errors.map(e => e.pointer).sort(), ['/birth_date', '/code', '/consents/privacy', '/consents/terms', '/email', '/extra', '/password']);
    assert.match(fields.body.errors[0].detail, /[가-힣]/);
    for (const body of ['{', '[]', '{"email":1', '"x"', '{"a":'.repeat(100), '{"email":"\\ud800"}', '{"email":"a","email":"b"}']) assert.equal((await node.call('POST', '/api/v1/auth/login', { body })).body.code, 'request.json', body.slice(0, 20));
    for (let i = 0, r; i < 20; i++) { r = await limited.post('/api/v1/auth/guest'); if (r.status === 429) { assert.ok(Number(r.headers.get('retry-after')) > 0); break; } assert.ok(i < 15, 'a limit stands'); }
});

test('CORS for the origins of the setting and for no others', async () => {
    const good = await node.call('OPTIONS', '/api/v1/info', { headers: { origin: 'http://localhost:8099', 'access-control-request-method': 'GET' } });
    assert.equal(good.headers.get('access-control-allow-origin'), 'http://localhost:8099');
    const other = await node.call('GET', '/api/v1/info', { headers: { origin: 'https://evil.example' } });
    assert.equal(other.headers.get('access-control-allow-origin'), null);
    assert.match(other.headers.get('vary'), /Origin/);
});

test('tokens: forged, of another algorithm, of nobody', async () => {
    const p = await signUp(node), [h, b, s] = p.token.split('.'), enc = o => Buffer.from(JSON.stringify(o)).toString('base64url');
    const header = JSON.parse(Buffer.from(h, 'base64url')), payload = JSON.parse(Buffer.from(b, 'base64url'));
    const forged = [`${enc({ ...header, alg: 'none' })}.${b}.`, `${enc({ ...header, alg: 'HS512' })}.${b}.${s}`, `${h}.${enc({ ...payload, role: 'admin' })}.${s}`, `${h}.${b}`, `${h}.${b}.${s}x`, `${enc({ ...header, kid: '../../etc/passwd' })}.${b}.${s}`, 'x'.repeat(2000)];
    for (const token of forged) assert.equal((await node.get('/api/v1/me', token)).body.code, 'auth.token', token.slice(0, 40));
    assert.equal((await node.call('GET', '/api/v1/me', { headers: { authorization: `Basic ${p.token}` } })).status, 401);
    assert.equal((await node.get('/api/v1/me')).body.code, 'auth.required');
});

test('slow senders are ended by progress, not by patience', async () => {
    const head = await exchange(['GET /api/v1/info HTTP/1.1\r\n', 200, 'X: y\r\n', 2000], { wait: 2500 });
    assert.equal(status(head), 408);
    const body = await exchange([`POST /api/v1/auth/login HTTP/1.1\r\n${H}Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{`, 12000], { wait: 12500 });
    assert.equal(status(body), 408);
});

test('the documents, the pages, and what the operator sees', async () => {
    assert.equal((await node.get('/api/v1/time')).status, 200);
    assert.match((await node.get('/api/openapi.json')).body.openapi, /^3\.1/);
    assert.match((await node.get('/api/asyncapi.json')).body.asyncapi, /^3/);
    assert.match(String((await node.get('/api/types.d.ts')).bytes), /export interface Calls/);
    const page = await node.get('/chats/1');
    assert.match(page.headers.get('content-security-policy'), /default-src 'self'/);
    assert.equal((await node.get('/', undefined, { 'if-none-match': page.headers.get('etag') })).status, 304);
    assert.equal((await node.get('/nothing.js')).status, 404);
    for (const list of await node.admin('/lists')) assert.ok(Array.isArray(await node.admin(`/lists/${list}`)), list);
    const metrics = await node.admin('/metrics');
    assert.match(metrics, /madang_calls_total\{call="system\.time",result="ok"\} 1/);
    assert.match(metrics, /madang_loop_turn_max_microseconds \d+/);
    assert.equal((await node.admin('/config'))['session.key'], '***');
    assert.equal(await node.admin('/healthz'), 'ok\n');
});

test('a call that takes too long is given up', slowed, async () => {
    await cluster.sql('select pg_sleep(0)');
    const p = await signUp(node), client = await (await import('pg')).default;
    const c = new client.Client({ host: cluster.at, user: 'madang', database: cluster.database });
    await c.connect();
    await c.query('begin');
    await c.query('update accounts set locale = locale where id = $1', [p.id]);
    const r = await limited.call('PATCH', '/api/v1/me', { token: p.token, body: { introduction: 'too late' } });
    assert.equal(r.status, 504);
    await c.query('rollback');
    await c.end();
    assert.equal((await limited.call('PATCH', '/api/v1/me', { token: p.token, body: { introduction: 'in time' } })).status, 200);
});

// Which address counts is what the access log tells, found by the request's id.
const cases = name => fs.readFileSync(path.join(root, 'tests/cases', name), 'utf8').trim().split('\n');
async function counted(own, lines) {
    const r = await exchange(`GET /api/v1/info HTTP/1.1\r\n${H}${lines.map(l => `${l}\r\n`).join('')}Connection: close\r\n\r\n`, { port: own.port }), id = /X-Request-Id: (\S+)/i.exec(r.text)[1];
    const line = await until('the line of the log', () => own.log.split('\n').find(l => l.includes(id)));
    return /address=("?)(.*?)\1( |$)/.exec(line)[2];
}
const forwarded = [
    ...cases('forwarded.tsv').slice(1).map(l => l.split('\t')).map(([proxies, lines, , right]) => [proxies, lines.split(' / '), right]),
    ['127.0.0.0/8, 2001:db8:a::/48', ['X-Forwarded-For: 1.1.1.1, 2001:db8:b::7, 2001:DB8:A::9'], '2001:db8:b::7'],
    ['::ffff:127.0.0.1,2001:db8::1', ['X-Forwarded-For: 203.0.113.7, 2001:0db8:0:0:0:0:0:1'], '203.0.113.7'],
    ['127.0.0.1', ['X-Forwarded-For: ::ffff:203.0.113.7'], '203.0.113.7'], ['127.0.0.1', ['X-Forwarded-For: [2001:DB8::1]'], '2001:db8::1'],
    ['127.0.0.1', ['X-Forwarded-For: 1.1.1.1', 'X-Forwarded-For: '], '127.0.0.1'], ['127.0.0.1', ['X-Forwarded-For: 203.0.113.7:port'], '127.0.0.1'],
    ['127.0.0.1,10.0.0.2', ['X-Forwarded-For: unknown, 10.0.0.2'], '10.0.0.2'], ['127.0.0.1', ['X-Forwarded-For: 127.0.0.1, 127.0.0.1'], '127.0.0.1'],
    ['127.0.0.1', ['X-Forwarded-For: 1.1.1.1', 'X-Other: x', 'X-FORWARDED-FOR: 2.2.2.2, 203.0.113.7'], '203.0.113.7'], ['10.0.0.2', ['X-Forwarded-For: 203.0.113.7'], '127.0.0.1'],
];
test('behind proxies the address that counts is the first from the right that no trusted one has', async () => {
    for (const proxies of new Set(forwarded.map(([p]) => p))) {
        const own = await cluster.node({ MADANG_HTTP_TRUSTED_PROXIES: proxies });
        for (const [, lines, right] of forwarded.filter(([p]) => p === proxies)) assert.equal(await counted(own, lines), right, `${proxies}: ${lines.join(' / ')}`);
        await own.stop();
        own.killed = true;
    }
    const wrong = spawnSync(binary, ['check'], { env: { ...cluster.environment(node, { MADANG_HTTP_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/33, proxy' }) }, cwd: root, encoding: 'utf8' });
    assert.match(wrong.stderr + wrong.stdout, /"10\.0\.0\.0\/33"[^]*"proxy"/);
});

test('lines of one name are one list; what must come once comes once', async () => {
    const ask = (...lines) => exchange(`GET / HTTP/1.1\r\n${H}${lines.map(l => `${l}\r\n`).join('')}Connection: close\r\n\r\n`), tag = /ETag: (.*)\r/i.exec((await ask()).text)[1];
    assert.equal(status(await ask('If-None-Match: "other"', `If-None-Match: ${tag}`)), 304);
    const korean = await exchange(`GET /api/v1/nothing HTTP/1.1\r\n${H}Accept-Language: en;q=0.5\r\nAccept-Language: ko\r\nConnection: close\r\n\r\n`);
    assert.match(korean.text, /Content-Language: ko/);
    for (const q of ['inf', 'nan', '1e300', '-1', '2', '0x1', '']) assert.equal(status(await exchange(`GET /api/v1/nothing HTTP/1.1\r\n${H}Accept-Language: en;q=${q}, ko;q=0.1\r\nAccept-Encoding: gzip;q=${q}\r\nConnection: close\r\n\r\n`)), 404, q);
    for (const name of ['Authorization', 'Content-Type', 'Origin', 'Idempotency-Key', 'Sec-WebSocket-Key', 'Sec-WebSocket-Version', 'Access-Control-Request-Method']) {
        const r = await ask(`${name}: a`, 'X-Between: b', `${name.toLowerCase()}: a`);
        assert.ok(status(r) === 400 && r.closed, name);
    }
    const p = await signUp(node), socket = (...lines) => exchange(`GET /ws HTTP/1.1\r\n${H}Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${lines.map(l => `${l}\r\n`).join('')}\r\n`, { wait: 300 });
    const opened = await socket('Connection: keep-alive', 'Connection: Upgrade', `Sec-WebSocket-Protocol: bearer.${p.token}`, 'Sec-WebSocket-Protocol: madang.v1', 'Sec-WebSocket-Protocol: open.e30');
    assert.match(opened.text, /^HTTP\/1\.1 101 [^]*Sec-WebSocket-Protocol: madang\.v1[^]*"heads"/);
    const [name, value] = p.cookie.split('='), renewed = lines => exchange(`POST /api/v1/auth/refresh HTTP/1.1\r\n${H}Origin: http://localhost:${node.port}\r\n${lines}Content-Length: 0\r\nConnection: close\r\n\r\n`);
    assert.equal(status(await renewed(`Cookie: a=b\r\nX-Between: c\r\nCookie: ${name}=${value}\r\n`)), 200);
});

test('every answer of every door says that types are not to be guessed', async () => {
    const p = await signUp(node), at = (own, lines) => exchange(`${lines}\r\n${H}Connection: close\r\n\r\n`, { port: own });
    const bearer = `\r\nAuthorization: Bearer ${p.token}`;
    for (const line of ['GET / HTTP/1.1', 'GET /app.css HTTP/1.1', 'GET /nothing.js HTTP/1.1', 'GET /api/openapi.json HTTP/1.1', 'GET /api/asyncapi.json HTTP/1.1', 'GET /api/types.d.ts HTTP/1.1', 'GET /api/v1/info HTTP/1.1', 'OPTIONS * HTTP/1.1', 'HEAD /api/v1/info HTTP/1.1',
        'GET /api/v1/auth/oauth/kakao HTTP/1.1', 'GET /r/nothing HTTP/1.1', 'GET /ws HTTP/1.1', 'BREW / HTTP/1.1', `GET /api/v1/files/1/raw HTTP/1.1${bearer}`, `POST /api/v1/me/export HTTP/1.1${bearer}`, `GET /api/v1/me HTTP/1.1${bearer}`])
        assert.match((await at(node.port, line)).text, /^HTTP\/1\.1 [^]*X-Content-Type-Options: nosniff\r\n/, line);
    for (const line of ['GET /healthz HTTP/1.1', 'GET /readyz HTTP/1.1', 'GET /metrics HTTP/1.1', 'GET /lists HTTP/1.1', 'GET /nothing HTTP/1.1', 'POST /healthz HTTP/1.1', 'x y HTTP/1.1'])
        assert.match((await at(node.adminPort, line)).text, /^HTTP\/1\.1 [^]*X-Content-Type-Options: nosniff\r\n/, line);
});
