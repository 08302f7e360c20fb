// Friends, blocks, reports, presence, direct messages; live over sockets, on one node and on two.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { at, befriend, Cluster, promote, room, signUp, sleep, until } from '../../lib/daemon.mjs';
import { crowd } from '../../lib/people.mjs';

let cluster, one, two;
before(async () => { cluster = await new Cluster().start(); one = await cluster.node({ MADANG_SOCIAL_OFFLINE_MS: '500' }); two = await cluster.node({ MADANG_SOCIAL_OFFLINE_MS: '500' }); });
after(() => cluster.stop());
const on = (person, node) => ({ ...person, node });
const cid = () => Math.random().toString(36).slice(2).padEnd(12, '0');

// People that exist for others' sake.
const idsOf = async n => (await crowd(cluster, n)).map(p => p.id);
const ask = (requester, others, state = 'requested') => cluster.sql('insert into friendships (low, high, state, requester) select least($1::bigint, o), greatest($1::bigint, o), $3, $1 from unnest($2::bigint[]) o', [requester, others, state]);

test('a request, its acceptance and an end, live on both sides and both nodes', async () => {
    const a = await signUp(one), b = on(await signUp(one), two);
    const sa = await one.socket(a), sb = await two.socket(b);
    assert.deepEqual(await one.ok('POST', '/api/v1/friends/requests', a.token, { account: b.id }), { state: 'sent' });
    const asked = await sb.event('friend.requested', e => e.data.other.account === a.id && !e.data.mine);
    assert.equal(asked.data.other.nickname, a.name);
    assert.equal((await one.post('/api/v1/friends/requests', a.token, { account: b.id })).body.code, 'friend.requested-already');
    assert.equal((await two.ok('GET', '/api/v1/friends/received', b.token)).people[0].account, a.id);
    assert.equal((await one.ok('GET', '/api/v1/friends/sent', a.token)).people[0].account, b.id);
    assert.equal((await two.ok('GET', `/api/v1/people/${a.id}`, b.token)).relation, 'received');
    await sb.ok('friends.accept', { account: a.id });
    await sa.event('friend.accepted', e => e.data.other.account === b.id);
    await sb.event('friend.accepted', e => e.data.mine);
    await sa.event('presence.changed', e => e.data.changes.some(c => c.account === b.id && c.online));
    assert.equal((await one.ok('GET', '/api/v1/friends', a.token)).people[0].online, true);
    assert.deepEqual((await two.ok('GET', '/api/v1/presence', b.token)).online, [a.id]);
    await one.ok('DELETE', `/api/v1/friends/${b.id}`, a.token);
    await sb.event('friend.removed');
    assert.equal((await one.call('DELETE', `/api/v1/friends/${b.id}`, { token: a.token })).body.code, 'friend.not-found');
});

test('crossing requests make a friendship; rejecting and taking back', async () => {
    const a = await signUp(one), b = await signUp(one), c = await signUp(one);
    await one.ok('POST', '/api/v1/friends/requests', a.token, { account: b.id });
    assert.deepEqual(await one.ok('POST', '/api/v1/friends/requests', b.token, { account: a.id }), { state: 'friend' });
    assert.equal((await one.post('/api/v1/friends/requests', b.token, { account: a.id })).body.code, 'friend.already');
    assert.equal((await one.post('/api/v1/friends/requests', a.token, { account: a.id })).body.code, 'friend.self');
    assert.equal((await one.post('/api/v1/friends/requests', a.token, { account: 987654 })).body.code, 'account.not-found');
    await one.ok('POST', '/api/v1/friends/requests', a.token, { account: c.id });
    assert.equal((await one.post(`/api/v1/friends/requests/${c.id}/accept`, a.token)).body.code, 'friend.request-not-found', 'only the addressee accepts');
    assert.equal((await one.call('DELETE', `/api/v1/friends/requests/${a.id}`, { token: c.token })).body.code, 'friend.request-not-found', 'only the sender takes back');
    await one.ok('POST', `/api/v1/friends/requests/${a.id}/reject`, c.token);
    await one.ok('POST', '/api/v1/friends/requests', a.token, { account: c.id });
    await one.ok('DELETE', `/api/v1/friends/requests/${c.id}`, a.token);
    const both = await Promise.all([one.post('/api/v1/friends/requests', a.token, { account: c.id }), one.post('/api/v1/friends/requests', c.token, { account: a.id })]);
    assert.ok(both.every(r => r.status === 200), JSON.stringify(both.map(r => r.body)));
    assert.equal((await one.ok('GET', `/api/v1/people/${a.id}`, c.token)).relation, 'friend');
});

