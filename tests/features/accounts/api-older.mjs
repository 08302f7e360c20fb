// Two memories of which one is older: a Redis that came back with what it knew some minutes ago, a node that was restarted and
// remembers nothing. The durable twin says who is right, and what was ended stays ended.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { at, Cluster, signUp, until } from '../../lib/daemon.mjs';

let cluster, node;
before(async () => { cluster = await new Cluster().start(); node = await cluster.node(); });
after(() => cluster.stop());

const refresh = cookie => node.call('POST', '/api/v1/auth/refresh', { headers: { cookie, origin: node.base } });
const cli = (...args) => String(execFileSync('redis-cli', ['-s', `${at}/redis.sock`, ...args])).trim();
const key = p => `${cluster.id}:session:${p.cookie.match(/=([^.]+)\./)[1]}`;
const keep = p => cli('copy', key(p), `${cluster.id}:kept`, 'replace');
const older = p => assert.equal(cli('copy', `${cluster.id}:kept`, key(p), 'replace'), '1');
async function times(p, n) { for (let i = 0; i < n; i++) { const r = await refresh(p.cookie); assert.equal(r.status, 200); p.before = p.cookie; p.cookie = r.cookie; p.token = r.body.access_token; } }

for (const lost of [1, 2, 5])
    test(`Redis is ${lost} rotations older than the twin: who has the newest token stays in`, async () => {
        const p = await signUp(node);
        await times(p, 2);
        keep(p);
        await times(p, lost);
        older(p);
        const r = await refresh(p.cookie);
        assert.equal(r.status, 200, JSON.stringify(r.body));
        assert.equal((await refresh(p.cookie)).cookie, r.cookie, 'the predecessor always yields the same successor');
        assert.equal((await refresh(r.cookie)).status, 200);
    });

test('Redis is older: the answer to the newest rotation was lost, and its predecessor comes again', async () => {
    const p = await signUp(node);
    await times(p, 2);
    keep(p);
    await times(p, 2);
    older(p);
    const r = await refresh(p.before);
    assert.equal(r.status, 200);
    assert.equal(r.cookie, p.cookie, 'the successor that was made before');
});

test('Redis is older and takes a used token for the newest: it is not, and the family ends', async () => {
    const p = await signUp(node);
    await times(p, 2);
    const thief = p.cookie;
    keep(p);
    await times(p, 3);
    older(p);
    assert.equal((await refresh(thief)).status, 401, 'it is no token of today');
    assert.equal((await refresh(p.cookie)).status, 401, 'and somebody has a copy');
    assert.equal((await node.get('/api/v1/me', p.token)).status, 401);
});

test('a session that ended stays ended in a Redis that still has it, and its token after a restart of everything', async () => {
    const p = await signUp(node), q = await signUp(node);
    keep(p);
    await node.ok('POST', '/api/v1/auth/logout', p.token);
    older(p);
    assert.equal((await refresh(p.cookie)).status, 401);
    await node.kill();
    await node.start();
    assert.equal((await node.get('/api/v1/me', p.token)).status, 401, 'before its quarter of an hour is over');
    assert.equal((await node.get('/api/v1/me', q.token)).status, 200);
});

test('a node that was not told of an end finds it by itself, and closes the socket', async () => {
    const p = await signUp(node), s = await node.socket(p);
    const session = p.cookie.match(/=([^.]+)\./)[1];
    await cluster.sql('update sessions set ended_at = now() where id = $1', [session]);
    await until('closed', () => s.closeCode === 4401);
    assert.equal((await node.get('/api/v1/me', p.token)).status, 401);
});

test('of somebody who left, a node that was restarted takes no token any more', async () => {
    const p = await signUp(node);
    await node.ok('POST', '/api/v1/me/leave', p.token, { password: p.password });
    await node.kill();
    await node.start();
    assert.equal((await node.get('/api/v1/auth/verify', p.token)).status, 401);
    const [row] = await cluster.sql('select device, address, current, previous, sealed from sessions where account = $1', [p.id]);
    assert.deepEqual(new Set(Object.values(row)), new Set(['']), 'nothing of the person is in it');
});
