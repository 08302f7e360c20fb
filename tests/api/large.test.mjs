// What a statement costs where there are very many rows: each reference has an index, and no more is read than is told.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { befriend, Cluster, room, signUp, until } from '../lib/daemon.mjs';

let cluster, node;
before(async () => { cluster = await new Cluster().start(); node = await cluster.node(); });
after(() => cluster.stop());

test('each reference to another table has an index: who takes a row away has the database look for all that refers to it', async () => {
    const missing = await cluster.sql(`
        select c.conrelid::regclass::text || ': ' || c.conname as what from pg_constraint c where c.contype = 'f' and not exists (
            select 1 from pg_index i where i.indrelid = c.conrelid and i.indpred is null and (i.indkey::smallint[])[0:cardinality(c.conkey) - 1] @> c.conkey)`);
    assert.deepEqual(missing.map(m => m.what), []);
});

test('who asks for a room from its beginning has no more read of it than is told', async () => {
    const [a, b] = [await signUp(node), await signUp(node)];
    await befriend(a, b);
    const id = await room(a, b);
    await cluster.sql("insert into topic_log (topic, seq, ev, data) select $1, n, 'dm.message', '{}' from generate_series(1, 30000) n", [`room:${id}`]);
    await cluster.sql('insert into topics (topic, head) values ($1, 30000) on conflict (topic) do update set head = 30000', [`room:${id}`]);
    const read = async () => Number((await cluster.sql("select idx_tup_read from pg_stat_user_indexes where indexrelname = 'topic_log_pkey'"))[0].idx_tup_read);
    const was = await read();
    const missed = await node.ok('GET', `/api/v1/rooms/${id}/events?since=0`, a.token);
    assert.deepEqual([missed.events.length, missed.complete, missed.events[0].seq], [500, false, 1]);
    const now = await until('it is counted', async () => { const n = await read(); return n > was && n; });
    assert.ok(now - was < 5000, `${now - was} rows were read`);
});
