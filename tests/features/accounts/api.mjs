// Accounts: sign-up, login, sessions, profile, points, leaving.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Cluster, kase, signUp, sleep, uniqueName, until, promote } from '../../lib/daemon.mjs';

let cluster, node;
// Passwords take their time where the cores are busy: no call is given up for that here.
before(async () => { cluster = await new Cluster().start(); node = await cluster.node(); });
after(() => cluster.stop());

const consents = { terms: '1', privacy: '1' };
const refresh = (cookie, origin = node.base) => node.call('POST', '/api/v1/auth/refresh', { headers: { cookie, origin } });

test('a newcomer signs up with the mailed code and becomes a member with 1000 points', async () => {
    const p = await signUp(node, { onboard: false });
    let me = await node.ok('GET', '/api/v1/me', p.token);
    assert.equal(me.role, 'newcomer');
    assert.equal((await node.get('/api/v1/friends', p.token)).body.code, 'account.onboarding');
    const bad = await node.post('/api/v1/me/onboarding', p.token, { nickname: 'a b', region: 'mars', gender: 'female' });
    assert.equal(bad.status, 422);
    assert.deepEqual(bad.body.errors.map(e => e.pointer).sort(), ['/nickname', '/region']);
    const o = await node.ok('POST', '/api/v1/me/onboarding', p.token, { nickname: p.name, region: 'jeju', interests: [] });
    me = await node.ok('GET', '/api/v1/me', o.access_token);
    assert.equal(me.role, 'member');
    assert.equal(me.points, 1000);
    assert.equal((await node.post('/api/v1/me/onboarding', o.access_token, { nickname: uniqueName(), region: 'jeju' })).body.code, 'account.already-member');
    const points = await node.ok('GET', '/api/v1/me/points', o.access_token);
    assert.equal(points.balance, points.entries.reduce((s, e) => s + e.amount, 0));
});

test('a wrong code, an address in use, and somebody under fourteen are refused', async () => {
    const p = await signUp(node);
    const email = `${uniqueName()}@example.com`;
    await node.ok('POST', '/api/v1/auth/codes', undefined, { email, purpose: 'signup' });
    const code = await cluster.mail(email, /(\d{6})/);
    const wrong = code === '000000' ? '000001' : '000000';
    const body = { email, code: wrong, password: 'long enough', birth_date: '1990-01-01', consents };
    for (let i = 0; i < 5; i++) assert.equal((await node.post('/api/v1/auth/signup', undefined, body)).body.code, 'code.wrong');
    assert.equal((await node.post('/api/v1/auth/signup', undefined, { ...body, code })).body.code, 'code.wrong', 'five tries and no more');
    const year = new Date().getFullYear() - 10;
    assert.equal((await node.post('/api/v1/auth/signup', undefined, { ...body, birth_date: `${year}-01-01` })).body.code, 'account.under-age');
    assert.equal((await node.post('/api/v1/auth/signup', undefined, { ...body, birth_date: '2001-02-30' })).status, 422);
    assert.equal((await node.post('/api/v1/auth/codes', undefined, { email: p.email, purpose: 'signup' })).status, 202, 'the same answer for a known address');
    await until('the letter that says so', () => cluster.outbox().some(m => m.to === p.email && /이미|already/.test(m.subject)));
});

test('who turns fourteen today in Korea may sign up, who does so tomorrow may not', async () => {
    const day = days => { const d = new Date(Date.now() + 9 * 3600e3 + days * 86400e3); return `${d.getUTCFullYear() - 14}${d.toISOString().slice(4, 10)}`; };
    const signup = async birth_date => {
        const email = `${uniqueName()}@example.com`;
        await node.ok('POST', '/api/v1/auth/codes', undefined, { email, purpose: 'signup' });
        return node.post('/api/v1/auth/signup', undefined, { email, code: await cluster.mail(email, /(\d{6})/), password: 'long enough', birth_date, consents });
    };
    for (let tries = 0; ; tries++) { // unless midnight comes between
        const today = day(0), may = await signup(today), mayNot = await signup(day(1));
        if (today !== day(0) && !tries) continue;
        assert.equal(may.status, 201, today);
        assert.equal(mayNot.body.code, 'account.under-age');
        break;
    }
});

