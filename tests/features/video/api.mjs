// Consultation rooms: who may come in, who hears whom, and what becomes of a place when its socket, its page or its node is gone.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Cluster, Socket, at, signUp, sleep, until } from '../../lib/daemon.mjs';

const GRACE_MS = 2500, SECRET = 'north-secret';
const settings = { MADANG_VIDEO_GRACE_MS: String(GRACE_MS), MADANG_VIDEO_STUN_URLS: 'stun:127.0.0.1:3478', MADANG_VIDEO_TURN_SECRET: SECRET,
    MADANG_VIDEO_TURN_URLS: 'turn:127.0.0.1:3478?transport=udp, turn:127.0.0.1:3478?transport=tcp' };
let cluster, one, two, host, member;
before(async () => {
    cluster = await new Cluster().start();
    one = await cluster.node(settings);
    two = await cluster.node(settings);
    host = await signUp(one);
    member = await signUp(one);
});
after(() => cluster.stop());

const guest = async node => { const r = await node.ok('POST', '/api/v1/auth/guest'); return { id: r.account, token: r.access_token, node }; };
const open = (input = {}) => one.ok('POST', '/api/v1/video/rooms', host.token, input);
let pages = 0;
// Somebody in a room: a socket of their own, and what it is told.
async function enter(node, person, room, password, page = `page-${++pages}`) {
    const s = await Socket.open(node, person), joined = await s.ok('video.join', { room, page, ...(password ? { password } : {}) });
    return { s, page, ...joined };
}
async function pair(input) {
    const r = await open(input), h = await enter(one, host, r.room), g = await enter(two, await guest(two), r.room, r.password);
    return { ...r, h, g };
}
const refused = async (s, op, input) => (await s.call(op, input)).problem?.code;
const redis = (...command) => String(execFileSync('redis-cli', ['-s', `${at}/redis.sock`, ...command])).trim();
const sdp = 'v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\n';

test('a room is opened by a member, with a password that is told once', async () => {
    const r = await open({ title: '저녁 상담' });
    assert.match(r.room, /^[a-z2-9]{10}$/);
    assert.match(r.password, /^[a-z2-9]{8}$/);
    assert.equal(r.path, `/video/${r.room}`);
    assert.ok(Math.abs(new Date(r.expires) - Date.now() - 6 * 3600e3) < 60e3);
    assert.equal((await open({ password: '비밀번호4' })).password, '비밀번호4');
    assert.ok(!redis('hget', `${cluster.id}:video:room:${r.room}`, 'password').includes(r.password));
    assert.equal((await one.post('/api/v1/video/rooms', (await guest(one)).token, {})).status, 403);
    for (const wrong of [{ password: '123' }, { title: 'x'.repeat(31) }, { room: 'mineminemi' }]) assert.equal((await one.post('/api/v1/video/rooms', host.token, wrong)).body.code, 'request.fields');
    assert.deepEqual(await one.ok('POST', `/api/v1/video/rooms/${r.room}/check`, member.token, { password: r.password }), { title: '저녁 상담', host: false, full: false });
    assert.deepEqual(await one.ok('POST', `/api/v1/video/rooms/${r.room}/check`, host.token, {}), { title: '저녁 상담', host: true, full: false });
});

test('a wrong password and a room that is not there look alike, and five tries are all', async () => {
    const r = await open(), other = await open(), g = await guest(two);
    const check = (room, password) => two.post(`/api/v1/video/rooms/${room}/check`, g.token, password ? { password } : {});
    const wrong = await check(r.room, 'not this one'), none = await check('aaaaaaaaaa', 'not this one');
    assert.deepEqual([wrong.status, none.status], [404, 404]);
    delete wrong.body.request_id; delete none.body.request_id; delete wrong.body.instance; delete none.body.instance;
    assert.deepEqual(wrong.body, none.body);
    assert.equal((await check(r.room)).body.code, 'video.not-found');
    assert.equal((await check(r.room, r.password)).status, 200, 'the right one forgets the wrong ones');
    const s = await Socket.open(one, g);
    for (let i = 0; i < 3; i++) assert.equal((await check(r.room, `guess ${i}`)).status, 404);
    for (let i = 0; i < 2; i++) assert.equal(await refused(s, 'video.join', { room: r.room, password: `guess ${i}`, page: 'p' }), 'video.not-found');
    for (const password of ['guess 5', r.password]) {
        const over = await check(r.room, password);
        assert.equal(over.status, 429);
        assert.ok(Number(over.headers.get('retry-after')) > 500);
    }
    assert.equal(await refused(s, 'video.join', { room: r.room, password: r.password, page: 'p' }), 'rate-limited');
    for (let i = 0; i < 5; i++) await check('bbbbbbbbbb', `guess ${i}`);
    assert.equal((await check('bbbbbbbbbb', 'guess')).status, 429, 'of a room that is not there too');
    assert.equal((await check(other.room, other.password)).status, 200);
    assert.equal((await one.post(`/api/v1/video/rooms/${r.room}/check`, host.token, {})).status, 200, 'the host needs none');
    await s.close();
});

