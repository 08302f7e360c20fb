// Work that outlives its call: kinds of newer nodes wait, periodic work is one row that comes round, sweeping is done in pieces.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Cluster, until } from '../lib/daemon.mjs';

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