test('login: the same answer for a wrong password and an unknown address; too many failures wait', async () => {
    const strict = await cluster.node({ MADANG_LOGIN_FAILURES_PAIR: '3' });
    const p = await signUp(strict);
    const wrong = { email: p.email, password: 'not the password' }, unknown = { email: 'nobody@example.com', password: 'not the password' };
    const a = await strict.post('/api/v1/auth/login', undefined, wrong), b = await strict.post('/api/v1/auth/login', undefined, unknown);
    assert.deepEqual([a.status, a.body.code, a.body.title], [b.status, b.body.code, b.body.title]);
    assert.equal(a.status, 401);
    assert.ok(a.headers.get('www-authenticate'));
    for (let i = 0; i < 2; i++) await strict.post('/api/v1/auth/login', undefined, wrong);
    const limited = await strict.post('/api/v1/auth/login', undefined, { email: p.email, password: p.password });
    assert.equal(limited.status, 429);
    assert.ok(Number(limited.headers.get('retry-after')) >= 30);
});

test('an account under attack asks for a mailed code as well', async () => {
    const strict = await cluster.node({ MADANG_LOGIN_FAILURES_PAIR: '100', MADANG_LOGIN_FAILURES_ACCOUNT: '2' });
    const p = await signUp(strict);
    for (let i = 0; i < 2; i++) await strict.post('/api/v1/auth/login', undefined, { email: p.email, password: 'not the password' });
    const first = await strict.post('/api/v1/auth/login', undefined, { email: p.email, password: p.password });
    assert.equal(first.body.code, 'login.code-required');
    await sleep(300);
    const code = await cluster.mail(p.email, /(\d{6})/);
    assert.equal((await strict.post('/api/v1/auth/login', undefined, { email: p.email, password: p.password, code })).status, 200);
});

test('refresh rotates; a lost answer yields the same successor; an old token ends the family', async () => {
    const p = await signUp(node);
    const first = await refresh(p.cookie);
    assert.equal(first.status, 200);
    const again = await refresh(p.cookie);
    assert.equal(again.status, 200);
    assert.equal(again.cookie, first.cookie, 'the predecessor always yields the same successor');
    const second = await refresh(first.cookie);
    assert.equal(second.status, 200);
    assert.equal((await refresh(p.cookie)).cookie, first.cookie, 'still good for ten seconds');
    const third = await refresh(second.cookie);
    assert.equal(third.status, 200);
    const stolen = await refresh(p.cookie);
    assert.equal(stolen.status, 401);
    assert.equal((await refresh(third.cookie)).status, 401, 'the family has ended');
    assert.equal((await node.get('/api/v1/me', third.body.access_token)).status, 401, 'and its access tokens with it');
});

test('a Redis that forgot everything is refilled from the twin', async () => {
    const p = await signUp(node);
    const first = await refresh(p.cookie);
    const redis = await import('node:child_process');
    redis.execFileSync('redis-cli', ['-s', `${process.env.MADANG_TEST_STORES ?? '.dev/test'}/redis.sock`, '--no-raw', 'eval',
        `for _,k in ipairs(redis.call('keys', ARGV[1])) do redis.call('del', k) end`, '0', `${cluster.id}:session:*`]);
    const second = await refresh(first.cookie);
    assert.equal(second.status, 200);
    assert.equal((await refresh(first.cookie)).cookie, second.cookie);
});

test('the cookie works only from our own pages', async () => {
    const p = await signUp(node);
    assert.equal((await refresh(p.cookie, 'https://evil.example')).body.code, 'origin.refused');
    assert.equal((await node.call('POST', '/api/v1/auth/refresh', { headers: { cookie: p.cookie } })).body.code, 'origin.refused');
    assert.equal((await node.call('POST', '/api/v1/auth/refresh', { headers: { origin: node.base } })).body.code, 'session.expired');
    assert.equal((await refresh('__Host-madang_refresh=AAAAAAAAAAAAAAAAAAAAAA.BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB')).status, 401);
});