test('a block ends everything between two people', async () => {
    const a = await signUp(one), b = await signUp(one);
    await befriend(a, b);
    const r = await room(a, b);
    await one.ok('POST', `/api/v1/rooms/${r}/messages`, b.token, { client_id: cid(), body: 'hello' });
    await one.ok('POST', '/api/v1/blocks', a.token, { account: b.id });
    assert.equal((await one.post(`/api/v1/rooms/${r}/messages`, b.token, { client_id: cid(), body: 'again' })).body.code, 'blocked');
    assert.equal((await one.post('/api/v1/rooms', b.token, { account: a.id })).body.code, 'blocked');
    assert.equal((await one.post('/api/v1/friends/requests', b.token, { account: a.id })).body.code, 'blocked');
    assert.ok(!(await one.ok('GET', `/api/v1/people?nickname=${a.name}`, b.token)).people.length);
    assert.ok(!(await one.ok('GET', `/api/v1/people?nickname=${b.name}`, a.token)).people.length);
    assert.equal((await one.get(`/api/v1/people/${a.id}`, b.token)).status, 404);
    assert.equal((await one.ok('GET', '/api/v1/blocks', a.token)).people[0].account, b.id);
    await one.ok('DELETE', `/api/v1/blocks/${b.id}`, a.token);
    assert.equal((await one.call('DELETE', `/api/v1/blocks/${b.id}`, { token: a.token })).body.code, 'block.not-found');
    assert.equal((await one.post(`/api/v1/rooms/${r}/messages`, b.token, { client_id: cid(), body: 'again' })).body.code, 'room.closed', 'still no friends');
    assert.equal((await one.post('/api/v1/blocks', a.token, { account: 987654 })).body.code, 'account.not-found');
});

test('messages: numbered, idempotent, both ways, read, typing, deleted', async () => {
    const a = await signUp(one), b = on(await signUp(one), two);
    await befriend(a, b);
    const sb = await two.socket(b), r = await room(a, b), sa = await one.socket(a);
    await sb.event('dm.opened', e => e.data.room === r);
    const id = cid();
    const m = await sa.ok('dm.send', { room: r, client_id: id, body: '안녕 <b>' });
    assert.equal(m.seq, 1);
    const again = await sa.ok('dm.send', { room: r, client_id: id, body: '안녕 <b>' });
    assert.deepEqual(again, m, 'a retry yields the same message');
    const seen = await sb.event('dm.message', e => e.on === `room:${r}` && e.seq === 1);
    assert.equal(seen.data.body, '안녕 <b>');
    await sa.event('dm.message', e => e.seq === 1);
    let inbox = await two.ok('GET', '/api/v1/rooms', b.token);
    assert.equal(inbox.rooms[0].unread, 1);
    assert.equal(inbox.rooms[0].last.body, '안녕 <b>');
    await sb.ok('dm.read', { room: r, seq: 1 });
    await sa.event('dm.read', e => e.data.account === b.id && e.data.upto === 1 && e.seq === 2);
    inbox = await two.ok('GET', '/api/v1/rooms', b.token);
    assert.equal(inbox.rooms[0].unread, 0);
    await sb.ok('dm.typing', { room: r });
    await sa.event('dm.typing', e => e.data.account === b.id && e.seq === undefined);
    assert.equal((await sb.call('dm.delete', { room: r, seq: 1 })).problem.code, 'message.not-found', 'not one of mine');
    await sa.ok('dm.delete', { room: r, seq: 1 });
    await sb.event('dm.deleted', e => e.data.message === 1 && e.seq === 3);
    const h = await two.ok('GET', `/api/v1/rooms/${r}/messages`, b.token);
    assert.deepEqual([h.messages[0].deleted, h.messages[0].body], [true, '']);
    const missed = await two.ok('GET', `/api/v1/rooms/${r}/events?since=0`, b.token);
    assert.deepEqual(missed.events.map(e => [e.seq, e.ev]), [[1, 'dm.message'], [2, 'dm.read'], [3, 'dm.deleted']]);
    assert.equal((await sa.call('dm.send', { room: r, client_id: cid(), body: '' })).problem.code, 'message.empty');
});

