// Lists that come in pages: rows of the same key, rows that go meanwhile, places that are none of the list's.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Cluster, promote, signUp } from '../../lib/daemon.mjs';
import { made, NONSENSE, refuses, walk } from '../../lib/pages.mjs';
import { crowd } from '../../lib/people.mjs';

let cluster, node;
before(async () => { cluster = await new Cluster().start(); node = await cluster.node(); });
after(() => cluster.stop());

const tie = (me, others, state = 'friends', requester = me) => cluster.sql('insert into friendships (low, high, state, requester) select least($1::bigint, o), greatest($1::bigint, o), $3, coalesce($4, o) from unnest($2::bigint[]) o', [me, others, state, requester]);
const accounts = list => list.map(p => p.account);
const sorted = list => [...list].sort((x, y) => x - y);
const LISTS = { '/api/v1/friends': others => [others, 'friends'], '/api/v1/friends/sent': others => [others, 'requested'], '/api/v1/friends/received': others => [others, 'requested', null] };

test('friends, requests and blocks come in pages, by name', async t => {
    for (const [path, how] of Object.entries(LISTS)) await t.test(path, async () => {
        const [me, ...others] = await crowd(cluster, 8), ids = others.map(p => p.id);
        await tie(me.id, ...how(ids));
        const { all, nexts } = await walk(node, me.token, path, 'people', { by: 'after' });
        assert.deepEqual(sorted(accounts(all)), ids);
        assert.deepEqual(all.map(p => p.nickname), all.map(p => p.nickname).sort());
        assert.equal(nexts.length, 3);
        await refuses(node, me.token, path, [...NONSENSE, made(`people.search x 1 ${all[0].nickname}`)], 'after');
    });
    const [me, ...others] = await crowd(cluster, 6);
    for (const p of others) await node.ok('POST', '/api/v1/blocks', me.token, { account: p.id });
    assert.deepEqual(sorted(accounts((await walk(node, me.token, '/api/v1/blocks', 'people', { by: 'after' })).all)), others.map(p => p.id));
});

test('who has gone between two pages takes nobody else along; a bare name is a place, too', async () => {
    const [me, ...others] = await crowd(cluster, 8), ids = others.map(p => p.id);
    await tie(me.id, ids);
    const gone = [], { all } = await walk(node, me.token, '/api/v1/friends', 'people', { by: 'after', between: async page => {
        gone.push(page.people.at(-1).account);
        await cluster.sql('delete from friendships where $1 in (low, high) and $2 in (low, high)', [me.id, page.people.at(-1).account]);
    } });
    assert.equal(gone.length, 3);
    assert.deepEqual(sorted(accounts(all)), ids);
    await cluster.sql('update accounts set left_at = now() where id = $1', [ids.filter(id => !gone.includes(id))[0]]); // whose friendships are taken away a moment later
    const left = (await node.ok('GET', '/api/v1/friends', me.token)).people;
    assert.equal(left.length, 3);
    assert.deepEqual(accounts((await node.ok('GET', `/api/v1/friends?after=${left[1].nickname.toUpperCase()}`, me.token)).people), accounts(left.slice(2)));
});

test('people of the same name, if there ever were such, are all there, and once', async () => {
    const [me, ...others] = await crowd(cluster, 8), ids = others.map(p => p.id);
    await tie(me.id, ids);
    await cluster.sql('drop index accounts_nickname_key');
    try {
        await cluster.sql("update accounts set nickname = case when id % 2 = 0 then 'Samename' else 'samename' end where id = any($1)", [ids]);
        const { all } = await walk(node, me.token, '/api/v1/friends', 'people', { by: 'after' });
        assert.deepEqual(accounts(all), ids);
        assert.deepEqual(accounts((await walk(node, me.token, '/api/v1/people?nickname=samen', 'people', { by: 'after' })).all), ids);
    } finally {
        await cluster.sql("update accounts set nickname = 'was' || id where id = any($1)", [ids]);
        await cluster.sql('create unique index accounts_nickname_key on accounts (lower(nickname))');
    }
});

test('people who are looked for come in pages', async () => {
    const [me, ...others] = await crowd(cluster, 6);
    await cluster.sql("update accounts set nickname = 'found' || id where id = any($1)", [others.map(p => p.id)]);
    const { all, nexts } = await walk(node, me.token, '/api/v1/people?nickname=Found', 'people', { by: 'after' });
    assert.deepEqual(sorted(accounts(all)), others.map(p => p.id));
    await refuses(node, me.token, '/api/v1/people?nickname=found', [...NONSENSE, made('friends.list x 1 found1')], 'after');
    assert.equal(nexts.length, 2);
});

