// One honest story with a daemon told to lie: what the judge must catch.
import { test } from 'node:test';
import { Cluster, signUp } from './lib/daemon.mjs';

test('a daemon that lies', async () => {
    const cluster = await new Cluster().start(), node = await cluster.node(), p = await signUp(node);
    await node.fault(process.env.MADANG_BREAK, 0, 3);
    for (let i = 0; i < 3; i++) await node.get('/api/v1/me', p.token);
    await cluster.stop();
});