test('history pages in both directions', async () => {
    const a = await signUp(one), b = await signUp(one);
    await befriend(a, b);
    const r = await room(a, b), s = await one.socket(a);
    for (let i = 1; i <= 45; i++) await s.ok('dm.send', { room: r, client_id: `message-${i}`, body: `m${i}` });
    const p1 = await one.ok('GET', `/api/v1/rooms/${r}/messages`, b.token);
    assert.deepEqual([p1.messages.length, p1.messages[0].body, p1.more], [30, 'm45', true]);
    const p2 = await one.ok('GET', `/api/v1/rooms/${r}/messages?before=${p1.messages.at(-1).seq}`, b.token);
    assert.deepEqual([p2.messages.length, p2.messages.at(-1).body, p2.more], [15, 'm1', false]);
    const up = await one.ok('GET', `/api/v1/rooms/${r}/messages?after=40`, b.token);
    assert.deepEqual(up.messages.map(m => m.body), ['m41', 'm42', 'm43', 'm44', 'm45']);
});

test("other people's rooms stay closed", async () => {
    const a = await signUp(one), b = await signUp(one), c = await signUp(one);
    await befriend(a, b);
    const r = await room(a, b), s = await one.socket(c);
    assert.equal((await one.get(`/api/v1/rooms/${r}`, c.token)).body.code, 'room.not-found');
    assert.equal((await one.get(`/api/v1/rooms/${r}/messages`, c.token)).body.code, 'room.not-found');
    assert.equal((await one.get(`/api/v1/rooms/${r}/events?since=0`, c.token)).body.code, 'room.not-found');
    for (const [op, input] of [['dm.send', { room: r, client_id: cid(), body: 'x' }], ['dm.typing', { room: r }]])
        assert.equal((await s.call(op, input)).problem.code, 'room.not-member');
    assert.equal((await s.call('dm.read', { room: r, seq: 1 })).problem.code, 'room.not-found');
    assert.equal((await s.call('topic.sync', { topic: `room:${r}`, since: 0 })).problem.code, 'auth.forbidden');
    assert.equal((await one.post('/api/v1/rooms', c.token, { account: a.id })).body.code, 'room.closed');
});

test('a socket that was away gets what it missed, in order, on any node; too much means resync', async () => {
    const a = await signUp(one), b = await signUp(one);
    await befriend(a, b);
    const r = await room(a, b), s = await one.socket(a);
    await s.ok('dm.send', { room: r, client_id: 'missed-00', body: '0' });
    const sb = await one.socket(b), heads = sb.opened.heads;
    await sb.close();
    for (let i = 1; i <= 20; i++) await s.ok('dm.send', { room: r, client_id: `missed-${i}x`, body: String(i) });
    const sync = await s.ok('topic.sync', { topic: `room:${r}`, since: 18 });
    assert.deepEqual(sync.events.map(e => e.seq), [19, 20, 21]);
    const back = await two.socket(on(b, two), { seen: { [`room:${r}`]: heads[`room:${r}`] } });
    assert.equal(back.opened.heads[`room:${r}`], 21);
    await until('twenty events', () => back.events.filter(e => e.ev === 'dm.message').length === 20);
    assert.deepEqual(back.events.filter(e => e.ev === 'dm.message').map(e => e.seq), Array.from({ length: 20 }, (_, i) => i + 2));
    await cluster.sql('delete from topic_log where topic = $1 and seq < 10', [`room:${r}`]);
    const late = await two.socket(on(b, two), { seen: { [`room:${r}`]: 1 } });
    await late.event('resync', e => e.on === `room:${r}`);
});