test('sessions: list, end one, end all others; their sockets close with 4401', async () => {
    const p = await signUp(node);
    const other = await node.ok('POST', '/api/v1/auth/login', undefined, { email: p.email, password: p.password });
    const socket = await node.socket({ token: other.access_token });
    const { sessions } = await node.ok('GET', '/api/v1/sessions', p.token);
    assert.equal(sessions.length, 2);
    const theirs = sessions.find(s => !s.current);
    await node.ok('DELETE', `/api/v1/sessions/${theirs.id}`, p.token);
    assert.equal(await socket.closed, 4401);
    assert.equal((await node.get('/api/v1/me', other.access_token)).status, 401);
    assert.equal((await node.call('DELETE', `/api/v1/sessions/${theirs.id}`, { token: p.token })).body.code, 'session.not-found');
    const third = await node.ok('POST', '/api/v1/auth/login', undefined, { email: p.email, password: p.password });
    await node.ok('DELETE', '/api/v1/sessions', p.token);
    assert.equal((await node.get('/api/v1/me', third.access_token)).status, 401);
    assert.equal((await node.get('/api/v1/me', p.token)).status, 200);
    assert.equal((await node.post('/api/v1/auth/logout', p.token)).status, 204);
    assert.equal((await node.get('/api/v1/me', p.token)).status, 401);
});

test('a forgotten password: the link works once; a changed one ends other sessions', async () => {
    const p = await signUp(node);
    assert.equal((await node.post('/api/v1/auth/password/forgot', undefined, { email: 'nobody@example.com' })).status, 202);
    await node.ok('POST', '/api/v1/auth/password/forgot', undefined, { email: p.email });
    const token = await cluster.mail(p.email, /token=([\w-]+)/);
    assert.equal((await node.post('/api/v1/auth/password/reset', undefined, { token, password: 'a new password' })).status, 204);
    assert.equal((await node.post('/api/v1/auth/password/reset', undefined, { token, password: 'a new password' })).body.code, 'password.token');
    assert.equal((await node.get('/api/v1/me', p.token)).status, 401, 'every session has ended');
    const a = await node.ok('POST', '/api/v1/auth/login', undefined, { email: p.email, password: 'a new password' });
    const b = await node.ok('POST', '/api/v1/auth/login', undefined, { email: p.email, password: 'a new password' });
    assert.equal((await node.post('/api/v1/auth/password', a.access_token, { old_password: 'wrong one', new_password: 'yet another one' })).body.code, 'password.wrong');
    assert.equal((await node.post('/api/v1/auth/password', a.access_token, { old_password: 'a new password', new_password: 'yet another one' })).status, 204);
    assert.equal((await node.get('/api/v1/me', b.access_token)).status, 401);
    assert.equal((await node.get('/api/v1/me', a.access_token)).status, 200);
});

// The code that is mailed now, not one that lies there from before.
async function mailedCode(to) {
    const before = cluster.outbox().length;
    await node.ok('POST', '/api/v1/auth/codes', undefined, { email: to, purpose: 'email' });
    return until(`a code for ${to}`, () => cluster.outbox().slice(before).find(m => m.to === to && /\d{6}/.test(m.body))?.body.match(/(\d{6})/)[1]);
}
async function changeAddress(p, fresh) {
    return node.post('/api/v1/auth/email', p.token, { email: fresh, code_old: await mailedCode(p.email), code_new: await mailedCode(fresh), password: p.password });
}

test('the address changes by codes to both', async () => {
    const p = await signUp(node), fresh = `${uniqueName()}@example.com`, taken = await signUp(node), codes = mailedCode;
    let body = { email: fresh, code_old: await codes(p.email), code_new: await codes(fresh), password: p.password };
    assert.equal((await node.post('/api/v1/auth/email', p.token, { ...body, code_old: '123456' === body.code_old ? '654321' : '123456' })).body.code, 'code.wrong');
    assert.equal((await node.post('/api/v1/auth/email', p.token, { ...body, password: 'not this one' })).body.code, 'password.wrong');
    assert.equal((await node.post('/api/v1/auth/email', p.token, body)).status, 204);
    assert.equal((await node.ok('GET', '/api/v1/me', p.token)).email, fresh);
    body = { email: taken.email, code_old: await codes(fresh), code_new: await codes(taken.email), password: p.password };
    assert.equal((await node.post('/api/v1/auth/email', p.token, body)).body.code, 'email.taken');
});

