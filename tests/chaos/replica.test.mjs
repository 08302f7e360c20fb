// A Postgres whose commits wait for a replica that is not there: it is up, and answers what is read, and nothing is kept.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { Cluster, signUp, until } from '../lib/daemon.mjs';
import { all } from '../lib/process.mjs';
import { Stores } from '../lib/stores.mjs';

let stores, cluster;
before(async () => { stores = await new Stores().start(); cluster = await new Cluster(stores).start(); });
after(() => all(() => cluster?.stop(), () => stores?.stop()));

async function waits(on) {
    const client = new pg.Client({ host: stores.at, user: 'madang', database: 'postgres' });
    await client.connect();
    await client.query('set synchronous_commit = local');
    await client.query(`alter system set synchronous_standby_names = '${on ? 'nobody' : ''}'`);
    await client.query('select pg_reload_conf()');
    await client.end();
}

test('a node that is stopped while commits wait ends in order, whatever waits', async t => {
    const node = await cluster.node({ MADANG_HTTP_DRAIN_MS: '0' }), a = await signUp(node);
    t.after(() => waits(false));
    await waits(true);
    const asked = node.call('PATCH', '/api/v1/me', { token: a.token, body: { introduction: '기다립니다' } }).catch(e => e);
    await until('its commit waits', async () => {
        const client = new pg.Client({ host: stores.at, user: 'madang', database: 'postgres' });
        await client.connect();
        try { return (await client.query("select 1 from pg_stat_activity where wait_event = 'SyncRep' and query not like '%store_pulse%' and state = 'active'")).rowCount > 0; } finally { await client.end(); }
    });
    node.process.kill('SIGTERM');
    node.killed = true;
    assert.deepEqual(await node.exited, { code: 0, signal: null }, node.log.slice(-2000));
    assert.doesNotMatch(node.log, /did not end|bug at/);
    await asked;
});
