// The problems that no story leads to, each produced by the calls that declare it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { befriend, Cluster, promote, room, signUp } from '../../lib/daemon.mjs';

let cluster, node, a, b, boss;
before(async () => {
    cluster = await new Cluster().start();
    node = await cluster.node({ MADANG_SOCIAL_FRIENDS_MAX: '1' });
    [a, b] = [await signUp(node), await signUp(node)];
    boss = await promote(cluster, await signUp(node));
});
after(() => cluster.stop());
const code = r => r.body?.code ?? r.problem?.code;

test('to oneself, and to nobody', async () => {
    for (const [method, url, body] of [['POST', `/api/v1/friends/requests/${a.id}/accept`], ['POST', `/api/v1/friends/requests/${a.id}/reject`], ['DELETE', `/api/v1/friends/requests/${a.id}`], ['DELETE', `/api/v1/friends/${a.id}`],
        ['POST', '/api/v1/blocks', { account: a.id }], ['DELETE', `/api/v1/blocks/${a.id}`], ['POST', '/api/v1/rooms', { account: a.id }]]) assert.equal(code(await node.call(method, url, { token: a.token, body })), 'friend.self', url);
    assert.equal(code(await node.post('/api/v1/rooms', a.token, { account: 987654 })), 'account.not-found');
    assert.equal(code(await node.post(`/api/v1/friends/requests/${b.id}/reject`, a.token)), 'friend.request-not-found');
    assert.equal(code(await node.post('/api/v1/reports/987654/dismiss', boss.token, {})), 'report.not-found');
});

test('too many friends, on both ways into a friendship', async () => {
    const c = await signUp(node);
    await node.ok('POST', '/api/v1/friends/requests', c.token, { account: a.id });
    await befriend(a, b);
    assert.equal(code(await node.post('/api/v1/friends/requests', a.token, { account: boss.id })), 'friend.limit');
    assert.equal(code(await node.post(`/api/v1/friends/requests/${c.id}/accept`, a.token)), 'friend.limit');
});

test('a room that closed', async () => {
    const r = await room(a, b), s = await node.socket(a);
    await node.ok('DELETE', `/api/v1/friends/${b.id}`, a.token);
    assert.equal(code(await s.call('dm.typing', { room: r })), 'room.closed');
});

test('a rejected and a cancelled request are told', async () => {
    const s = await node.socket(a);
    await node.ok('POST', '/api/v1/friends/requests', b.token, { account: a.id });
    await node.ok('POST', `/api/v1/friends/requests/${b.id}/reject`, a.token);
    await s.event('friend.rejected');
    await node.ok('POST', '/api/v1/friends/requests', b.token, { account: a.id });
    await node.ok('DELETE', `/api/v1/friends/requests/${a.id}`, b.token);
    await s.event('friend.cancelled');
    await node.ok('PATCH', '/api/v1/me', a.token, { introduction: '바꿨어요' });
    await s.event('me.changed');
    for (const op of ['system.time', 'system.info']) await s.ok(op);
});

test('a report about somebody who cannot be suspended', async () => {
    const admin = await promote(cluster, await signUp(node), 'admin');
    const { report } = (await node.post('/api/v1/reports', a.token, { account: admin.id, reason: 'x' })).body;
    assert.equal(code(await node.post(`/api/v1/reports/${report}/accept`, boss.token, { until: new Date(Date.now() + 1e6).toISOString() })), 'account.not-found');
    await node.ok('POST', `/api/v1/reports/${report}/dismiss`, boss.token, {});
    assert.equal(code(await node.post(`/api/v1/reports/${report}/accept`, boss.token, { until: new Date(Date.now() + 1e6).toISOString() })), 'report.closed');
});