// A case file names three ways in which a link outlives what it was given for; here each of them is gone through.
test('once the password or the address is changed, no earlier link works', async () => {
    const forgot = async email => {
        const before = cluster.outbox().length;
        await node.ok('POST', '/api/v1/auth/password/forgot', undefined, { email });
        return until('the letter', () => cluster.outbox().slice(before).find(m => m.to === email && /token=/.test(m.body))?.body.match(/token=([\w-]+)/)[1]);
    };
    const reset = (token, password) => node.post('/api/v1/auth/password/reset', undefined, { token, password });
    const login = (email, password) => node.post('/api/v1/auth/login', undefined, { email, password });
    assert.equal(kase('reset-links.txt').match(/right:/g).length, 3);

    const a = await signUp(node), l1 = await forgot(a.email), l2 = await forgot(a.email);
    assert.equal((await reset(l2, 'by the second link')).status, 204);
    assert.equal((await reset(l1, 'by the first link')).body.code, 'password.token');
    assert.equal((await login(a.email, 'by the second link')).status, 200);

    const b = await signUp(node), l3 = await forgot(b.email);
    assert.equal((await node.post('/api/v1/auth/password', b.token, { old_password: b.password, new_password: 'set while logged in' })).status, 204);
    assert.equal((await reset(l3, 'by the third link')).body.code, 'password.token');
    assert.equal((await login(b.email, 'set while logged in')).status, 200);

    const c = await signUp(node), l4 = await forgot(c.email), fresh = `${uniqueName()}@example.com`;
    const elsewhere = await node.ok('POST', '/api/v1/auth/login', undefined, { email: c.email, password: c.password });
    assert.equal((await changeAddress(c, fresh)).status, 204);
    assert.equal((await reset(l4, 'by the former mailbox')).body.code, 'password.token');
    assert.equal((await login(fresh, c.password)).status, 200);
    assert.equal((await node.get('/api/v1/me', elsewhere.access_token)).status, 401, 'other sessions end as with a new password');
    assert.equal((await node.get('/api/v1/me', c.token)).status, 200);

    const d = await signUp(node), l5 = await forgot(d.email);
    await node.ok('POST', '/api/v1/me/leave', d.token, { password: d.password });
    assert.equal((await reset(l5, 'of somebody who left')).body.code, 'password.token');

    const e = await signUp(node), links = [];
    for (let i = 0; i < 3; i++) links.push(await forgot(e.email));
    const all = await Promise.all(links.map((l, i) => reset(l, `password number ${i}`)));
    assert.equal(all.filter(r => r.status === 204).length, 1, `of three used at once, one works: ${all.map(r => r.status)}`);
    assert.equal((await login(e.email, `password number ${all.findIndex(r => r.status === 204)}`)).status, 200);
});

test('a code mailed before the password was changed is good for nothing', async () => {
    const strict = await cluster.node({ MADANG_LOGIN_FAILURES_PAIR: '100', MADANG_LOGIN_FAILURES_ACCOUNT: '1' });
    const p = await signUp(strict), fresh = `${uniqueName()}@example.com`;
    const body = { email: fresh, code_old: await mailedCode(p.email), code_new: await mailedCode(fresh), password: 'another password' };
    assert.equal((await strict.post('/api/v1/auth/password', p.token, { old_password: p.password, new_password: body.password })).status, 204);
    assert.equal((await strict.post('/api/v1/auth/email', p.token, body)).body.code, 'code.wrong', 'of the account as it was');

    await strict.post('/api/v1/auth/login', undefined, { email: p.email, password: 'not the password' });
    const before = cluster.outbox().length;
    assert.equal((await strict.post('/api/v1/auth/login', undefined, { email: p.email, password: body.password })).body.code, 'login.code-required');
    const code = await until('the code', () => cluster.outbox().slice(before).find(m => m.to === p.email && /\d{6}/.test(m.body))?.body.match(/(\d{6})/)[1]);
    assert.equal((await strict.post('/api/v1/auth/password', p.token, { old_password: body.password, new_password: 'a third password' })).status, 204);
    assert.equal((await strict.post('/api/v1/auth/login', undefined, { email: p.email, password: 'a third password', code })).body.code, 'code.wrong');
});

