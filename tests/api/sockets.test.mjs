// WebSockets by their bytes and messages: handshake, frames, envelopes, sessions, limits, compression, draining.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import pg from 'pg';
import WebSocket from 'ws';
import { befriend, Cluster, room, signUp, sleep, slowed, until } from '../lib/daemon.mjs';

let cluster, node, p;
before(async () => {
    cluster = await new Cluster().start();
    node = await cluster.node({ MADANG_WS_OPEN_MS: '800', MADANG_WS_COMPRESS: 'true', MADANG_WS_MESSAGE_BYTES: '4096', MADANG_WS_SEND_BYTES: '16384', MADANG_WS_PING_MS: '1000', MADANG_HTTP_DRAIN_MS: '3000' });
    p = await signUp(node);
});
after(() => cluster.stop());

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const upgrade = (lines = {}, first = 'GET /ws HTTP/1.1') => {
    const all = { Host: 'localhost', Upgrade: 'websocket', Connection: 'keep-alive, Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': key, ...lines };
    return `${first}\r\n${Object.entries(all).filter(([, v]) => v !== null).map(([k, v]) => `${k}: ${v}\r\n`).join('')}\r\n`;
};
// After the handshake: sends frames, tells the close code.
function raw(bytes, { head = upgrade(), wait = 3000 } = {}) {
    return new Promise(resolve => {
        const s = net.connect(node.port, '127.0.0.1');
        let got = Buffer.alloc(0);
        const done = () => {
            clearTimeout(timer);
            s.destroy();
            const at = got.indexOf('\r\n\r\n'), headText = got.subarray(0, at).toString(), frames = got.subarray(at + 4);
            let code, i = 0;
            const seen = [];
            while (i + 2 <= frames.length) {
                const op = frames[i] & 15;
                let n = frames[i + 1] & 127, o = 2;
                if (n === 126) { n = frames.readUInt16BE(i + 2); o = 4; }
                const data = frames.subarray(i + o, i + o + n);
                if (op === 8) code = n >= 2 ? data.readUInt16BE(0) : 1005;
                seen.push([op, data.toString()]);
                i += o + n;
            }
            resolve({ head: headText, status: Number(/ (\d+)/.exec(headText)?.[1]), code, seen });
        };
        const timer = setTimeout(done, wait);
        s.on('data', d => { const first = !got.includes('\r\n\r\n'); got = Buffer.concat([got, d]); if (first && got.includes('\r\n\r\n') && bytes) s.write(bytes); });
        s.on('close', done);
        s.on('error', () => {});
        s.write(head);
    });
}
function frame(first, payload = Buffer.alloc(0), { mask = true, length } = {}) {
    payload = Buffer.from(payload);
    const n = length ?? payload.length, head = n <= 125 && length === undefined ? Buffer.from([first, n]) : n <= 65535 ? Buffer.from([first, 126, n >> 8, n & 255]) : (() => { const b = Buffer.alloc(10); b[0] = first; b[1] = 127; b.writeBigUInt64BE(BigInt(n), 2); return b; })();
    if (!mask) return Buffer.concat([head, payload]);
    head[1] |= 128;
    const m = randomBytes(4), masked = Buffer.from(payload.map((c, i) => c ^ m[i % 4]));
    return Buffer.concat([head, m, masked]);
}

for (const [name, lines, first, want] of [
    ['the vector of RFC 6455', {}, undefined, 101], ['no upgrade', { Upgrade: null }, undefined, 426], ['version 8', { 'Sec-WebSocket-Version': '8' }, undefined, 426], ['no key', { 'Sec-WebSocket-Key': null }, undefined, 400],
    ['a short key', { 'Sec-WebSocket-Key': 'dGhl' }, undefined, 400], ['a POST', {}, 'POST /ws HTTP/1.1', 426], ['HTTP/1.0', {}, 'GET /ws HTTP/1.0', 426], ['another site', { Origin: 'https://evil.example' }, undefined, 403],
    ['no Connection', { Connection: 'keep-alive' }, undefined, 426], ['another path', {}, 'GET /socket HTTP/1.1', 200],
]) test(`handshake: ${name}`, async () => {
    const r = await raw(null, { head: upgrade(lines, first), wait: 300 });
    assert.equal(r.status, want, r.head);
    if (want === 101) assert.match(r.head, /Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/);
    if (want === 426) assert.match(r.head, /Sec-WebSocket-Version: 13/);
});

