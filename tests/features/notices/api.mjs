// Notices: told to everybody, on each node; with a key, once.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Cluster, promote, signUp } from '../../lib/daemon.mjs';
import { made, refuses, walk } from '../../lib/pages.mjs';

let cluster, node, two, boss;
before(async () => { cluster = await new Cluster().start(); node = await cluster.node(); two = await cluster.node(); boss = await promote(cluster, await signUp(node)); });
after(() => cluster.stop());
const code = r => r.body?.code;

test('notices reach everybody connected, on both nodes', async () => {
    const a = await signUp(node), s1 = await node.socket(a), s2 = await two.socket({ ...a, node: two });
    assert.equal((await node.post('/api/v1/notices', a.token, { title: 't', body: 'b' })).status, 403);
    const n = (await node.post('/api/v1/notices', boss.token, { title: '점검 안내', body: '내일 새벽' }, { 'idempotency-key': 'notice-1' })).body;
    const again = await node.post('/api/v1/notices', boss.token, { title: '점검 안내', body: '내일 새벽' }, { 'idempotency-key': 'notice-1' });
    assert.deepEqual(again.body, n);
    for (const s of [s1, s2]) assert.equal((await s.event('notice.posted', e => e.data.notice === n.notice)).data.title, '점검 안내');
    await node.ok('PUT', `/api/v1/notices/${n.notice}`, boss.token, { title: '변경', body: '모레' });
    await s2.event('notice.edited', e => e.data.title === '변경');
    assert.equal((await node.ok('GET', `/api/v1/notices/${n.notice}`)).title, '변경');
    assert.equal((await node.ok('GET', '/api/v1/notices')).notices[0].notice, n.notice);
    await node.ok('DELETE', `/api/v1/notices/${n.notice}`, boss.token);
    await s1.event('notice.deleted');
    assert.equal((await node.get(`/api/v1/notices/${n.notice}`)).body.code, 'notice.not-found');
});

test('one that is not there', async () => {
    assert.equal(code(await node.call('PUT', '/api/v1/notices/987654', { token: boss.token, body: { title: 't', body: 'b' } })), 'notice.not-found');
    assert.equal(code(await node.call('DELETE', '/api/v1/notices/987654', { token: boss.token })), 'notice.not-found');
});

test('a twin of a request with the same key is told to wait or replays', async () => {
    const headers = { 'idempotency-key': 'twins-1' }, post = () => node.post('/api/v1/notices', boss.token, { title: 'twins', body: 'b' }, headers);
    const all = await Promise.all(Array.from({ length: 8 }, post));
    const made = all.filter(r => r.status === 201), waiting = all.filter(r => r.status === 409);
    assert.equal(made.length + waiting.length, 8, JSON.stringify(all.map(r => r.body)));
    assert.equal(new Set(made.map(r => r.body.notice)).size, 1);
    assert.equal((await cluster.sql("select count(*)::int as n from notices where title = 'twins'"))[0].n, 1);
});

test('a key over a socket: the repetition is the same request, whatever its id', async () => {
    const s = await node.socket(boss), input = { title: 'by socket', body: 'b' };
    const [one, two] = [await s.ok('notices.post', input, 'socket-1'), await s.ok('notices.post', { body: 'b', title: 'by socket' }, 'socket-1')];
    assert.equal(one.notice, two.notice);
    assert.equal((await s.call('notices.post', { title: 'another', body: 'b' }, 'socket-1')).problem.code, 'idempotency.reused');
});

test('notices of one moment come in pages; one that goes takes no other along', async () => {
    await cluster.sql("insert into notices (title, body, author) select 'page', 'b', $1 from generate_series(1, 7)", [boss.id]);
    const { all, nexts } = await walk(node, undefined, '/api/v1/notices', 'notices', { between: page => node.ok('DELETE', `/api/v1/notices/${page.notices.at(-1).notice}`, boss.token) });
    assert.equal(all.filter(n => n.title === 'page').length, 7);
    assert.equal(new Set(all.map(n => n.notice)).size, all.length);
    assert.ok(nexts.every(Number.isInteger));
    await refuses(node, undefined, '/api/v1/notices', ['x', '0', made('dm.rooms t 1 1')]);
});