test('two people on two nodes: roles, signals in their order, and nobody else\'s', async () => {
    const { room, h, g } = await pair();
    assert.deepEqual([h.host, g.host, h.peers, g.peers.length], [true, false, [], 1]);
    assert.match(await two.admin('/metrics'), /^madang_video_seats 1$/m);
    assert.deepEqual(g.peers[0], { peer: h.peer, page: h.page, host: true, polite: true });
    const came = (await h.s.event('video.peer-joined')).data;
    assert.deepEqual(came, { room, peer: { peer: g.peer, page: g.page, host: false, polite: false }, again: false });
    await g.s.ok('video.signal', { room, to: h.peer, description: { type: 'offer', sdp } });
    for (let i = 0; i < 30; i++) await g.s.ok('video.signal', { room, to: h.peer, candidate: { candidate: `candidate:${i} 1 udp 1 127.0.0.1 9 typ host`, mid: '0', line: 0, fragment: 'abcd' } });
    await g.s.ok('video.signal', { room, to: h.peer, candidate: { candidate: '' } });
    const heard = await until('the signals', () => { const all = h.s.events.filter(e => e.ev === 'video.signal').map(e => e.data); return all.length === 32 && all; });
    assert.deepEqual(heard[0], { room, from: g.peer, page: g.page, description: { type: 'offer', sdp } });
    assert.deepEqual(heard.slice(1, 31).map(x => Number(/candidate:(\d+)/.exec(x.candidate.candidate)[1])), [...Array(30).keys()]);
    assert.deepEqual(heard[31].candidate, { candidate: '' });
    await h.s.ok('video.signal', { room, to: g.peer, description: { type: 'answer', sdp: 'x'.repeat(30000) } });
    assert.equal((await g.s.event('video.signal')).data.description.sdp.length, 30000);
    for (const wrong of [{ description: { type: 'rollback', sdp } }, {}, { description: { type: 'offer', sdp }, candidate: { candidate: '' } }, { description: { type: 'offer', sdp: 'x'.repeat(40001) } }])
        assert.equal(await refused(g.s, 'video.signal', { room, to: h.peer, ...wrong }), 'request.fields');
    const faults = async input => (await g.s.call('video.signal', { room, to: h.peer, ...input })).problem.errors.map(e => e.pointer);
    assert.deepEqual(await faults({}), ['/description']);
    assert.deepEqual(await faults({ description: null, candidate: null }), ['/description']);
    assert.deepEqual(await faults({ description: { type: 'fly', sdp }, candidate: {} }), ['/description/type', '/candidate/candidate', '/description']);
    await h.s.ok('video.signal', { room, to: g.peer, description: null, candidate: { candidate: 'e\u0301' } });
    assert.deepEqual((await g.s.event('video.signal', e => e.data.candidate)).data.candidate, { candidate: 'e\u0301' }, 'as it came: another browser reads it');
    await h.s.ok('video.signal', { room, to: g.peer, description: { type: 'answer', sdp: 's=e\u0301' } });
    assert.equal((await g.s.event('video.signal', e => e.data.description?.sdp.startsWith('s='))).data.description.sdp, 's=e\u0301');
    assert.equal(await refused(g.s, 'video.signal', { room, to: g.peer, candidate: { candidate: '' } }), 'video.no-peer');
    assert.equal(await refused(g.s, 'video.signal', { room, to: 'aaaaaaaa', candidate: { candidate: '' } }), 'video.no-peer');
    const outside = await Socket.open(one, member);
    assert.equal(await refused(outside, 'video.signal', { room, to: h.peer, candidate: { candidate: '' } }), 'video.not-in');
    assert.equal(await refused(outside, 'video.ice', { room }), 'video.not-in');
    assert.equal(await refused(outside, 'video.leave', { room }), 'video.not-in');
    const again = await Socket.open(one, host);
    assert.equal(await refused(again, 'video.signal', { room, to: g.peer, candidate: { candidate: '' } }), 'video.not-in', 'another socket of the same person');
    assert.equal(g.s.events.filter(e => e.ev === 'video.signal').length, 3);
    for (const s of [outside, again, h.s, g.s]) await s.close();
});