test('logging in with the old password while it changes leaves no session behind', async () => {
    for (let round = 0; round < 5; round++) {
        const p = await signUp(node);
        const [changed, ...logins] = await Promise.all([
            node.post('/api/v1/auth/password', p.token, { old_password: p.password, new_password: 'changed meanwhile' }),
            ...Array.from({ length: 3 }, () => node.post('/api/v1/auth/login', undefined, { email: p.email, password: p.password })),
        ]);
        assert.equal(changed.status, 204);
        const { sessions } = await node.ok('GET', '/api/v1/sessions', p.token);
        assert.deepEqual(sessions.map(s => s.current), [true], `${logins.map(l => l.status)}`);
    }
});

test('profile: the nickname is unique without case and costs 100 points, once for each key', async () => {
    const a = await signUp(node), b = await signUp(node), fresh = uniqueName('Nick');
    assert.equal((await node.call('PATCH', '/api/v1/me', { token: a.token, body: { nickname: b.name.toUpperCase() } })).body.code, 'nickname.taken');
    assert.equal((await node.ok('GET', `/api/v1/nicknames/${b.name.toUpperCase()}`, a.token)).available, false);
    const change = () => node.call('PATCH', '/api/v1/me', { token: a.token, body: { nickname: fresh, introduction: '새 소개' }, headers: { 'idempotency-key': '"k-1"' } });
    const [x, y] = [await change(), await change()];
    assert.equal(x.status, 200);
    assert.equal(y.headers.get('idempotent-replayed'), 'true');
    assert.deepEqual({ ...x.body, avatar_url: null }, { ...y.body, avatar_url: null });
    assert.equal((await node.ok('GET', '/api/v1/me', a.token)).points, 900);
    const other = await node.call('PATCH', '/api/v1/me', { token: a.token, body: { introduction: 'other' }, headers: { 'idempotency-key': '"k-1"' } });
    assert.equal(other.body.code, 'idempotency.reused');
    await cluster.sql("update idempotency_keys set fingerprint = repeat('a', 64) where account = $1", [a.id]); // as the version before told requests apart
    assert.equal((await change()).headers.get('idempotent-replayed'), 'true', 'who lost an answer to an upgrade gets it');
    for (let i = 0; i < 9; i++) await node.ok('PATCH', '/api/v1/me', a.token, { nickname: uniqueName('n') });
    assert.equal((await node.call('PATCH', '/api/v1/me', { token: a.token, body: { nickname: uniqueName('n') } })).body.code, 'points.short');
    assert.equal((await node.ok('GET', '/api/v1/me', a.token)).points, 0);
});

test('a nickname that looks like another is taken; one of unseen or turning characters is none', async () => {
    const a = await signUp(node, { name: uniqueName('Il0') }), b = await signUp(node), rename = (p, nickname) => node.call('PATCH', '/api/v1/me', { token: p.token, body: { nickname } });
    const alike = `lIo${a.name.slice(3)}`, free = async name => (await node.ok('GET', `/api/v1/nicknames/${name}`, b.token)).available;
    assert.equal((await rename(b, alike)).body.code, 'nickname.taken');
    assert.deepEqual([await free(alike), await free(a.name), await free(uniqueName())], [false, false, true]);
    assert.equal((await rename(a, alike)).status, 200, 'oneself may look like oneself');
    assert.equal((await rename(b, a.name)).body.code, 'nickname.taken');
    const race = uniqueName('r');
    const [first, second] = await Promise.all([rename(a, `${race}l`), rename(b, `${race}1`)]);
    assert.deepEqual([first.status, second.status].sort(), [200, 409], 'of two at once, one');
    for (const bad of ['a\u200bb', 'ab\u202e', 'a\u3164b', 'аdmin', 'ｍadang', 'ab\u0301c', '\u2800\u2800'])
        assert.equal((await rename(b, bad)).status, 422, JSON.stringify(bad));
});

