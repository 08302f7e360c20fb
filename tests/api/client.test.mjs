// The client that browsers use, where it is hard to see from a page.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { client } from '../lib/client.mjs';
import { Cluster, signUp, sleep, until } from '../lib/daemon.mjs';

let cluster, node;
before(async () => {
    cluster = await new Cluster().start();
    node = await cluster.node();
});
after(() => cluster.stop());

test('a client that is closed stays closed, also when it was told to reconnect while it waited to', async () => {
    const m = client(node, await signUp(node));
    let lost = 0;
    m.on('closed', () => { lost++; });
    m.connect();
    await until('open', () => m.state === 'open');
    await node.kill();
    await until('lost', () => lost === 1);
    m.reconnect();
    await until('lost again', () => lost === 2);
    m.close();
    await sleep(2000);
    assert.deepEqual([m.state, lost], ['closed', 2]);
});

test('a call that is open over the socket alone opens it', async () => {
    const again = await cluster.node(), m = client(again, await signUp(again));
    const [a, b] = await Promise.all([m.call('session.beat'), m.call('session.beat')]);
    assert.ok(a.now && b.now);
    assert.equal(m.state, 'open');
    m.close();
});