test('a third person is refused, and comes in once there is a place; with [video] max_peers 4 there are four', async () => {
    const { room, password, h, g } = await pair(), s = await Socket.open(one, member);
    assert.equal(await refused(s, 'video.join', { room, password: 'not this one', page: 'p' }), 'video.not-found');
    assert.equal((await one.ok('POST', `/api/v1/video/rooms/${room}/check`, member.token, { password })).full, true);
    assert.equal(await refused(s, 'video.join', { room, password, page: 'p' }), 'video.full');
    await g.s.ok('video.leave', { room });
    assert.deepEqual((await h.s.event('video.peer-left')).data, { room, peer: g.peer, reason: 'left' });
    assert.equal(await refused(g.s, 'video.signal', { room, to: h.peer, candidate: { candidate: '' } }), 'video.not-in');
    assert.equal((await s.ok('video.join', { room, password, page: 'p' })).peers.length, 1);
    const wide = await cluster.node({ ...settings, MADANG_VIDEO_MAX_PEERS: '4' }), r = await open(), all = [await enter(wide, host, r.room)];
    for (let i = 0; i < 3; i++) all.push(await enter(wide, await guest(wide), r.room, r.password));
    assert.deepEqual(all.map(x => x.peers.length), [0, 1, 2, 3]);
    assert.ok(all[3].peers.every(x => x.polite));
    for (const x of all.slice(1, 3)) assert.equal((await x.s.event('video.peer-joined', e => e.data.peer.peer === all[3].peer)).data.peer.polite, false);
    assert.equal(await refused(await Socket.open(wide, await guest(wide)), 'video.join', { room: r.room, password: r.password, page: 'p' }), 'video.full');
    for (const x of [{ s }, h, g, ...all]) await x.s.close();
});

test('credentials for the TURN server: for an hour, and of no account', async () => {
    const { room, h, g } = await pair();
    for (const ice of [h.ice, await g.s.ok('video.ice', { room })]) {
        assert.deepEqual([ice.policy, ice.ttl_s, ice.servers.length], ['all', 3600, 2]);
        assert.deepEqual(ice.servers[0], { urls: ['stun:127.0.0.1:3478'] });
        assert.deepEqual(ice.servers[1].urls, ['turn:127.0.0.1:3478?transport=udp', 'turn:127.0.0.1:3478?transport=tcp']);
        const [ends, name] = ice.servers[1].username.split(':');
        assert.ok(Math.abs(Number(ends) - Date.now() / 1000 - 3600) < 60);
        assert.ok([h.peer, g.peer].includes(name));
        assert.equal(ice.servers[1].credential, createHmac('sha1', SECRET).update(ice.servers[1].username).digest('base64'));
    }
    for (const x of [h, g]) await x.s.close();
});