for (const [name, bytes, code] of [
    ['an unmasked frame', frame(0x81, 'x', { mask: false }), 1002], ['a reserved bit', frame(0xa1, 'x'), 1002], ['a reserved opcode', frame(0x83, 'x'), 1002], ['a continuation of nothing', frame(0x80, 'x'), 1002],
    ['a new message within a message', Buffer.concat([frame(0x01, 'a'), frame(0x81, 'b')]), 1002], ['a fragmented ping', frame(0x09, 'x'), 1002], ['a long ping', frame(0x89, 'x'.repeat(126)), 1002], ['not minimal a length', frame(0x81, 'x', { length: 1 }), 1002],
    ['text that is no UTF-8', frame(0x81, Buffer.from([0xff])), 1007], ['a character never finished', frame(0x81, Buffer.from([0xe2, 0x82])), 1007], ['binary', frame(0x82, 'x'), 1003], ['too big, by its header and a byte', frame(0x81, 'x', { length: 70000 }), 1009],
    ['too big in fragments', Buffer.concat([frame(0x01, 'x'.repeat(3000)), frame(0x80, 'x'.repeat(3000))]), 1009], ['a close with one byte', frame(0x88, 'x'), 1002], ['a close code that is none', frame(0x88, Buffer.from([3, 237])), 1002],
    ['a close with a broken reason', frame(0x88, Buffer.from([3, 232, 255])), 1007], ['a plain close', frame(0x88, Buffer.from([3, 232])), 1000], ['an empty close', frame(0x88), 1005],
]) test(`frames: ${name}`, async () => {
    const r = await raw(bytes);
    assert.equal(r.code, code, JSON.stringify(r.seen));
    assert.equal((await node.get('/api/v1/info')).status, 200);
});

test('a ping is answered with its payload, also between fragments', async () => {
    const r = await raw(Buffer.concat([frame(0x01, '{"op":"x",'), frame(0x89, 'hello'), frame(0x80, '"id":4}')]), { wait: 400 });
    assert.deepEqual(r.seen[0], [10, 'hello']);
    assert.match(r.seen[1][1], /"id":4.*call.unknown/);
});

test('who does not open in time, or shows a bad token, is closed with 4401', async () => {
    assert.equal((await raw(null)).code, 4401);
    const s = await node.socket(p, { protocols: ['madang.v1', 'bearer.abc.def.ghi'], wait: false });
    assert.equal(await s.closed, 4401);
    const good = await node.socket(p, { protocols: ['madang.v1', `bearer.${p.token}`], wait: false });
    assert.equal((await good.ok('session.open', {})).account, p.id);
    assert.equal((await good.call('session.open', { token: 'x'.repeat(40) })).problem.code, 'auth.token');
    const other = await signUp(node);
    assert.equal((await good.call('session.renew', { token: other.token })).problem.code, 'auth.forbidden', 'a socket stays whose it is');
    assert.ok((await good.ok('session.renew', { token: p.token })).expires);
});

// What comes behind the answer to the upgrade, while nothing else is sent.
const opening = (input, token = p.token) => upgrade({ 'Sec-WebSocket-Protocol': ['madang.v1', ...(token ? [`bearer.${token}`] : []), `open.${typeof input === 'string' ? input : Buffer.from(JSON.stringify(input)).toString('base64url')}`].join(', ') });
const told = async head => { const r = await raw(Buffer.alloc(0), { head, wait: 500 }); return { ...r, messages: r.seen.filter(([op]) => op === 1).map(([, m]) => JSON.parse(m)) }; };