test('each change of the nickname is paid, whatever number the request carries', async () => {
    const p = await signUp(node), points = async () => (await node.ok('GET', '/api/v1/me', p.token)).points;
    const lines = kase('paid-once.jsonl').trim().split('\n').map(l => JSON.parse(l)).filter(l => l['->']);
    const names = Object.fromEntries(lines.map(l => [l['->'].in.nickname, uniqueName('paid')]));
    let due = 1000, s = await node.socket(p);
    for (const line of [...lines, lines[0]]) { // the last one again, under the first one's number, on a socket of a new process
        const { op, id, in: { nickname } } = line['->'], name = line === lines[0] && due < 900 ? uniqueName('paid') : names[nickname];
        if (due === 600) { const fresh = await cluster.node(); s = await fresh.socket(p); }
        s.ws.send(JSON.stringify({ op, ...(id ? { id } : {}), in: { nickname: name } }));
        due -= 100;
        await until(`${due} points`, async () => await points() === due && (await node.ok('GET', '/api/v1/me', p.token)).nickname === name);
        assert.ok(!line.right || line.right === due);
    }
    const proxied = await cluster.node({ MADANG_HTTP_TRUSTED_PROXIES: '127.0.0.1' }), headers = { 'x-request-id': 'the-same-each-time', 'x-forwarded-for': '192.0.2.7' };
    const rename = nickname => proxied.call('PATCH', '/api/v1/me', { token: p.token, body: { nickname }, headers });
    const last = uniqueName('paid');
    for (const nickname of [uniqueName('paid'), uniqueName('paid'), last]) assert.equal((await rename(nickname)).status, 200);
    assert.equal(await points(), due -= 300);
    assert.equal((await rename(last)).status, 200);
    assert.equal(await points(), due, 'the same nickname is no change');
});

test('twenty changes at once never lose an update or go below zero', async () => {
    const p = await signUp(node);
    const results = await Promise.all(Array.from({ length: 20 }, () => node.call('PATCH', '/api/v1/me', { token: p.token, body: { nickname: uniqueName('z') } })));
    const good = results.filter(r => r.status === 200).length;
    const points = await node.ok('GET', '/api/v1/me/points?limit=100', p.token);
    assert.ok(results.every(r => r.status === 200 || r.status === 409), JSON.stringify(results.map(r => r.body?.code)));
    assert.equal(points.balance, 1000 - good * 100);
    assert.equal(points.balance, points.entries.reduce((s, e) => s + e.amount, 0));
});

test('others see a person without address and birth date', async () => {
    const a = await signUp(node, { birth: '1996-01-01' }), b = await signUp(node);
    const seen = await node.ok('GET', `/api/v1/people/${a.id}`, b.token);
    assert.equal(seen.nickname, a.name);
    assert.match(seen.age_band, /^\d0s (early|middle|late)$/);
    assert.ok(!JSON.stringify(seen).includes('@') && !('birth_date' in seen));
    assert.equal((await node.get('/api/v1/people/999999', b.token)).body.code, 'account.not-found');
    const found = await node.ok('GET', `/api/v1/people?nickname=${a.name.slice(0, -2)}`, b.token);
    assert.ok(found.people.some(p => p.account === a.id));
});

test('guests have an identity, and keep it when they become members', async () => {
    const g = await node.call('POST', '/api/v1/auth/guest');
    assert.equal(g.body.role, 'guest');
    assert.equal((await node.get('/api/v1/friends', g.body.access_token)).status, 403);
    const email = `${uniqueName()}@example.com`;
    await node.ok('POST', '/api/v1/auth/codes', undefined, { email, purpose: 'signup' });
    const code = await cluster.mail(email, /(\d{6})/);
    const up = await node.ok('POST', '/api/v1/auth/signup', g.body.access_token, { email, code, password: 'long enough', birth_date: '1990-01-01', consents });
    assert.equal(up.account, g.body.account);
});

test('verify answers nginx with headers', async () => {
    const p = await signUp(node);
    const r = await node.get('/api/v1/auth/verify', p.token);
    assert.equal(r.status, 204);
    assert.equal(r.headers.get('x-madang-account'), String(p.id));
    assert.equal(r.headers.get('x-madang-role'), 'member');
    assert.equal((await node.get('/api/v1/auth/verify')).status, 401);
    assert.equal((await node.get('/api/v1/auth/verify', p.token.slice(0, -3) + 'abc')).status, 401);
});

