// Postgres or Redis away: answers in under a second, the rest goes on, recovery without a restart.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { client } from '../lib/client.mjs';
import { befriend, Cluster, room, signUp, sleep, until } from '../lib/daemon.mjs';
import { all } from '../lib/process.mjs';
import { Stores } from '../lib/stores.mjs';

let stores, cluster, node, a, b, r, socket, other, video, said = 0;
before(async () => {
    stores = await new Stores().start();
    cluster = await new Cluster(stores).start();
    node = await cluster.node();
    a = await signUp(node);
    b = await signUp(node);
    await befriend(a, b);
    r = await room(a, b);
    socket = await node.socket(a);
    other = await node.socket(b);
    await consult();
});
after(() => all(() => cluster?.stop(), () => stores?.stop()));

async function timed(run) { const began = Date.now(), out = await run(); return { ...out, ms: Date.now() - began }; }
const send = id => node.post(`/api/v1/rooms/${r}/messages`, a.token, { client_id: id, body: id });
const me = () => node.get('/api/v1/me', a.token);
const ready = async () => (await node.admin('/readyz')).ready;

async function consult() {
    video = await socket.ok('video.open', {});
    await socket.ok('video.join', { room: video.room, page: 'a' });
    video.guest = (await other.ok('video.join', { room: video.room, password: video.password, page: 'b' })).peer;
}
// A signal from the host of the consultation to the guest.
async function signal() {
    const candidate = `candidate:${++said}`;
    await socket.ok('video.signal', { room: video.room, to: video.guest, candidate: { candidate } });
    await other.event('video.signal', e => e.data.candidate.candidate === candidate);
}

async function away(what, part, needs, works) {
    await until(`${what}: noticed`, async () => (await node.admin('/readyz')).parts[part] !== 'ok', 5000);
    for (const [name, run] of Object.entries(needs)) {
        const x = await timed(run);
        assert.equal(x.status, 503, `${what}: ${name} answered ${x.status} ${JSON.stringify(x.body)}`);
        assert.ok(x.headers.get('retry-after'), `${name} says when to try again`);
        assert.ok(x.ms < 1000, `${what}: ${name} took ${x.ms} ms`);
    }
    for (const [name, run] of Object.entries(works)) {
        const x = await timed(run);
        assert.ok(x.status < 300, `${what}: ${name} answered ${x.status} ${JSON.stringify(x.body)}`);
        assert.ok(x.ms < 1000, `${what}: ${name} took ${x.ms} ms`);
    }
}

test('Postgres killed and back', async () => {
    await stores.killPostgres();
    await away('Postgres killed', 'pg', { me, send: () => send('while-killed'), time: () => node.get('/api/v1/time') }, { info: () => node.get('/api/v1/info') });
    assert.deepEqual(Object.keys(await socket.ok('session.beat')), ['now'], 'live sockets go on');
    await signal();
    assert.equal((await other.ok('video.join', { room: video.room, page: 'c' })).peer, video.guest, 'a consultation needs no database');
    await signal();
    await stores.startPostgres();
    await until('recovery', async () => (await me()).status === 200, 5000);
    await until('ready', ready);
    assert.equal((await send('after-kill-1')).status, 200);
});

test('Postgres frozen and thawed', async () => {
    stores.freeze('postgres', true);
    try {
        const first = await timed(me);
        assert.ok([503, 504].includes(first.status) && first.ms < 5500, `the first caller: ${first.status} after ${first.ms} ms`);
        await away('Postgres frozen', 'pg', { me, send: () => send('while-frozen') }, { info: () => node.get('/api/v1/info') });
    } finally { stores.freeze('postgres', false); }
    await until('recovery', async () => (await me()).status === 200, 5000);
});

test('Redis killed and back', async () => {
    const refresh = () => node.call('POST', '/api/v1/auth/refresh', { headers: { cookie: a.cookie, origin: node.base } });
    await stores.killRedis();
    await away('Redis killed', 'redis', { refresh }, { me, send: () => send('no-redis-1'), friends: () => node.get('/api/v1/friends', a.token), login: () => node.post('/api/v1/auth/login', undefined, { email: b.email, password: b.password }) });
    await stores.startRedis();
    await until('recovery', async () => { const x = await refresh(); if (x.status === 200) a.cookie = x.cookie; return x.status === 200; }, 2500);
    for (const s of [socket, other]) assert.deepEqual((await s.event('video.closed')).data, { room: video.room, reason: 'gone' }, 'rooms were in Redis alone');
    await until('presence is asserted again', async () => (await node.ok('GET', '/api/v1/friends', b.token)).people[0].online === true, 5000);
});

test('Redis frozen and thawed', async () => {
    await consult();
    stores.freeze('redis', true);
    try {
        await away('Redis frozen', 'redis', { refresh: () => node.call('POST', '/api/v1/auth/refresh', { headers: { cookie: a.cookie, origin: node.base } }) }, { me, send: () => send('frozen-redis') });
        assert.equal((await socket.call('video.ice', { room: video.room })).problem.status ?? 503, 503);
    } finally { stores.freeze('redis', false); }
    await until('ready', ready, 5000);
    await signal();
    assert.equal(other.events.filter(e => e.ev === 'video.closed' && e.data.room === video.room).length, 0);
});

test('a commit whose answer was lost is looked up by its key, never done twice', async () => {
    await node.fault('commit-unknown');
    const one = await send('lost-answer-1');
    assert.equal(one.status, 200, JSON.stringify(one.body));
    await other.event('resync', e => e.on === `room:${r}`); // what was kept but could not be told is looked for
    const again = await send('lost-answer-1');
    assert.equal(again.body.seq, one.body.seq);
    await node.fault('commit-unknown');
    const body = { introduction: 'written once' }, headers = { 'idempotency-key': 'lost-1' };
    const patch = await node.call('PATCH', '/api/v1/me', { token: a.token, body, headers });
    assert.equal(patch.status, 200, JSON.stringify(patch.body));
    await node.fault('commit-unknown');
    const plain = await node.post('/api/v1/auth/guest');
    assert.ok(plain.status === 503 && plain.body.code === 'commit.unknown', JSON.stringify(plain.body));
});

test('a node killed between commit and publish: the other node shows the message within 10 s', async t => {
    const other = await cluster.node(), m = client(other, b), heard = [];
    t.after(() => m.close());
    m.on('dm.message', e => heard.push(e.data.client_id));
    m.connect();
    await until('open', () => m.state === 'open');
    await sleep(1500); // the catching up of who has just come is over: it is the lapsed lease that has to tell
    await node.fault('die-after-commit');
    await assert.rejects(send('died-after-commit'));
    node.killed = true;
    await node.exited;
    assert.equal((await cluster.sql("select count(*)::int as n from dm_messages where client_id = 'died-after-commit'"))[0].n, 1, 'it was committed');
    await until('the message, with nothing further sent', () => heard.includes('died-after-commit'), 10000);
});