test('who loads the page anew has the place kept, with its name and role', async () => {
    const { room, h, g } = await pair();
    h.s.ws.terminate();
    assert.deepEqual((await g.s.event('video.peer-away')).data, { room, peer: h.peer });
    const back = await enter(two, host, room);
    assert.deepEqual([back.peer, back.host, back.peers], [h.peer, true, [{ peer: g.peer, page: g.page, host: false, polite: false }]]);
    assert.deepEqual((await g.s.event('video.peer-joined')).data, { room, peer: { peer: h.peer, page: back.page, host: true, polite: true }, again: true });
    await g.s.ok('video.signal', { room, to: h.peer, candidate: { candidate: '' } });
    await back.s.event('video.signal');
    await sleep(GRACE_MS + 1500);
    assert.equal(g.s.events.filter(e => ['video.peer-left', 'video.closed'].includes(e.ev)).length, 0, 'it is kept while it is used');
    // the same person elsewhere: the place moves there, and the socket before hears nothing more
    const moved = await enter(one, host, room);
    assert.deepEqual((await back.s.event('video.closed')).data, { room, reason: 'moved' });
    assert.equal(await refused(back.s, 'video.signal', { room, to: g.peer, candidate: { candidate: '' } }), 'video.not-in');
    await g.s.ok('video.signal', { room, to: h.peer, candidate: { candidate: 'x' } });
    await moved.s.event('video.signal');
    assert.equal(back.s.events.filter(e => e.ev === 'video.signal').length, 1);
    // and again by the same socket: nothing is lost
    assert.equal((await moved.s.ok('video.join', { room, page: 'other' })).peer, h.peer);
    await g.s.ok('video.signal', { room, to: h.peer, candidate: { candidate: 'y' } });
    await moved.s.event('video.signal', e => e.data.candidate.candidate === 'y');
    assert.equal(moved.s.events.filter(e => e.ev === 'video.closed').length, 0);
    for (const s of [back.s, moved.s, g.s]) await s.close();
});

test('who does not come back in time has left: a guest alone, with the host the room', async () => {
    const { room, password, h, g } = await pair();
    g.s.ws.terminate();
    assert.deepEqual((await h.s.event('video.peer-left', () => true, 15000)).data, { room, peer: g.peer, reason: 'lost' });
    const next = await enter(two, await guest(two), room, password);
    h.s.ws.terminate();
    assert.deepEqual((await next.s.event('video.closed', () => true, 15000)).data, { room, reason: 'host-left' });
    assert.equal(await refused(next.s, 'video.ice', { room }), 'video.not-in');
    assert.equal((await one.post(`/api/v1/video/rooms/${room}/check`, host.token, {})).body.code, 'video.not-found');
    await next.s.close();
});

test('the host leaves, closes, sends away; a guest may not', async () => {
    const a = await pair();
    assert.equal((await two.call('DELETE', `/api/v1/video/rooms/${a.room}`, { token: member.token })).body.code, 'video.not-found');
    assert.equal(await refused(a.g.s, 'video.close', { room: a.room }), 'auth.forbidden');
    await a.g.s.ok('video.leave', { room: a.room });
    const r = await enter(two, member, a.room, a.password);
    assert.equal(await refused(r.s, 'video.close', { room: a.room }), 'video.not-host');
    assert.equal(await refused(r.s, 'video.kick', { room: a.room, peer: a.h.peer }), 'video.not-host');
    assert.equal(await refused(a.h.s, 'video.kick', { room: a.room, peer: a.h.peer }), 'video.no-peer');
    assert.equal(await refused(a.h.s, 'video.kick', { room: 'aaaaaaaaaa', peer: a.h.peer }), 'video.not-found');
    await one.ok('DELETE', `/api/v1/video/rooms/${a.room}/peers/${r.peer}`, host.token);
    assert.deepEqual((await r.s.event('video.closed')).data, { room: a.room, reason: 'kicked' });
    assert.deepEqual((await a.h.s.event('video.peer-left', e => e.data.peer === r.peer)).data.reason, 'kicked');
    assert.equal(await refused(r.s, 'video.join', { room: a.room, password: a.password, page: 'p' }), 'video.kicked');
    const g = await enter(two, await guest(two), a.room, a.password);
    await one.ok('DELETE', `/api/v1/video/rooms/${a.room}`, host.token);
    for (const s of [g.s, a.h.s]) assert.deepEqual((await s.event('video.closed')).data, { room: a.room, reason: 'closed' });
    assert.equal(await refused(a.h.s, 'video.close', { room: a.room }), 'video.not-found');
    const b = await pair();
    await b.h.s.ok('video.leave', { room: b.room });
    assert.deepEqual((await b.g.s.event('video.closed')).data, { room: b.room, reason: 'host-left' });
    assert.equal(b.h.s.events.filter(e => e.ev === 'video.closed').length, 0);
    for (const s of [a.h.s, a.g.s, r.s, g.s, b.h.s, b.g.s]) await s.close();
});

