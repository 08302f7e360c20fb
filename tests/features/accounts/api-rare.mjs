// The problems of accounts that no story leads to.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Cluster, promote, signUp, uniqueName } from '../../lib/daemon.mjs';

let cluster, node;
before(async () => { cluster = await new Cluster().start(); node = await cluster.node(); });
after(() => cluster.stop());
const code = r => r.body?.code;

test('onboarding of an account without birth date or consents', async () => {
    const a = await signUp(node), p = await signUp(node, { onboard: false }), body = { nickname: uniqueName(), region: 'busan' };
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

test('nobody to be let in again', async () => {
    const boss = await promote(cluster, await signUp(node));
    assert.equal(code(await node.call('DELETE', '/api/v1/accounts/987654/suspension', { token: boss.token })), 'account.not-found');
});
