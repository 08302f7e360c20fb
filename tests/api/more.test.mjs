// The problems that no story leads to, each produced by the calls that declare it.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { befriend, Cluster, promote, room, signUp, uniqueName } from '../lib/daemon.mjs';

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
    assert.equal(code(await node.call('DELETE', '/api/v1/accounts/987654/suspension', { token: boss.token })), 'account.not-found');
    assert.equal(code(await node.post('/api/v1/reports/987654/dismiss', boss.token, {})), 'report.not-found');
    assert.equal(code(await node.call('PUT', '/api/v1/notices/987654', { token: boss.token, body: { title: 't', body: 'b' } })), 'notice.not-found');
    assert.equal(code(await node.call('DELETE', '/api/v1/notices/987654', { token: boss.token })), 'notice.not-found');
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

test('onboarding of an account without birth date or consents', async () => {
    const p = await signUp(node, { onboard: false }), body = { nickname: uniqueName(), region: 'busan' };
    assert.equal(code(await node.post('/api/v1/me/onboarding', p.token, { ...body, nickname: a.name })), 'nickname.taken');
    await cluster.sql('update accounts set birth_date = null where id = $1', [p.id]);
    assert.equal(code(await node.post('/api/v1/me/onboarding', p.token, body)), 'request.fields');
    assert.equal(code(await node.post('/api/v1/me/onboarding', p.token, { ...body, birth_date: '1990-01-01' })), 'consent.required');
    const consents = { terms: '1', privacy: '1' };
    assert.equal(code(await node.post('/api/v1/me/onboarding', p.token, { ...body, birth_date: '2020-01-01', consents })), 'account.under-age');
    assert.equal((await node.post('/api/v1/me/onboarding', p.token, { ...body, birth_date: '1990-01-01', consents })).status, 200);
});

test('an address taken between code and sign-up; a wrong extra code; a suspended refresh', async () => {
    const email = `${uniqueName()}@example.com`, body = { email, password: 'long enough', birth_date: '1990-01-01', consents: { terms: '1', privacy: '1' } };
    await node.ok('POST', '/api/v1/auth/codes', undefined, { email, purpose: 'signup' });
    const mailed = await cluster.mail(email, /(\d{6})/);
    await cluster.sql("insert into accounts (role, email, locale) values ('newcomer', $1, 'ko')", [email]);
    assert.equal(code(await node.post('/api/v1/auth/signup', undefined, { ...body, code: mailed })), 'email.taken');
    const strict = await cluster.node({ MADANG_LOGIN_FAILURES_PAIR: '100', MADANG_LOGIN_FAILURES_ACCOUNT: '1' }), p = await signUp(strict);
    await strict.post('/api/v1/auth/login', undefined, { email: p.email, password: 'not the password' });
    assert.equal(code(await strict.post('/api/v1/auth/login', undefined, { email: p.email, password: p.password, code: '000000' })), 'code.wrong');
    await cluster.sql("update accounts set suspended_until = now() + interval '1 hour' where id = $1", [p.id]);
    assert.equal(code(await strict.call('POST', '/api/v1/auth/refresh', { headers: { cookie: p.cookie, origin: strict.base } })), 'account.suspended');
});

test('a report about somebody who cannot be suspended', async () => {
    const admin = await promote(cluster, await signUp(node), 'admin');
    const { report } = (await node.post('/api/v1/reports', a.token, { account: admin.id, reason: 'x' })).body;
    assert.equal(code(await node.post(`/api/v1/reports/${report}/accept`, boss.token, { until: new Date(Date.now() + 1e6).toISOString() })), 'account.not-found');
    await node.ok('POST', `/api/v1/reports/${report}/dismiss`, boss.token, {});
    assert.equal(code(await node.post(`/api/v1/reports/${report}/accept`, boss.token, { until: new Date(Date.now() + 1e6).toISOString() })), 'report.closed');
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
