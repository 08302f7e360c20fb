// Five people send 2,000 numbered messages across two nodes while a node is killed, Redis and Postgres restart: every acknowledged
// message is in every reader's history exactly once and in order, and all clients recover by themselves.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { client } from '../lib/client.mjs';
import { befriend, Cluster, room, signUp, sleep, until } from '../lib/daemon.mjs';
import { all } from '../lib/process.mjs';
import { Stores } from '../lib/stores.mjs';

const TOTAL = 2000;
let stores, cluster, one, two;
before(async () => {
    stores = await new Stores().start();
    cluster = await new Cluster(stores).start();
    one = await cluster.node();
    two = await cluster.node();
});
after(() => all(() => cluster?.stop(), () => stores?.stop()));

test('nothing acknowledged is lost, doubled or out of order', { timeout: 180000 }, async () => {
    const people = [];
    for (let i = 0; i < 5; i++) people.push(await signUp(one));
    const rooms = [];
    for (let i = 0; i < 5; i++) for (let k = i + 1; k < 5; k++) { await befriend(people[i], people[k]); rooms.push({ id: await room(people[i], people[k]), members: [i, k] }); }
    const clients = people.map((p, i) => client(i % 2 ? two : one, p));
    const heard = people.map(() => new Map()); // person → room → numbers of messages, as handed on
    clients.forEach((m, i) => {
        m.on('dm.message', e => { const list = heard[i].get(e.on) ?? []; list.push(e.seq); heard[i].set(e.on, list); });
        m.connect();
    });
    await until('all open', () => clients.every(m => m.state === 'open'));

    const acknowledged = new Map(); // client_id → { room, seq }
    let sent = 0;
    const sender = async i => {
        while (sent < TOTAL) {
            const n = sent++, mine = rooms.filter(r => r.members.includes(i)), to = mine[n % mine.length];
            const id = `message-${String(n).padStart(6, '0')}`;
            const out = await clients[i].call('dm.send', { room: to.id, client_id: id, body: `number ${n}` }, { again: true });
            acknowledged.set(id, { room: to.id, seq: out.seq });
        }
    };
    const chaos = (async () => {
        await until('some sent', () => sent > TOTAL * 0.15, 60000);
        await two.kill('SIGKILL');
        await until('more sent', () => sent > TOTAL * 0.3, 60000);
        await two.start();
        await until('more sent', () => sent > TOTAL * 0.45, 60000);
        await stores.killRedis();
        await sleep(700);
        await stores.startRedis();
        await until('more sent', () => sent > TOTAL * 0.7, 60000);
        await stores.killPostgres();
        await sleep(500);
        await stores.startPostgres();
    })();
    await Promise.all([chaos, ...people.flatMap((_, i) => [sender(i), sender(i)])]);
    assert.equal(acknowledged.size, TOTAL);

    await until('all open again', () => clients.every(m => m.state === 'open'), 20000);
    const expected = new Map(rooms.map(r => [r.id, [...acknowledged.values()].filter(x => x.room === r.id).map(x => x.seq).sort((a, b) => a - b)]));
    for (const r of rooms) {
        const rows = (await cluster.sql('select seq, client_id from dm_messages where room = $1 order by seq', [r.id]));
        assert.deepEqual(rows.map(x => Number(x.seq)), expected.get(r.id), 'the table holds each acknowledged message once');
        assert.deepEqual(rows.map(x => Number(x.seq)), rows.map((_, i) => i + 1), 'numbers are dense');
        for (const i of r.members) {
            await until(`reader ${i} of room ${r.id} has all`, () => (heard[i].get(`room:${r.id}`) ?? []).length >= rows.length, 20000);
            assert.deepEqual(heard[i].get(`room:${r.id}`), expected.get(r.id), `reader ${i} heard each once and in order`);
        }
    }
    clients.forEach(m => m.close());
});