test('rooms: a place of another list is none, one of the version before is', async () => {
    const [me, ...others] = await crowd(cluster, 6), ids = others.map(p => p.id);
    await cluster.sql("insert into dm_rooms (low, high, last_at) select least($1::bigint, o), greatest($1::bigint, o), '2026-01-02T03:04:05.678901Z' from unnest($2::bigint[]) o", [me.id, ids]);
    const { all, nexts } = await walk(node, me.token, '/api/v1/rooms', 'rooms');
    assert.deepEqual(sorted(all.map(r => r.other.account)), ids);
    await refuses(node, me.token, '/api/v1/rooms', [...NONSENSE, made('tarot.list t 1 1767323045678901'), made('dm.rooms t 1 9223372036854775807'), made('dm.rooms n 1 1'), made('dm.rooms t 1 x')]);
    assert.match(nexts[0], /^c\./);
    const old = await node.ok('GET', `/api/v1/rooms?before=1767323045678901-${all[1].room}`, me.token);
    assert.deepEqual(old.rooms.map(r => r.room), all.slice(2).map(r => r.room));
});

test('a history says where it goes on, in both directions', async () => {
    const a = await signUp(node), b = await signUp(node);
    await tie(a.id, [b.id]);
    const { room } = await node.ok('POST', '/api/v1/rooms', a.token, { account: b.id });
    for (let i = 0; i < 7; i++) await node.ok('POST', `/api/v1/rooms/${room}/messages`, a.token, { client_id: `message-${i}`, body: String(i) });
    const down = await walk(node, b.token, `/api/v1/rooms/${room}/messages`, 'messages', { between: (page, n) => n === 1 && node.ok('DELETE', `/api/v1/rooms/${room}/messages/${page.next}`, a.token) });
    const up = await walk(node, b.token, `/api/v1/rooms/${room}/messages?after=0`, 'messages', { by: 'x' }).catch(() => null);
    assert.equal(up, null, 'no other parameter is taken');
    assert.deepEqual(down.all.map(m => m.seq), [7, 6, 5, 4, 3, 2, 1].map(n => n + down.all.at(-1).seq - 1));
    const first = await node.ok('GET', `/api/v1/rooms/${room}/messages?after=0&limit=4`, b.token);
    const second = await node.ok('GET', `/api/v1/rooms/${room}/messages?after=${first.next}&limit=4`, b.token);
    assert.deepEqual([...first.messages, ...second.messages].map(m => m.seq), down.all.map(m => m.seq).reverse());
    assert.deepEqual([first.more, second.more, second.next], [true, false, undefined]);
});

test('reports of several states in one list, in pages', async () => {
    const boss = await promote(cluster, await signUp(node)), people = await crowd(cluster, 9), states = ['open', 'accepted', 'dismissed'];
    await cluster.sql('insert into reports (reporter, reported, reason, evidence) select $1, o, $3, $4 from unnest($2::bigint[]) o', [boss.id, people.map(p => p.id), 'r', '[]']);
    for (const [i, state] of ['accepted', 'dismissed'].entries())
        await cluster.sql('update reports set state = $1, decided_by = $2, decided_at = now() where reported = any($3)', [state, boss.id, people.slice(3 * i, 3 * i + 3).map(p => p.id)]);
    const of = async query => (await walk(node, boss.token, `/api/v1/reports${query}`, 'reports')).all.map(r => r.state).sort();
    const three = list => list.flatMap(s => [s, s, s]).sort();
    assert.deepEqual(await of('?states=accepted,dismissed'), three(['accepted', 'dismissed']));
    assert.deepEqual(await of('?state=open'), three(['open']));
    assert.deepEqual(await of('?state=open&states=accepted'), three(['open', 'accepted']));
    for (const all of ['', '?states=']) assert.deepEqual(await of(all), three(states));
    const bad = async query => { const r = await node.get(`/api/v1/reports?${query}`, boss.token); return [r.status, ...r.body.errors.map(e => e.pointer)]; };
    assert.deepEqual(await bad('states=open,shut,accepted,'), [422, '/states']);
    assert.deepEqual(await bad('states=open,shut,'), [422, '/states/1', '/states/2']);
    assert.deepEqual(await bad('states=open%2Caccepted'), [422, '/states/0'], 'an escaped comma belongs to its item');
    assert.deepEqual(await bad('states=open&states=accepted'), [422, '/states'], 'not twice');
    await refuses(node, boss.token, '/api/v1/reports', ['x', made('dm.rooms t 1 1'), '0', '-1']);
    const s = await node.socket(boss);
    assert.equal((await s.ok('reports.list', { states: ['accepted', 'open'] })).reports.length, 6);
    await s.close();
});
