// Words and marks of reading in one room at once: both change the room and its topic, in one order, or they would wait for each other.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { befriend, Cluster, room, signUp } from '../../lib/daemon.mjs';

let cluster, node;
before(async () => { cluster = await new Cluster().start(); node = await cluster.node(); });
after(() => cluster.stop());

test('who writes while the other reads is never told that something changed at the same moment', async () => {
    const [a, b] = [await signUp(node), await signUp(node)], wrong = [];
    await befriend(a, b);
    const at = `/api/v1/rooms/${await room(a, b)}`, say = () => node.post(`${at}/messages`, a.token, { client_id: randomUUID(), body: '말' });
    for (let i = 0; i < 60; i++) {
        const { seq } = (await say()).body;
        const all = await Promise.all([say(), node.post(`${at}/read`, b.token, { seq }), say()]);
        wrong.push(...all.filter(r => r.status >= 300).map(r => `${r.status} ${r.body?.code}`));
    }
    assert.deepEqual(wrong, []);
});