test('a socket has one place: joining another room leaves the first', async () => {
    const a = await pair(), b = await open();
    assert.equal((await a.g.s.ok('video.join', { room: b.room, password: b.password, page: 'p' })).peers.length, 0);
    assert.equal((await a.h.s.event('video.peer-left')).data.reason, 'left');
    for (const s of [a.h.s, a.g.s]) await s.close();
});

test('a node that is killed ends neither the room nor the place', async () => {
    const three = await cluster.node(settings), r = await open(), h = await enter(one, host, r.room), person = await guest(three), g = await enter(three, person, r.room, r.password);
    await three.kill();
    const back = await enter(two, person, r.room, undefined, g.page);
    assert.deepEqual([back.peer, back.peers[0].peer], [g.peer, h.peer]);
    assert.deepEqual((await h.s.event('video.peer-joined', e => e.data.again)).data.peer.page, g.page);
    await h.s.ok('video.signal', { room: r.room, to: g.peer, candidate: { candidate: 'after' } });
    await back.s.event('video.signal');
    await sleep(GRACE_MS + 1500);
    await back.s.ok('video.signal', { room: r.room, to: h.peer, candidate: { candidate: 'later' } });
    assert.equal(h.s.events.filter(e => e.ev === 'video.peer-left').length, 0);
    for (const x of [h, back]) await x.s.close();
});

test('a room lasts while it is used, and six hours longer', async () => {
    const { room, h, g } = await pair(), key = `${cluster.id}:video:room:${room}`, left = () => Number(redis('pttl', key));
    redis('pexpire', key, '60000');
    await until('it is renewed', () => left() > 5.9 * 3600e3);
    for (const s of [h.s, g.s]) s.ws.terminate();
    await until('both are gone', async () => (await one.post(`/api/v1/video/rooms/${room}/check`, host.token, {})).status === 404);
    assert.equal(left(), -2);
    const unused = await open();
    assert.ok(Math.abs(Number(redis('pttl', `${cluster.id}:video:room:${unused.room}`)) - 6 * 3600e3) < 60e3);
});

test('Redis forgets the rooms: who was in one is told', async () => {
    const { room, h, g } = await pair();
    redis('del', `${cluster.id}:video:room:${room}`);
    for (const s of [h.s, g.s]) assert.deepEqual((await s.event('video.closed')).data, { room, reason: 'gone' });
    for (const s of [h.s, g.s]) await s.close();
});

test('after a time without Redis everybody gets the time to keep a place', async () => {
    const { room, h, g } = await pair();
    h.s.ws.terminate();
    await g.s.event('video.peer-away');
    const now = Date.now(); // as if no node had reached Redis for a minute
    redis('eval', "redis.call('hset', KEYS[1], 'at', ARGV[1]) return redis.call('zadd', KEYS[2], ARGV[2], ARGV[3])", '2',
        `${cluster.id}:video:kept`, `${cluster.id}:video:seats`, String(now - 60000), String(now - 50000), `${room}:${host.id}`);
    await sleep(GRACE_MS - 800);
    assert.equal((await enter(one, host, room)).peer, h.peer);
    assert.equal(g.s.events.filter(e => ['video.peer-left', 'video.closed'].includes(e.ev)).length, 0);
    await g.s.close();
});

test('sockets that go at any moment of joining leave nothing behind', async () => {
    const node = await cluster.node(settings), r = await open();
    for (let i = 0; i < 60; i++) {
        const s = await Socket.open(node, host);
        s.ws.send(JSON.stringify({ op: 'video.join', id: 1, in: { room: r.room, page: `p${i}` } }));
        for (const until = performance.now() + (i % 20) * 0.25; performance.now() < until;);
        s.ws.terminate();
        await s.closed;
    }
    await sleep(300);
    await node.stop();
    node.killed = true;
    assert.equal(node.exit.code, 0);
});
