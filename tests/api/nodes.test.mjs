// Who comes, goes and comes back: accounts to a node, nodes to each other.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { at, befriend, Cluster, room, signUp, sleep, until } from '../lib/daemon.mjs';

let cluster, one, a, b, c, ab, ac;
before(async () => {
    cluster = await new Cluster().start();
    one = await cluster.node();
    [a, b, c] = [await signUp(one), await signUp(one), await signUp(one)];
    for (const other of [b, c]) await befriend(a, other);
    ab = await room(a, b);
});
after(() => cluster.stop());
const send = (from, to, id) => from.node.ok('POST', `/api/v1/rooms/${to}/messages`, from.token, { client_id: id, body: id });
const heard = s => s.events.filter(e => e.ev === 'dm.message').map(e => e.data.client_id);

test('who comes back within seconds gets what was said meanwhile, also in a room made meanwhile', async () => {
    const first = await one.socket(a), { heads } = first.opened;
    await first.close();
    await send(b, ab, 'while-away-1');
    const again = await one.socket(a, { seen: heads });
    await again.event('dm.message');
    assert.deepEqual(heard(again), ['while-away-1']);
    assert.equal(again.opened.heads[`room:${ab}`], (heads[`room:${ab}`] ?? 0) + 1);
    await again.close();
    ac = await room(c, a);
    const third = await one.socket(a, { seen: again.opened.heads });
    assert.ok(`room:${ac}` in third.opened.heads, JSON.stringify(third.opened.heads));
    await send(c, ac, 'in-the-new-room');
    await third.event('dm.message');
    assert.deepEqual(heard(third), ['in-the-new-room']);
    await third.close();
});

test('what one session joined of its own is not joined for the next', async () => {
    const first = await one.socket(a);
    const names = Object.keys(first.opened.heads).sort();
    await first.close();
    const again = await one.socket(a);
    assert.deepEqual(Object.keys(again.opened.heads).sort(), names);
    await again.close();
});

test('a second node comes: sockets that are open already hear it, from its first message on', async () => {
    const s = await one.socket(a), seen = heard(s).length;
    const two = await cluster.node();
    for (let i = 0; i < 20; i++) await two.ok('POST', `/api/v1/rooms/${ab}/messages`, b.token, { client_id: `from-two-${i}`, body: 'x' });
    const came = await two.socket(b);
    await until('all of them, each once', () => heard(s).length - seen >= 20, 3000);
    assert.deepEqual(heard(s).slice(seen), Array.from({ length: 20 }, (_, i) => `from-two-${i}`));
    await s.event('presence.changed', e => e.data.changes.some(x => x.account === b.id && x.online), 4000);
    await came.close();
    await two.ok('POST', `/api/v1/rooms/${ab}/messages`, b.token, { client_id: 'steady-on', body: 'x' });
    await until('heard', () => heard(s).includes('steady-on'), 3000);
    await two.kill('SIGTERM');
    two.killed = true;
    await s.close();
});

test('alone again, and again in company', async () => {
    const s = await one.socket(a);
    const three = await cluster.node(), t = await three.socket(b);
    await three.ok('POST', `/api/v1/rooms/${ab}/messages`, b.token, { client_id: 'in-company', body: 'x' });
    await until('one heard three', () => heard(s).includes('in-company') || s.events.some(e => e.ev === 'resync'), 3000);
    await send(a, ab, 'to-three');
    await until('three heard one', () => heard(t).includes('to-three'), 3000);
    await Promise.all([s.close(), t.close()]);
});