test('a session opens with the upgrade: one round trip, the same answer, and what was missed', async () => {
    const friend = await signUp(node);
    await befriend(p, friend);
    const r = await room(p, friend), on = `room:${r}`;
    await node.ok('POST', `/api/v1/rooms/${r}/messages`, p.token, { client_id: 'early-one', body: '안녕' });
    const x = await told(opening({ seen: { [on]: 0 } }));
    assert.match(x.head, /^HTTP\/1.1 101 /);
    assert.match(x.head, /Sec-WebSocket-Protocol: madang\.v1\r?/i);
    const [answer] = x.messages;
    assert.equal(answer.id, 0);
    assert.equal(answer.out.account, p.id);
    assert.equal(answer.out.heads[on], 1);
    const missed = x.messages.filter(m => m.ev === 'dm.message');
    assert.deepEqual(missed.map(m => [m.on, m.seq, m.data.body ?? m.data.message?.body]), [[on, 1, '안녕']]);
    const inside = await told(opening({ token: p.token }, null)); // the token may stand in it as well
    assert.equal(inside.messages[0].out.account, answer.out.account);
});

test('what is wrong with such an opening is said', async () => {
    assert.equal((await told(opening('=='))).code, 1007);
    assert.equal((await told(opening({}, 'no.such.token'))).code, 4401);
    assert.equal((await told(opening({}, null))).messages[0].problem.code, 'auth.required');
    assert.equal((await told(opening({ seen: 3 }))).messages[0].problem.code, 'request.fields');
    const cut = await told(opening(Buffer.from('{"seen":').toString('base64url')));
    assert.deepEqual([cut.messages[0].id, cut.messages[0].problem.code], [0, 'request.json']);
});

test('messages that are none get a problem and the socket goes on', async () => {
    const s = await node.socket(p);
    for (const text of ['{', '[]', '{"id":1}', '{"op":1,"id":1}', '{"op":1}', '{"op":"session.beat","id":-1}', '{"op":"session.beat","id":"1"}', '{"op":"session.beat","id":null}', '{"op":"no.such"}', '{"op":"session.beat","in":{"x":1}}', '{"op":"session.beat","id":1,"more":2}', '{"op":"session.beat","id":1,"in":{"x":1}}', `${'['.repeat(500)}`, '{"op":"auth.login","id":9,"in":{}}']) {
        const before = s.replies.size;
        const answer = new Promise(r => s.ws.on('message', m => { const o = JSON.parse(m); if (o.id !== undefined) r(o); }));
        s.ws.send(text);
        assert.ok((await answer).problem, text.slice(0, 30));
        assert.equal(s.replies.size, before);
    }
    assert.ok((await s.ok('session.beat')).now);
    assert.equal((await s.call('dm.send', { room: 'x' })).problem.code, 'request.fields');
});

test('a call without an id is carried out and not answered, unless it is refused', async () => {
    const s = await node.socket(p), heard = [];
    s.ws.on('message', m => { const o = JSON.parse(m); if (!o.ev) heard.push(o); });
    s.ws.send('{"op":"session.beat"}');
    s.ws.send('{"op":"dm.send","in":{"room":-1}}');
    await s.ok('session.beat');
    assert.deepEqual(heard.map(o => [o.id, o.problem?.code]), [[0, 'request.fields'], [2, undefined]]);
});

test('messages of one socket are answered in their order', async () => {
    const s = await node.socket(p), order = [];
    s.ws.on('message', m => { const { id } = JSON.parse(m); if (id !== undefined) order.push(id); });
    await Promise.all(Array.from({ length: 100 }, (_, i) => s.call(i % 3 ? 'session.beat' : 'system.time')));
    assert.deepEqual(order, [...order].sort((a, b) => a - b));
});

test('compression, when both want it', async () => {
    const ws = new WebSocket(`ws://localhost:${node.port}/ws`, ['madang.v1'], { perMessageDeflate: true });
    await new Promise(r => ws.on('open', r));
    assert.match(ws.extensions, /permessage-deflate/);
    const answer = new Promise(r => ws.on('message', m => r(JSON.parse(m))));
    ws.send(JSON.stringify({ op: 'session.open', id: 1, in: { token: p.token } }), { compress: true });
    assert.equal((await answer).out.account, p.id);
    ws.terminate();
});