test('presence: on with the first socket, off after the last and its grace, snapshot at opening', async () => {
    const a = await signUp(one), b = on(await signUp(one), two);
    await befriend(a, b);
    const sa = await one.socket(a);
    const b1 = await two.socket(b), b2 = await one.socket(b);
    await sa.event('presence.changed', e => e.data.changes.some(c => c.account === b.id && c.online));
    const from = sa.events.length; // before it, that they became friends may have told that b was not here yet
    const snap = await b1.event('presence.snapshot');
    assert.deepEqual(snap.data.online, [a.id]);
    await until('both nodes to have said so', () => { // a name of a node has its start behind it
        const said = String(execFileSync('redis-cli', ['-s', `${at}/redis.sock`, 'zrange', `${cluster.id}:presence`, '0', '-1']));
        return [one, two].every(n => said.includes(`${b.id}:${n.name}.`));
    });
    await b1.close();
    await sleep(1500);
    const gone = e => e.ev === 'presence.changed' && e.data.changes.some(c => c.account === b.id && !c.online);
    assert.ok(!sa.events.slice(from).some(gone), 'one socket is left');
    await b2.close();
    await until('b to be gone', () => sa.events.slice(from).some(gone));
    assert.deepEqual((await one.ok('GET', '/api/v1/presence', a.token)).online, []);
});

test('a room is announced once, when it is made', async () => {
    const a = await signUp(one), b = await signUp(one);
    await befriend(a, b);
    const s = await one.socket(b), first = await room(a, b), head = (await one.socket(b)).opened.heads[`account:${b.id}`];
    await s.event('dm.opened', e => e.data.room === first);
    for (const p of [a, b, a]) assert.equal(await room(p, p === a ? b : a), first);
    const again = await one.socket(b);
    assert.equal(again.opened.heads[`account:${b.id}`], head);
    assert.equal(s.events.filter(e => e.ev === 'dm.opened').length, 1);
});

// Rooms with as many people, all last used at the same moment.
async function roomsOf(p, others, at) {
    await ask(p.id, others, 'friends');
    await cluster.sql('insert into dm_rooms (low, high, last_at) select least($1::bigint, o), greatest($1::bigint, o), $3 from unnest($2::bigint[]) o', [p.id, others, at]);
}

test('rooms of the same moment come in pages without a gap or a repetition', async () => {
    const p = await signUp(one), others = await idsOf(7), seen = [];
    await roomsOf(p, others.slice(0, 5), '2026-01-02T03:04:05.678901Z');
    await roomsOf(p, others.slice(5), '2026-01-02T03:04:05.678123Z'); // the same millisecond
    for (let next; ;) {
        const page = await one.ok('GET', `/api/v1/rooms?limit=2${next ? `&before=${encodeURIComponent(next)}` : ''}`, p.token);
        seen.push(...page.rooms.map(r => r.other.account));
        if (!(next = page.next)) break;
    }
    assert.equal(seen.length, 7);
    assert.deepEqual([...seen].sort((x, y) => x - y), others);
    assert.ok(others.slice(5).every(o => seen.indexOf(o) >= 5), 'the older ones come last');
    for (const bad of ['x', '2026-01-02T03:04:05.678Z', '1-', '-1-1', '99999999999999999-1']) assert.equal((await one.get(`/api/v1/rooms?before=${encodeURIComponent(bad)}`, p.token)).status, 422, bad);
});

test('a message in a room beyond the latest two hundred is seen at once, on any node', async () => {
    const a = await signUp(one), b = on(await signUp(one), two), others = await idsOf(205);
    await befriend(a, on(b, one));
    const r = await room(a, on(b, one));
    await cluster.sql("update dm_rooms set last_at = '2020-01-01' where id = $1", [r]);
    await roomsOf(b, others, new Date());
    const sb = await two.socket(b), here = await one.socket(on(b, one)), sa = await one.socket(a);
    assert.equal(sb.opened.heads[`room:${r}`], undefined, 'it is not joined');
    await sa.ok('dm.send', { room: r, client_id: cid(), body: 'after all these years' });
    await here.event('dm.message', e => e.data.room === r);
    // The other node may hear of the room later than of the message: then it says so, and the room is read.
    await until('the message or a resync', () => sb.events.some(e => e.on === `room:${r}` && ['dm.message', 'resync'].includes(e.ev)));
    await sa.ok('dm.send', { room: r, client_id: cid(), body: 'and again' });
    for (const s of [here, sb]) await s.event('dm.message', e => e.data.body === 'and again');
});

