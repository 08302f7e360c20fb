// Joining and catching up when something fails, is far behind, or is ahead of the database; and what it costs.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { befriend, Cluster, room, root, signUp, until } from '../lib/daemon.mjs';

let cluster, node, a, b, on;
before(async () => {
    cluster = await new Cluster().start();
    node = await cluster.node();
    [a, b] = [await signUp(node), await signUp(node)];
    await befriend(a, b);
    on = `room:${await room(a, b)}`;
});
after(() => cluster.stop());

let count = 0;
const say = async () => { const id = `said-${++count}-xxxx`; await node.ok('POST', `/api/v1/rooms/${on.slice(5)}/messages`, b.token, { client_id: id, body: id }); return id; };
const hears = async s => { const id = await say(); await s.event('dm.message', e => e.data.client_id === id); };
const queries = async () => Number(/madang_pg_queries_total (\d+)/.exec(await node.admin('/metrics'))[1]);

test('an opening, a reading or a catching up that fails leaves the socket hearing what it heard', async () => {
    const s = await node.socket(a), chat = await s.ok('tarot.open', { language: 'ko' }), told = [];
    for (const fault of ['query-fails', 'redis-fails'])
        for (const [op, input] of [['session.open', {}], ['session.open', { seen: { [on]: 0 } }], ['topic.sync', { topic: on, since: 0 }], ['tarot.read', { chat: chat.chat.chat, since: 0 }]])
            for (let after = 0; after < 4; after++) {
                await node.fault(fault, after, 1000);
                told.push((await s.call(op, input)).problem?.code);
                await node.admin('/faults', { method: 'POST' });
                await hears(s);
            }
    assert.ok(told.includes('internal') || told.includes('store.unavailable'), String(told));
    const { turn } = await s.ok('tarot.say', { chat: chat.chat.chat, text: '안녕하세요' });
    await s.event('tarot.ended', e => e.data.turn === turn);
});

test('who was not a member before it failed is none afterwards', async () => {
    const s = await node.socket(a, { wait: false });
    await node.fault('query-fails', 2, 1000);
    const failed = await s.call('session.open', { token: a.token, seen: { [on]: 0 } });
    await node.admin('/faults', { method: 'POST' });
    if (failed.problem) assert.equal((await s.call('topic.sync', { topic: on, since: 0 })).problem.code, 'auth.forbidden');
    await s.ok('session.open', { token: a.token });
    await hears(s);
});

test('a number beyond the head is told, and the state is to be read anew', async () => {
    const rows = fs.readFileSync(path.join(root, 'tests/cases/future-number.jsonl'), 'utf8').trim().split('\n').map(l => JSON.parse(l));
    const asked = rows.filter(r => r['->']).map(r => JSON.parse(JSON.stringify(r['->']).replaceAll('room:1', on).replaceAll('"…"', JSON.stringify(a.token))));
    await say();
    const head = (await cluster.sql('select head from topics where topic = $1', [on]))[0].head, s = await node.socket(a, { wait: false });
    const opened = await s.ok(asked[0].op, asked[0].in);
    assert.equal(opened.heads[on], Number(head));
    await s.event('resync', e => e.on === on);
    assert.deepEqual(await s.ok(asked[1].op, asked[1].in), { events: [], head: Number(head), complete: false });
    assert.deepEqual(await node.ok('GET', `/api/v1/rooms/${on.slice(5)}/events?since=9999`, a.token), { events: [], head: Number(head), complete: false });
    assert.deepEqual(await s.ok('topic.sync', { topic: on, since: Number(head) }), { events: [], head: Number(head), complete: true });
    const all = await s.ok('topic.sync', { topic: on, since: 0 });
    assert.ok(all.complete && all.events.length === Number(head));
    await hears(s);
});

// Rooms of a with so many events each, written beneath the daemon; their topics.
async function rooms(events, bytes = 20) {
    const made = [];
    for (const n of events) {
        const friend = await signUp(node);
        await befriend(a, friend);
        const id = await room(a, friend), topic = `room:${id}`;
        await cluster.sql('insert into topics (topic, head) values ($1, $2) on conflict (topic) do update set head = excluded.head', [topic, n]);
        await cluster.sql(`insert into topic_log (topic, seq, ev, data) select $1, n, 'dm.deleted', (json_build_object('room', $3::bigint, 'message', n)::text || repeat(' ', $4))::json from generate_series(1, $2) n`, [topic, n, id, bytes]);
        made.push(topic);
    }
    return made;
}

test('of many topics what is missing comes by one statement, and what would not be sent is not asked for', async () => {
    const short = await rooms([1, 2, 3, 4, 5, 6, 7]), long = await rooms([499, 500], 3000), far = await rooms([501, 700]);
    const once = async seen => {
        const s = await node.socket(a, { wait: false }), before = await queries(), { heads } = await s.ok('session.open', { token: a.token, seen });
        const spent = await queries() - before, told = topic => s.events.filter(e => e.on === topic).map(e => e.ev === 'resync' ? e.ev : e.seq);
        await s.ok('session.beat');
        const result = { spent, told: Object.fromEntries(Object.keys(seen).map(t => [t, told(t)])) };
        s.close();
        return { ...result, heads };
    };
    // Jobs and keepers make statements of their own: the cheapest of some openings made none between.
    const cost = async seen => { let best; for (let i = 0; i < 8; i++) { const r = await once(seen); if (!best || r.spent < best.spent) best = r; } return best; };
    const none = (await cost({})).spent, zero = topics => Object.fromEntries(topics.map(t => [t, 0]));
    const few = await cost(zero(short)); // the account lingers: the second opening is answered from memory
    short.forEach((t, i) => assert.deepEqual(few.told[t], Array.from({ length: i + 1 }, (_, k) => k + 1)));
    assert.ok(few.spent <= none + 1, `${few.spent} statements, ${none} with nothing missing`);
    const farther = await cost(zero(far));
    for (const t of far) assert.deepEqual(farther.told[t], ['resync']);
    assert.ok(farther.spent <= none, `${farther.spent} statements for what is not sent, ${none} without`);
    const all = await cost(zero([...long, ...far, ...short]));
    short.forEach((t, i) => assert.equal(all.told[t].length, i + 1, 'the short ones are not lost for the long ones'));
    for (const t of [...long, ...far]) assert.deepEqual(all.told[t], ['resync']);
    assert.ok(all.spent <= none + 2, `${all.spent} statements`);
});

test('openings are limited, by account and by address, however the token comes', async () => {
    const own = await cluster.node({ MADANG_LIMITS_SCALE: '1', MADANG_WS_OPENS_ACCOUNT: '3', MADANG_WS_OPENS_ADDRESS: '20' }), c = await signUp(node);
    const codes = async (person, n, options = {}) => { const s = await own.socket(person, { wait: false, ...options }), out = []; for (let i = 0; i < n; i++) out.push((await s.call('session.open', options.protocols ? {} : { token: person.token })).problem?.code); return out; };
    assert.deepEqual(await codes(c, 5), [undefined, undefined, undefined, 'rate-limited', 'rate-limited']);
    assert.deepEqual((await codes(c, 1, { protocols: ['madang.v1', `bearer.${c.token}`] })), ['rate-limited']);
    assert.deepEqual(await codes(b, 3), [undefined, undefined, undefined], 'another account has its own');
    const refused = await until('the address to have used up its own', async () => { const [code] = await codes({ ...a, token: 'x'.repeat(40) }, 1); return code === 'rate-limited' && code; });
    assert.equal(refused, 'rate-limited');
});