test('however many messages one read brings, no more wait than may, and none is lost', async () => {
    const own = await cluster.node({ MADANG_WS_COMPRESS: 'true', MADANG_WS_WAITING_MAX: '8' }), n = 600;
    const message = (op, id, input) => `{"op":"${op}","id":${id},"in":${JSON.stringify(input)}${' '.repeat(id % 3 ? 0 : 30000)}}`;
    const pack = (json, id) => id % 2 ? frame(0xc1, deflateRawSync(json, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)) : frame(0x81, json.replace(/ +}$/, '}'));
    const c = new pg.Client({ host: cluster.at, user: 'madang', database: cluster.database });
    await c.connect();
    await c.query('begin');
    await c.query('update accounts set locale = locale where id = $1', [p.id]);
    const s = net.connect(own.port, '127.0.0.1');
    let got = Buffer.alloc(0);
    s.on('data', d => { got = Buffer.concat([got, d]); });
    s.write(upgrade({ 'Sec-WebSocket-Extensions': 'permessage-deflate', 'Sec-WebSocket-Protocol': `madang.v1, bearer.${p.token}` }));
    await until('the upgrade', () => got.includes('\r\n\r\n'));
    s.write(Buffer.concat([pack(message('me.update', 1, { introduction: 'one that waits' }), 0), ...Array.from({ length: n }, (_, i) => pack(message('session.beat', i + 2, {}), i))]));
    await until('the first to wait in Postgres', async () => (await own.admin('/lists/tasks')).some(t => t.name === 'socket' && t.waits_at));
    const { waiting } = (await own.admin('/lists/sockets'))[0];
    await c.query('rollback');
    await c.end();
    const answered = () => [...String(got).matchAll(/\{"id":(\d+),"(?:out|problem)"/g)].map(m => Number(m[1]));
    await until('all answers', () => answered().length === n + 1);
    assert.deepEqual(answered(), Array.from({ length: n + 1 }, (_, i) => i + 1));
    assert.ok(waiting <= 8, `${waiting} messages wait`);
    s.destroy();
});

test('who does not read is closed with 1013, and others go on', slowed, async () => {
    const own = await cluster.node({ MADANG_WS_SEND_BYTES: '16384' }); // with patient pings: it is for its bytes that it is to be closed
    const b = await signUp(own);
    await befriend({ ...p, node: own }, b);
    const r = await room({ ...p, node: own }, b), slow = await own.socket(b), s = await own.socket(p);
    slow.ws._socket.pause();
    for (let i = 0; i < 3000 && slow.closeCode === undefined; i++) {
        await s.ok('dm.send', { room: r, client_id: `flood-${i}-xx`, body: 'x'.repeat(1900) });
        if (Number(/madang_sockets_slow_total (\d+)/.exec(i % 50 ? '' : await own.admin('/metrics'))?.[1])) break;
    }
    slow.ws._socket.resume();
    assert.equal(await slow.closed, 1013);
});

test('answers to pings count as what a socket has to take', async () => {
    const slow = async () => Number(/madang_sockets_slow_total (\d+)/.exec(await node.admin('/metrics'))[1]), before = await slow();
    const s = net.connect({ port: node.port, host: '127.0.0.1', highWaterMark: 1024 }).on('error', () => {}), pings = Buffer.concat(Array(500).fill(frame(0x89, 'x'.repeat(125))));
    s.write(upgrade({ 'Sec-WebSocket-Protocol': `madang.v1, bearer.${p.token}` }));
    s.pause();
    await until('it to be closed as too slow', async () => { for (let i = 0; i < 40 && s.writableLength < 1e6; i++) s.write(pings); return await slow() > before; }, 20000);
    s.destroy();
    assert.equal((await node.get('/api/v1/info')).status, 200);
});

test('a socket follows no more topics than it may, and goes on', async () => {
    const own = await cluster.node({ MADANG_WS_TOPICS_MAX: '512' }), s = await own.socket(p);
    let refused;
    for (let i = 0; i < 520 && !refused; i++) refused = (await s.call('tarot.open', { language: 'ko' })).problem?.code;
    assert.equal(refused, 'rate-limited');
    assert.ok((await s.ok('session.beat')).now);
    const fresh = await own.socket(p);
    assert.ok((await fresh.ok('tarot.open', { language: 'ko' })).chat);
});

test('silence is noticed: pings, then the end', async () => {
    const s = net.connect(node.port, '127.0.0.1');
    let ended = false;
    s.on('close', () => { ended = true; });
    s.on('error', () => {});
    s.write(upgrade({ 'Sec-WebSocket-Protocol': `madang.v1, bearer.${p.token}` }));
    s.resume();
    await until('the dead socket to be let go', () => ended, 8000);
});