// Nobody can read who is whose friend while this runs.
async function friendsUnknown(what) {
    const held = new pg.Client({ host: at, user: 'madang', database: cluster.database });
    await held.connect();
    await held.query('begin');
    await held.query('lock table friendships in access exclusive mode');
    try { await what(); } finally { await held.query('rollback'); await held.end(); }
}
const gaveUp = node => { const from = node.log.length; return () => until('a telling that failed', () => /presence: (account \d+|sweep): |presence.*(deadline|unavailable)/.test(node.log.slice(from))); };
const seenAs = (s, id, online) => s.events.filter(e => e.ev === 'presence.changed').flatMap(e => e.data.changes).filter(c => c.account === id).at(-1)?.online === online;

test('who came while the database could not tell the friends is told to them later', async () => {
    const a = await signUp(one), b = await signUp(one);
    await befriend(a, b);
    const sa = await one.socket(a), failed = gaveUp(one);
    await until('a to be seen', async () => (await one.ok('GET', '/api/v1/presence', b.token)).online.includes(a.id));
    let sb;
    await friendsUnknown(async () => { sb = await one.socket(b); await failed(); });
    await until('b to be told as online', () => seenAs(sa, b.id, true), 30000);
    const left = gaveUp(one);
    await friendsUnknown(async () => { await sb.close(); await left(); });
    await until('b to be told as offline', () => seenAs(sa, b.id, false), 30000);
});

test('accounts of a node that died are not forgotten by a sweep that fails', async () => {
    const a = await signUp(one), b = on(await signUp(one), await cluster.node());
    await befriend(on(a, one), on(b, one));
    const sa = await one.socket(a);
    await b.node.socket(b);
    await until('b to be told as online', () => seenAs(sa, b.id, true));
    await b.node.kill();
    const failed = [gaveUp(one), gaveUp(two)], redis = (...args) => execFileSync('redis-cli', ['-s', `${at}/redis.sock`, ...args]);
    await friendsUnknown(async () => { // the lease of 45 s is over
        for (const m of String(redis('zrange', `${cluster.id}:presence`, '0', '-1')).split('\n').filter(m => m.startsWith(`${b.id}:${b.node.name}.`))) redis('zrem', `${cluster.id}:presence`, m);
        redis('zadd', `${cluster.id}:presence:latest`, '1', String(b.id));
        await Promise.any(failed.map(f => f()));
    });
    await until('b to be told as offline', () => seenAs(sa, b.id, false), 30000);
    assert.equal(String(redis('zscore', `${cluster.id}:presence:untold`, String(b.id))).trim(), '', 'and is told once');
});