test('what a draining node commits last is heard by who has moved to the other', async () => {
    const old = await cluster.node({ MADANG_HTTP_DRAIN_MS: '8000' });
    const db = new pg.Client({ host: cluster.at, user: 'madang', database: cluster.database });
    await db.connect();
    await db.query('begin');
    await db.query('lock table dm_messages in exclusive mode');
    const said = old.ok('POST', `/api/v1/rooms/${ab}/messages`, b.token, { client_id: 'said-at-last', body: 'x' });
    await until('it waits for the lock', async () => (await cluster.sql("select 1 from pg_locks where not granted and relation = 'dm_messages'::regclass")).length);
    old.process.kill('SIGTERM');
    await sleep(1100); // a beat of the other; it waits for the lock for two seconds
    const moved = await one.socket(a);
    await db.query('commit');
    await db.end();
    await said;
    await until('heard', () => heard(moved).includes('said-at-last'), 3000);
    await moved.close();
    assert.deepEqual(await old.exited, { code: 0, signal: null });
    old.killed = true;
});

test('an event that the relay lost is not lost for who comes back', async () => {
    const two = await cluster.node(), first = await one.socket(a), { heads } = first.opened;
    await send(b, ab, 'heard-before'); // so that the node knows a number
    await first.event('dm.message', e => e.data.client_id === 'heard-before');
    heads[`room:${ab}`] = first.events.filter(e => e.ev === 'dm.message').at(-1).seq;
    await one.fault('relay-deaf', 0, 100);
    await two.ok('POST', `/api/v1/rooms/${ab}/messages`, b.token, { client_id: 'never-relayed', body: 'x' });
    await sleep(300);
    await one.fault('relay-deaf', 0, 0);
    const second = await one.socket(a);
    assert.equal(second.opened.heads[`room:${ab}`], heads[`room:${ab}`] + 1);
    await first.close();
    await second.close();
    const again = await one.socket(a, { seen: heads });
    await until('what was missed', () => heard(again).includes('never-relayed'), 3000);
    await again.close();
});

test('what a killed node committed and did not publish is told, also when it is back before its lease lapses', async () => {
    const two = await cluster.node(), s = await one.socket(a);
    await until('each to know the other', async () => { await two.ok('POST', `/api/v1/rooms/${ab}/messages`, b.token, { client_id: `known-${Date.now()}`, body: 'x' }); return heard(s).some(id => id.startsWith('known-')); });
    s.events.length = 0;
    await two.fault('die-after-commit');
    two.killed = true;
    await two.post(`/api/v1/rooms/${ab}/messages`, b.token, { client_id: 'never-published', body: 'x' }).catch(() => {});
    await two.exited;
    await two.start();
    await until('it to be told', () => heard(s).includes('never-published') || s.events.some(e => e.ev === 'resync'), 15000);
    await two.stop();
    two.killed = true;
    await s.close();
});

test('Postgres comes back while an event waits for the one before it: who follows the topic is sent to look', async () => {
    const two = await cluster.node({ MADANG_NODE_NAME: 'a-name-of-forty-characters-for-one-node1' }), s = await one.socket(a), on = `account:${a.id}`;
    const say = number => execFileSync('redis-cli', ['-s', `${at}/redis.sock`, 'publish', `${cluster.id}:t:${on}`, `elsewhere ${number}\n{"ev":"notice.deleted","on":"${on}","seq":${number},"data":{"notice":1}}`]);
    let last = s.opened.heads[on] ?? 0;
    await until('events of other nodes are heard', () => { say(++last); return s.events.some(e => e.ev === 'notice.deleted'); });
    await until('in order', () => s.events.some(e => e.seq === last));
    s.events.length = 0;
    say(last + 2);
    await cluster.sql("select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'madangd %' and datname = current_database()");
    await s.event('resync', e => e.on === on);
    await s.close();
    const names = String(execFileSync('redis-cli', ['-s', `${at}/redis.sock`, 'zrange', `${cluster.id}:nodes`, '0', '-1'])).trim().split('\n');
    assert.ok(names.some(n => n.startsWith('a-name-of-forty-characters')) && names.every(n => n.length <= 40), names.join());
    await two.stop();
    cluster.nodes.splice(cluster.nodes.indexOf(two), 1);
});