test('suspension: at login, at refresh, on live sockets at once', async () => {
    const boss = await promote(cluster, await signUp(node)), p = await signUp(node);
    const socket = await node.socket(p);
    const until = new Date(Date.now() + 3600e3).toISOString();
    assert.equal((await node.post(`/api/v1/accounts/${p.id}/suspension`, p.token, { until, reason: 'x' })).status, 403);
    assert.equal((await node.post(`/api/v1/accounts/${p.id}/suspension`, boss.token, { until, reason: 'spam' })).status, 204);
    assert.equal(await socket.closed, 4403);
    assert.equal((await node.get('/api/v1/me', p.token)).status, 401);
    assert.equal((await refresh(p.cookie)).status, 401);
    assert.equal((await node.post('/api/v1/auth/login', undefined, { email: p.email, password: p.password })).body.code, 'account.suspended');
    assert.equal((await node.call('DELETE', `/api/v1/accounts/${p.id}/suspension`, { token: boss.token })).status, 204);
    assert.equal((await node.post('/api/v1/auth/login', undefined, { email: p.email, password: p.password })).status, 200);
    assert.equal((await node.post('/api/v1/accounts/999999/suspension', boss.token, { until, reason: 'x' })).body.code, 'account.not-found');
});

test('leaving erases the person; the nickname is free and inherits nothing', async () => {
    const p = await signUp(node);
    const exported = await node.ok('GET', '/api/v1/me/export', p.token);
    assert.equal(exported.account.email, p.email);
    assert.ok(!JSON.stringify(exported).includes('scrypt'));
    assert.equal((await node.post('/api/v1/me/leave', p.token, { password: 'not my password' })).body.code, 'password.wrong');
    assert.equal((await node.post('/api/v1/me/leave', p.token, { password: p.password })).status, 204);
    assert.equal((await node.get('/api/v1/me', p.token)).status, 401);
    assert.equal((await node.post('/api/v1/auth/login', undefined, { email: p.email, password: p.password })).status, 401);
    const [row] = await cluster.sql('select * from accounts where id = $1', [p.id]);
    for (const k of ['email', 'password', 'nickname', 'birth_date', 'gender', 'region', 'introduction', 'avatar']) assert.equal(row[k], null, k);
    const heir = await signUp(node, { name: p.name });
    assert.notEqual(heir.id, p.id);
    assert.equal((await node.ok('GET', '/api/v1/me', heir.token)).points, 1000);
});

test('what is kept of a long life is exported whole, however much it is', async () => {
    const p = await signUp(node);
    await cluster.sql("insert into points (account, amount, reason, reference) select $1, 1, 'a reason that takes its room', 'number ' || n from generate_series(1, 60000) n", [p.id]);
    const out = await node.ok('GET', '/api/v1/me/export', p.token);
    assert.equal(out.points.filter(x => x.reason === 'a reason that takes its room').length, 60000);
});

test('another code is sent only after a minute', async () => {
    const patient = await cluster.node({ MADANG_LOGIN_CODE_RESEND_S: '60' }), body = { email: `${uniqueName()}@example.com`, purpose: 'signup' };
    assert.equal((await patient.post('/api/v1/auth/codes', undefined, body)).status, 202);
    const again = await patient.post('/api/v1/auth/codes', undefined, body);
    assert.deepEqual([again.status, again.headers.get('retry-after')], [429, '60']);
});

test('the session key can be rotated: what the old one signed stays good', async () => {
    const p = await signUp(node), old = 'a test secret of more than thirty-two characters', fresh = 'another secret, also of more than 32 characters';
    const rotated = await cluster.node({ MADANG_SESSION_KEY: fresh, MADANG_SESSION_KEY_BEFORE: old });
    assert.equal((await rotated.get('/api/v1/me', p.token)).status, 200);
    const next = await rotated.call('POST', '/api/v1/auth/refresh', { headers: { cookie: p.cookie, origin: rotated.base } });
    assert.equal(next.status, 200);
    const forgotten = await cluster.node({ MADANG_SESSION_KEY: fresh });
    assert.equal((await forgotten.get('/api/v1/me', p.token)).status, 401);
    assert.equal((await forgotten.get('/api/v1/me', next.body.access_token)).status, 200);
});
