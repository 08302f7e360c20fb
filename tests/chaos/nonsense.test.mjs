// Stores that have lost their mind: flipped bits, garbage, messages that should not come, answers cut short. Whatever they say, the
// loop turns, the process lives, and what is well again is used again. MADANG_NONSENSE_ROUNDS: how often each (4).
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Cluster, signUp, until } from '../lib/daemon.mjs';
import { all } from '../lib/process.mjs';
import { Proxy } from '../lib/proxy.mjs';
import { Stores } from '../lib/stores.mjs';

const rounds = Number(process.env.MADANG_NONSENSE_ROUNDS ?? 4);
let stores, cluster, node, pg, redis, a;
before(async () => {
    stores = await new Stores().start();
    cluster = await new Cluster(stores).start();
    pg = await new Proxy(path.join(stores.at, 'p/.s.PGSQL.5432'), path.join(stores.at, '.s.PGSQL.5432')).start();
    redis = await new Proxy(path.join(stores.at, 'p/redis.sock'), path.join(stores.at, 'redis.sock')).start();
    node = await cluster.node({ MADANG_PG_URL: `postgresql://madang@/${cluster.database}?host=${stores.at}/p`, MADANG_REDIS_URL: `redis+unix://${redis.at}` });
    a = await signUp(node);
});
after(() => all(() => cluster?.stop(), () => pg?.stop(), () => redis?.stop(), () => stores?.stop()));

// The same numbers each time (mulberry32).
function random(seed) {
    return below => { seed = (seed + 0x6D2B79F5) | 0; let t = Math.imul(seed ^ (seed >>> 15), 1 | seed); t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t; return ((t ^ (t >>> 14)) >>> 0) % below; };
}
const flip = n => b => { b = Buffer.from(b); b[n(b.length)] ^= 1 << n(8); return b; };
const cut = n => b => b.subarray(0, n(b.length));
const twice = () => b => Buffer.concat([b, b]);
const garbage = n => b => Buffer.concat([b.subarray(0, n(b.length)), Buffer.from(Array.from({ length: 64 }, () => n(256)))]);
const message = (type, body = '') => { const m = Buffer.alloc(5 + body.length); m.write(type); m.writeInt32BE(4 + body.length, 1); m.write(body, 5, 'latin1'); return m; };
const first = m => () => b => Buffer.concat([m, b]);
const ways = {
    flip, cut, twice, garbage,
    'done without a question': first(message('Z', 'I')), 'COPY is wanted': first(message('G', '\x00\x00\x00')), 'COPY begins': first(message('H', '\x00\x00\x00')),
    'a row without a head': first(message('D', '\x00\x01\x00\x00\x00\x01x')), 'an error without a word': first(message('E', '\x00')), 'an empty answer': first(message('I')),
    'a message without end': first(Buffer.from('D\x7f\xff\xff\xff', 'latin1')), 'a negative length': first(Buffer.from('D\xff\xff\xff\xff', 'latin1')),
    'a reply of 2^63': first(Buffer.from('*9223372036854775807\r\n')), 'a text of -7': first(Buffer.from('$-7\r\n')), 'lists within lists': first(Buffer.from('*1\r\n'.repeat(50))),
    'a push': first(Buffer.from('*3\r\n$7\r\nmessage\r\n$1\r\nx\r\n$1\r\ny\r\n')), 'not a word': first(Buffer.from('\r\n\r\n\r\n')),
};
const calls = [
    () => node.get('/api/v1/me', a.token), () => node.call('PATCH', '/api/v1/me', { token: a.token, body: { introduction: 'words' } }),
    () => node.post('/api/v1/auth/guest'), () => node.call('POST', '/api/v1/auth/refresh', { headers: { cookie: a.cookie, origin: node.base } }), () => node.get('/api/v1/rooms', a.token),
    () => node.get('/api/v1/friends', a.token), () => node.post('/api/v1/auth/login', undefined, { email: a.email, password: a.password }),
];

for (const [name, proxy] of [['Postgres', () => pg], ['Redis', () => redis]])
    for (const [way, make] of Object.entries(ways))
        test(`${name}: ${way}`, async () => {
            for (let i = 1; i <= rounds; i++) {
                proxy().spoil = make(random(i * 7919));
                await Promise.all(calls.map(c => c().catch(e => e))); // a wrong word in an answer may be anything, but it is an answer
                assert.equal((await node.admin('/healthz')), 'ok\n', node.log.slice(-2000));
                proxy().spoil = null;
                proxy().reset();
            }
            assert.equal(node.exit, undefined, node.log.slice(-3000));
            await until('it is used again', async () => (await calls[0]()).status === 200 && (await node.admin('/readyz')).ready, 20000);
            if ((await calls[3]()).status !== 200) { const l = await calls[6](); assert.equal(l.status, 200, JSON.stringify(l.body)); a.cookie = l.cookie; a.token = l.body.access_token; }
        });

// What a store says is no index and no pointer: a job of a kind that nobody knows, numbers that are none, a card beyond the deck.
const spoken = change => () => b => Buffer.from(change(b.toString('latin1')), 'latin1');
test('Postgres: a job of no known kind', async () => {
    pg.spoil = spoken(t => t.replaceAll('mail.send', 'mail.sEnd'))();
    await node.ok('POST', '/api/v1/auth/codes', undefined, { email: 'nobody@example.com', purpose: 'signup' });
    await node.logs(/job +mail\.sEnd \d+: no kind is called that/);
    pg.spoil = null;
    assert.equal((await calls[0]()).status, 200);
});
test('Postgres: a number that is none', async () => {
    // of each row of one column that holds a number
    pg.spoil = spoken(t => t.replace(/D\0\0\0.\0\x01\0\0\0.\d+/gs, row => row.replace(/\d+$/, n => '0'.repeat(n.length))))();
    for (let i = 0; i < 3; i++) await Promise.all(calls.map(c => c().catch(e => e)));
    pg.spoil = null;
    assert.equal(node.exit, undefined, node.log.slice(-3000));
    assert.match(node.log, /event me\.changed of account:\d+: no number/);
    await until('it is used again', async () => (await calls[0]()).status === 200, 20000);
});
test('Postgres: a card beyond the deck', async () => {
    const { chat: { chat } } = await node.ok('POST', '/api/v1/tarot/chats', a.token, { language: 'ko' });
    await cluster.sql('alter table tarot_chats drop constraint if exists tarot_chats_card_check');
    await cluster.sql('update tarot_chats set card = 5000, reversed = false where id = $1', [chat]);
    assert.equal((await node.get(`/api/v1/tarot/chats/${chat}`, a.token)).status, 500);
    assert.equal(node.exit, undefined, node.log.slice(-3000));
});
