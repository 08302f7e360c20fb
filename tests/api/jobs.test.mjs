// Work that outlives its call: kinds of newer nodes wait, periodic work is one row that comes round, sweeping is done in pieces.
import assert from 'node:assert/strict';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { Cluster, signUp, until } from '../lib/daemon.mjs';
import { all } from '../lib/process.mjs';

let cluster, node;
before(async () => { cluster = await new Cluster().start(); node = await cluster.node(); await came('platform.sweep'); });
after(() => cluster.stop());

const rows = (kind, sql = '') => cluster.sql(`select * ${sql} from jobs where kind = $1`, [kind]);
const came = kind => until(`${kind} came round`, async () => { const [row] = await rows(kind, ', due > now() as later'); return row?.later && row.attempts === 0 && !row.taken_by; }, 30000);
const again = kind => cluster.sql('update jobs set due = now() where kind = $1', [kind]);

test('a kind that no node here knows waits, and loses none of its tries', async () => {
    await cluster.sql("insert into jobs (kind, payload, due) values ('newer.kind', '{}', now() - interval '1 hour')");
    await again('accounts.sweep');
    await came('accounts.sweep');
    const [row] = await rows('newer.kind');
    assert.deepEqual([row.state, row.attempts, row.taken_by], ['waiting', 0, null]);
});

test('periodic work that fails has one row, is never given up, and goes on when it can', async t => {
    await came('accounts.sweep');
    await cluster.sql('alter table password_tokens rename to away');
    t.after(() => cluster.sql('alter table if exists away rename to password_tokens'));
    for (let i = 1; i <= 12; i++) {
        await again('accounts.sweep');
        await until(`failed ${i} times`, async () => { const [row] = await rows('accounts.sweep'); return row.attempts === i && row.last_error && !row.taken_by; });
    }
    const all = await rows('accounts.sweep', ", due <= now() + interval '1 hour' as soon");
    assert.equal(all.length, 1);
    assert.deepEqual([all[0].state, all[0].soon], ['waiting', true], 'no later than it would come round');
    await cluster.sql('alter table away rename to password_tokens');
    await again('accounts.sweep');
    await came('accounts.sweep');
    assert.equal((await rows('accounts.sweep'))[0].last_error, null);
});

test('what has piled up is swept in pieces', async () => {
    await cluster.sql("insert into topic_log (topic, seq, ev, data, at) select 'old:1', n, 'x', '{}', now() - interval '2 years' from generate_series(1, 12000) n");
    await cluster.sql("insert into topic_log (topic, seq, ev, data) values ('old:1', 12001, 'x', '{}')");
    await again('platform.sweep');
    await until('swept', async () => (await cluster.sql("select count(*)::int as n from topic_log where topic = 'old:1'"))[0].n === 1, 30000);
    assert.ok(Number((await node.admin('/lists/statements')).find(s => s.name === 'topic_log_sweep').calls) >= 3);
});

test('what was given up is kept for a while, and no longer', async () => {
    await cluster.sql("insert into jobs (kind, payload, state, due) values ('mail.send', '{\"to\":\"old\"}', 'dead', now() - interval '31 days'), ('mail.send', '{\"to\":\"new\"}', 'dead', now() - interval '29 days')");
    await again('platform.sweep');
    await came('platform.sweep');
    assert.deepEqual((await rows('mail.send')).map(r => r.payload.to), ['new']);
    await cluster.sql("delete from jobs where kind = 'mail.send'");
});

// Nodes of the version before have a row for each time, take any row that is due, and mark it as done.
test('a node of the version before took periodic work for its own: it comes round again', async () => {
    for (const state of ['done', 'dead']) {
        await came('platform.sweep');
        const [{ changed }] = await cluster.sql("with u as (update jobs set state = $1, attempts = 10, due = now() - interval '1 s' where kind = 'platform.sweep' returning 1) select count(*)::int as changed from u", [state]);
        assert.equal(changed, 1);
        await came('platform.sweep');
        assert.equal((await rows('platform.sweep'))[0].state, 'waiting');
    }
});