test('draining: 1012 with a time to come back, calls finish, no task is left', async () => {
    const other = await cluster.node({ MADANG_HTTP_DRAIN_MS: '3000' });
    const s = await other.socket({ ...p, node: other });
    const calls = Promise.allSettled(Array.from({ length: 20 }, () => other.get('/api/v1/time')));
    const stopping = (async () => { await sleep(5); other.process.kill('SIGTERM'); })();
    assert.equal(await s.closed, 1012);
    assert.match(s.closeReason, /reconnect in \d+ ms/);
    assert.ok((await calls).filter(x => x.status === 'fulfilled').every(x => [200, 503].includes(x.value.status)));
    await stopping;
    assert.deepEqual(await other.exited, { code: 0, signal: null });
    other.killed = true;
});

test('a reload takes what can be taken, and names what cannot', async () => {
    const own = await cluster.node();
    own.process.kill('SIGHUP');
    await until('the reload', () => /reloaded/.test(own.log));
    assert.equal((await own.get('/api/v1/info')).status, 200);
    assert.equal((await own.admin('/lists/memory'))[0].arenas <= 3, true, 'no arena is left but those of the long tasks');
});

test('an orderly stop has nothing to complain of', async () => {
    const own = await cluster.node(), s = await own.socket({ ...p, node: own });
    assert.ok((await own.get('/api/v1/time')).status === 200 && s.opened);
    await own.stop();
    own.killed = true;
    assert.match(own.log, /stopped\n$/);
    assert.deepEqual(own.log.slice(own.log.indexOf('draining')).split('\n').filter(l => / (error|warn) /.test(l)), []);
});

test('over the socket a call has ten seconds at most, since those behind it wait; by REST it has what the setting says', slowed, async () => {
    const own = await cluster.node({ MADANG_HTTP_CALL_MS: '20000', MADANG_PG_TX_MS: '30000' }), q = await signUp(own), s = await own.socket({ ...p, node: own });
    await cluster.sql("create function slowly() returns trigger language plpgsql as $$ begin if new.introduction = 'slowly' then perform pg_sleep(11); end if; return new; end $$");
    await cluster.sql('create trigger slowly before update on accounts for each row execute function slowly()');
    try {
        const input = { introduction: 'slowly' }, slow = s.call('me.update', input), behind = s.call('session.beat');
        assert.equal((await own.call('PATCH', '/api/v1/me', { token: q.token, body: input })).status, 200);
        assert.equal((await slow).problem?.code, 'deadline');
        assert.ok((await behind).out);
    } finally { await cluster.sql('drop function slowly cascade'); }
    await own.stop();
    own.killed = true;
});

test("on one's own machine each of its names is our origin", async () => {
    const opens = async (own, origin) => new Promise(r => { const ws = new WebSocket(`ws://127.0.0.1:${own.port}/ws`, ['madang.v1'], { origin }); ws.on('open', () => { ws.terminate(); r(101); }); ws.on('unexpected-response', (q, a) => r(a.statusCode)); ws.on('error', () => {}); });
    for (const host of ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST']) assert.equal(await opens(node, `http://${host}:${node.port}`), 101, host);
    for (const origin of [`https://localhost:${node.port}`, `http://localhost:${node.port + 1}`, 'http://localhost', `http://evil.example:${node.port}`, `http://localhost.evil.example:${node.port}`, `http://localhost:${node.port}@evil.example`, `http://127.0.0.2:${node.port}`, `http://[::1:${node.port}`, 'null', 'http://', '://', `//localhost:${node.port}`])
        assert.equal(await opens(node, origin), 403, origin);
    const r = await fetch(`http://127.0.0.1:${node.port}/api/v1/auth/refresh`, { method: 'POST', headers: { origin: `http://127.0.0.1:${node.port}`, cookie: p.cookie } });
    assert.equal(r.status, 200, 'and its cookie is taken from there');
    const outside = await cluster.node({ MADANG_HTTP_PUBLIC_URL: 'https://madang.example/' });
    for (const [origin, want] of [['https://madang.example', 101], ['https://madang.example:443', 101], ['http://madang.example', 403], [`http://localhost:${outside.port}`, 403], ['https://localhost', 403]]) assert.equal(await opens(outside, origin), want, origin);
});
