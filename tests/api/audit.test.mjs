// What managers did: noted with it or not at all, shown to managers alone, for as long as is set.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Cluster, promote, signUp, until } from '../lib/daemon.mjs';

let cluster, node, boss, other, a, b;
before(async () => {
    cluster = await new Cluster().start();
    node = await cluster.node({ MADANG_AUDIT_DAYS: '30' });
    boss = await promote(cluster, await signUp(node));
    other = await promote(cluster, await signUp(node));
    a = await signUp(node);
    b = await signUp(node);
});
after(() => cluster.stop());
const list = (query = '') => node.ok('GET', `/api/v1/manage/audit${query}`, boss.token);
const last = async query => (await list(query)).entries[0];
const day = 86400e3, later = days => new Date(Date.now() + days * day).toISOString();

test('a suspension and its end: who, to whom, how it was, how it is', async () => {
    const until1 = later(1), until2 = later(2);
    await node.ok('POST', `/api/v1/accounts/${a.id}/suspension`, boss.token, { until: until1, reason: 'spam' });
    const first = await last(`?object=account:${a.id}`);
    assert.equal(first.account, boss.id);
    assert.equal(first.call, 'accounts.suspend');
    assert.equal(first.object, `account:${a.id}`);
    assert.deepEqual([first.before.until ?? null, first.before.reason ?? null], [null, null]);
    assert.equal(Date.parse(first.after.until), Date.parse(until1));
    assert.equal(first.after.reason, 'spam');
    assert.match(node.log, new RegExp(`accounts\\.suspend .*request=${first.request}`));
    await node.ok('POST', `/api/v1/accounts/${a.id}/suspension`, other.token, { until: until2, reason: 'again' });
    const second = await last(`?object=account:${a.id}`);
    assert.deepEqual([second.account, second.before.reason, second.after.reason], [other.id, 'spam', 'again']);
    await node.ok('DELETE', `/api/v1/accounts/${a.id}/suspension`, boss.token);
    const third = await last(`?object=account:${a.id}`);
    assert.deepEqual([third.call, third.before.reason, third.after.reason ?? null, third.after.until ?? null], ['accounts.unsuspend', 'again', null, null]);
});

test('a notice: what it said is kept, also when it is gone', async () => {
    const n = await node.ok('POST', '/api/v1/notices', boss.token, { title: '점검', body: '내일' }, { 'idempotency-key': 'audited' });
    await node.ok('POST', '/api/v1/notices', boss.token, { title: '점검', body: '내일' }, { 'idempotency-key': 'audited' });
    await node.ok('PUT', `/api/v1/notices/${n.notice}`, boss.token, { title: '점검', body: '모레' });
    await node.ok('DELETE', `/api/v1/notices/${n.notice}`, boss.token);
    const { entries } = await list(`?object=notice:${n.notice}`);
    assert.deepEqual(entries.map(e => [e.call, e.before?.body ?? null, e.after?.body ?? null]), [['notices.delete', '모레', null], ['notices.edit', '내일', '모레'], ['notices.post', null, '내일']], 'a repetition is no act');
});

test('a report that is decided is two: the decision and what follows from it', async () => {
    const file = async about => (await node.ok('POST', '/api/v1/reports', b.token, { account: about, reason: 'rude' })).report;
    const c = await signUp(node), one = await file(c.id), two = await file(a.id);
    await node.ok('POST', `/api/v1/reports/${one}/accept`, boss.token, { until: later(1), note: 'seen' });
    await node.ok('POST', `/api/v1/reports/${two}/dismiss`, boss.token, {});
    assert.deepEqual((({ call, before, after }) => [call, before.state, after.state, after.note])(await last(`?object=report:${one}`)), ['reports.accept', 'open', 'accepted', 'seen']);
    assert.equal((await last(`?object=account:${c.id}`)).after.reason, 'seen');
    assert.deepEqual((({ call, after }) => [call, after.state])(await last(`?object=report:${two}`)), ['reports.dismiss', 'dismissed']);
});

test('what was refused is no act; what cannot be noted is not done', async () => {
    const before = (await list()).entries.length, me = async () => (await node.ok('GET', `/api/v1/notices`)).notices.length;
    assert.equal((await node.call('DELETE', '/api/v1/notices/987654', { token: boss.token })).status, 404);
    assert.equal((await node.post('/api/v1/accounts/987654/suspension', boss.token, { until: later(1), reason: 'nobody' })).status, 404);
    const notices = await me();
    await node.fault('audit-forget');
    assert.equal((await node.post('/api/v1/notices', boss.token, { title: 'unseen', body: 'b' })).status, 500);
    assert.equal(await me(), notices);
    assert.equal((await list()).entries.length, before);
});

test('for managers alone; in pages, newest first, of one person or one thing', async () => {
    assert.equal((await node.get('/api/v1/manage/audit', b.token)).status, 403);
    assert.equal((await node.get('/api/v1/manage/audit')).status, 401);
    const whole = (await list('?limit=100')).entries, seen = [];
    for (let next = ''; next !== undefined;) {
        const page = await list(`?limit=2${next}`);
        assert.ok(page.entries.length <= 2);
        seen.push(...page.entries);
        next = page.next ? `&before=${page.next}` : undefined;
    }
    assert.deepEqual(seen, whole);
    assert.ok(whole.every((e, i) => !i || e.id < whole[i - 1].id));
    assert.ok((await list(`?account=${other.id}`)).entries.every(e => e.account === other.id));
    assert.equal((await node.get('/api/v1/manage/audit?before=x', boss.token)).status, 422);
});

test('notes older than is set are taken away', async () => {
    await cluster.sql("insert into audit (at, account, call, object, request) values (now() - interval '31 days', 1, 'notices.post', 'notice:1', 'old')");
    await cluster.sql("update jobs set due = now() where kind = 'audit.sweep'");
    await until('the sweep', async () => !(await cluster.sql("select 1 from audit where request = 'old'")).length);
    assert.ok((await list()).entries.length > 3);
});