test('what a node of the version before inserts for one time is done once, and stays so', async () => {
    const [{ id }] = await cluster.sql("insert into jobs (kind, payload, period) values ('accounts.sweep', '{}', '491234') returning id");
    const [row] = await until('it is done', async () => { const r = await cluster.sql("select * from jobs where id = $1 and state <> 'waiting'", [id]); return r.length && r; });
    assert.deepEqual([row.state, row.taken_by], ['done', null]);
    assert.equal((await cluster.sql("insert into jobs (kind, payload, period) values ('accounts.sweep', '{}', '491234') on conflict (kind, period) do nothing returning id")).length, 0);
    await cluster.sql('delete from jobs where id = $1', [id]);
});

// A mail server that says nothing, or hangs up.
class Silent {
    async start() {
        Object.assign(this, { held: new Set(), hangsUp: false });
        this.server = net.createServer(s => { s.on('error', () => {}); if (this.hangsUp) s.destroy(); else { this.held.add(s); s.on('close', () => this.held.delete(s)); } });
        await new Promise(r => this.server.listen(0, '127.0.0.1', r));
        return this;
    }
    get url() { return `smtp://127.0.0.1:${this.server.address().port}`; }
    hangUp(always) { this.hangsUp = always; for (const s of this.held) s.destroy(); }
    stop() { this.hangUp(true); return new Promise(r => this.server.close(r)); }
}
const seen = async (n, kind) => (await n.admin('/lists/jobs')).find(k => k.kind === kind);

test('a lane that stands still holds no other up; what waits and runs is told; a key has one that waits, the latest', async t => {
    const own = await new Cluster().start(), mail = await new Silent().start();
    t.after(() => all(() => mail.stop(), () => own.stop()));
    const first = await own.node(), people = [];
    for (let i = 0; i < 3; i++) people.push(await signUp(first));
    await first.stop();
    first.killed = true; // it is not there any more
    const n = await own.node({ MADANG_MAIL_PROVIDER: 'smtp', MADANG_MAIL_SMTP_URL: mail.url, MADANG_JOBS_MAIL_AT_ONCE: '1', MADANG_MAIL_SMTP_SILENCE_MS: '60000' });
    const forgot = p => n.ok('POST', '/api/v1/auth/password/forgot', undefined, { email: p.email });
    const letters = () => own.sql("select id, key, payload, taken_by is not null as runs from jobs where kind = 'mail.send' order by id");
    for (const p of people) await forgot(p);
    await until('one runs', async () => mail.held.size === 1);
    const now = await until('it is told', async () => { const k = await seen(n, 'mail.send'); return k?.running === 1 && k.waiting === 2 && k; }, 30000);
    assert.equal(now.dead, 0);
    await own.sql("update jobs set due = now() where kind = 'platform.sweep'");
    await until('the house goes on', async () => (await own.sql("select 1 from jobs where kind = 'platform.sweep' and due > now()")).length);
    assert.equal(mail.held.size, 1);

    const [running] = (await letters()).filter(l => l.runs), about = people.find(p => p.email === running.payload.to), other = people.find(p => p !== about);
    const before = (await letters()).find(l => l.payload.to === other.email);
    await forgot(other);
    const after = (await letters()).filter(l => l.payload.to === other.email);
    assert.deepEqual(after.map(l => l.id), [before.id], 'in its place');
    assert.notEqual(after[0].payload.body, before.payload.body);
    await forgot(about);
    const two = (await letters()).filter(l => l.payload.to === about.email);
    assert.deepEqual(two.map(l => l.runs), [true, false], 'one that runs is not changed: the later one waits behind it');

    mail.hangUp(true);
    await until('the one that failed makes way', async () => { const l = (await letters()).filter(x => x.payload.to === about.email); return l.length === 1 && l[0].payload.body === two[1].payload.body; }, 20000);
    const token = /token=(\S+)/.exec(after[0].payload.body)[1];
    await n.ok('POST', '/api/v1/auth/password/reset', undefined, { token, password: 'another horse battery' });
    assert.ok(!(await letters()).some(l => l.payload.to === other.email && /token=/.test(l.payload.body)), 'its link is used: the letter is taken back');
    await n.kill();
});

test('what was given up is listed', async () => {
    await cluster.sql("insert into jobs (kind, payload, state, attempts, last_error) values ('mail.send', '{}', 'dead', 10, 'upstream.failed')");
    const [dead] = await until('listed', async () => { const l = await node.admin('/lists/jobs-dead'); return l.length && l; }, 30000);
    assert.deepEqual([dead.kind, dead.attempts, dead.error], ['mail.send', 10, 'upstream.failed']);
    await cluster.sql("delete from jobs where kind = 'mail.send'");
});