test('reports: with evidence, one open for each pair, decided by managers', async () => {
    const boss = await promote(cluster, await signUp(one)), a = await signUp(one), b = await signUp(one), c = await signUp(one);
    await befriend(a, b);
    const r = await room(a, b);
    const m = await one.ok('POST', `/api/v1/rooms/${r}/messages`, b.token, { client_id: cid(), body: 'rude words' });
    const mine = await one.ok('POST', `/api/v1/rooms/${r}/messages`, a.token, { client_id: cid(), body: 'mine' });
    const report = (token, body) => one.post('/api/v1/reports', token, body);
    assert.equal((await report(a.token, { account: b.id, reason: 'r', messages: [{ room: r, seq: mine.seq }] })).body.code, 'report.message');
    assert.equal((await report(c.token, { account: b.id, reason: 'r', messages: [{ room: r, seq: m.seq }] })).body.code, 'report.message');
    assert.equal((await report(a.token, { account: a.id, reason: 'r' })).body.code, 'friend.self');
    assert.equal((await report(a.token, { account: 987654, reason: 'r' })).body.code, 'account.not-found');
    const made = await report(a.token, { account: b.id, reason: '욕설', messages: [{ room: r, seq: m.seq }] });
    assert.equal(made.status, 201);
    assert.equal((await report(a.token, { account: b.id, reason: 'again' })).body.code, 'report.open');
    await one.ok('DELETE', `/api/v1/rooms/${r}/messages/${m.seq}`, b.token);
    assert.equal((await one.get('/api/v1/reports', a.token)).status, 403);
    const list = await one.ok('GET', '/api/v1/reports?state=open', boss.token);
    assert.equal(list.reports[0].evidence[0].body, 'rude words', 'a deleted message stays as evidence');
    const sb = await one.socket(b);
    const until = new Date(Date.now() + 86400e3).toISOString();
    assert.equal((await one.post(`/api/v1/reports/${made.body.report}/accept`, boss.token, { until, note: 'seen' })).status, 204);
    assert.equal(await sb.closed, 4403);
    assert.equal((await one.post(`/api/v1/reports/${made.body.report}/dismiss`, boss.token, {})).body.code, 'report.closed');
    assert.equal((await one.post('/api/v1/reports/98765/accept', boss.token, { until })).body.code, 'report.not-found');
    const second = await report(c.token, { account: a.id, reason: 'x' });
    assert.equal((await one.post(`/api/v1/reports/${second.body.report}/dismiss`, boss.token, {})).status, 204);
});

test('who has asked too many people waits for an answer; who is asked may always answer', async () => {
    const strict = await cluster.node({ MADANG_SOCIAL_REQUESTS_MAX: '2' }), p = await signUp(strict), others = await idsOf(3), other = await signUp(strict);
    const request = account => strict.post('/api/v1/friends/requests', p.token, { account });
    for (const id of others.slice(0, 2)) assert.equal((await request(id)).status, 200);
    assert.equal((await request(others[2])).body.code, 'friend.requests');
    await ask(other.id, [p.id]);
    assert.deepEqual((await request(other.id)).body, { state: 'friend' });
    await strict.ok('DELETE', `/api/v1/friends/requests/${others[0]}`, p.token);
    assert.equal((await request(others[2])).status, 200);
});

test('a person with six thousand unanswered requests and a thousand friends leaves, and the node stands', async () => {
    const p = await signUp(one), friend = await signUp(one), far = await signUp(one), others = await idsOf(6999);
    await ask(p.id, others.slice(0, 3000));
    await cluster.sql("insert into friendships (low, high, state, requester) select least($1::bigint, o), greatest($1::bigint, o), 'requested', o from unnest($2::bigint[]) o", [p.id, others.slice(3000, 6000)]);
    await ask(p.id, [...others.slice(6000), friend.id, far.id], 'friends');
    const s = await one.socket(friend);
    assert.equal((await one.post('/api/v1/me/leave', p.token, { password: p.password })).status, 204);
    await s.event('friend.removed', e => e.data.other.account === p.id && e.data.other.departed, 30000);
    await until('everything between them to be gone', async () => !(await cluster.sql('select 1 from friendships where $1 in (low, high) limit 1', [p.id])).length, 60000);
    const told = await cluster.sql("select count(*) as n from topic_log where ev = 'friend.removed' and data->'other'->>'account' = $1", [String(p.id)]);
    assert.equal(Number(told[0].n), 7001, 'each is told once');
    assert.equal((await one.get('/api/v1/me', friend.token)).status, 200);
});

test('leaving: messages remain as from a departed member', async () => {
    const a = await signUp(one), b = await signUp(one);
    await befriend(a, b);
    const r = await room(a, b);
    await one.ok('POST', `/api/v1/rooms/${r}/messages`, a.token, { client_id: cid(), body: 'bye' });
    await one.ok('POST', '/api/v1/me/leave', a.token, { password: a.password });
    const mine = await one.ok('GET', `/api/v1/rooms/${r}`, b.token);
    assert.deepEqual([mine.other.departed, mine.other.nickname, mine.open], [true, null, false]);
    assert.equal((await one.ok('GET', `/api/v1/rooms/${r}/messages`, b.token)).messages[0].body, 'bye');
    assert.equal((await one.ok('GET', '/api/v1/friends', b.token)).people.length, 0);
});
