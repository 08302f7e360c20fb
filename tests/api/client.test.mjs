// The client that browsers use, where it is hard to see from a page.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';
import { Madang } from '../../web/madang.js';
import { client } from '../lib/client.mjs';
import { befriend, Cluster, room, root, signUp, sleep, uniqueName, until } from '../lib/daemon.mjs';
import { Proxy } from '../lib/proxy.mjs';

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

const cases = name => fs.readFileSync(path.join(root, 'tests/cases', name), 'utf8').trim().split('\n');

// A server by hand: answer(op, in) gives what is answered, say() what comes by itself.
function scripted(answer) {
    const sockets = [];
    class Scripted {
        readyState = 0;
        constructor(url, protocols) {
            sockets.push(this);
            const open = protocols.find(p => p.startsWith('open.'));
            setImmediate(() => { this.readyState = 1; this.onopen(); this.reply(0, answer('session.open', JSON.parse(Buffer.from(open.slice(5), 'base64url')))); });
        }
        say(m) { if (this.readyState === 1) this.onmessage({ data: JSON.stringify(m) }); }
        reply(id, out) { if (out) setImmediate(() => { this.say({ id, out }); for (const m of out.then ?? []) this.say(m); }); }
        send(text) { const m = JSON.parse(text); this.reply(m.id, answer(m.op, m.in)); }
        close() { this.readyState = 3; }
    }
    const m = new Madang({ base: 'http://localhost', WebSocket: Scripted });
    m.adopt({ access_token: 'x', account: 1, role: 'member', expires_in: 800 });
    return { m, sockets };
}

test('a server that has gone back behind what the client has seen is believed, and what is new is handed on', async t => {
    const lines = cases('future-number.jsonl').map(JSON.parse), [, asked, opened, , synced, event] = lines.map(l => l['->'] ?? l['<-']);
    for (const told of ['nothing', 'resync', 'later']) { // when it opens, without a word and with one; and while it is connected
        const gone = asked.in.seen['room:1'], back = opened.out.heads['room:1'], heard = [];
        let head = told === 'later' ? gone : back, log = [];
        const { m, sockets } = scripted((op, { since } = {}) => op === 'session.open' ? { heads: { 'room:1': head }, then: told === 'resync' ? [{ ev: 'resync', on: 'room:1' }] : [] }
            : op === 'topic.sync' ? { ...synced.out, events: log.filter(e => e.seq > since), head, complete: told !== 'resync' || since <= head } : {});
        const happens = seq => { head = seq; log.push({ ...event, seq, data: {} }); sockets[0].say(log.at(-1)); };
        t.after(() => m.close());
        m.seen = { ...asked.in.seen };
        for (const name of ['dm.message', 'resync']) m.on(name, e => heard.push(e.seq ?? name));
        m.connect();
        await until('open', () => m.state === 'open');
        if (told === 'later') { happens(gone + 1); head = back; log = []; }
        happens(event.seq);
        happens(event.seq + 1);
        await until('as far as the server is', () => m.seen['room:1'] === event.seq + 1);
        happens(event.seq + 2);
        await until('the last one', () => heard.at(-1) === event.seq + 2 || heard.at(-1) === 'resync' && m.seen['room:1'] === event.seq + 2);
        // each is handed on, or "read anew" is told after it
        for (const seq of [8, 9, 10]) assert.ok(heard.includes(seq) || heard.includes('resync'), `${told}: ${seq} in ${heard}`);
        assert.ok(heard.includes('resync'), told);
        assert.equal(heard.at(-1), 10, `${told}: ${heard}`);
        if (told !== 'later') assert.deepEqual(heard.filter(Number), [8, 9, 10]);
    }
});

test('the same with the daemon', async t => {
    const again = await cluster.node(), a = await signUp(again), b = await signUp(again), heard = [];
    await befriend(a, b);
    const r = await room(a, b), m = client(again, b);
    t.after(() => m.close());
    m.seen = { [`room:${r}`]: 9999 };
    for (const name of ['dm.message', 'resync']) m.on(name, e => { if (e.on === `room:${r}`) heard.push(e.seq ?? name); });
    m.connect();
    await until('open', () => m.state === 'open');
    await again.ok('POST', `/api/v1/rooms/${r}/messages`, a.token, { client_id: 'the-first-one', body: '안녕' });
    await until('the message', () => heard.includes(1));
    assert.equal(heard[0], 'resync');
    m.close();
});

test('whatever the clock of the device says, the token is refreshed when the server says so', async t => {
    const [, ...rows] = cases('client-clock.tsv').map(l => l.split('\t'));
    const H = 3600e3, off = { right: 0, 'ten minutes fast': H / 6, 'an hour fast': H, 'a day fast': 24 * H, 'an hour slow': -H, 'forty days slow': -960 * H };
    for (const [clock, , , right] of rows) {
        const server = Date.parse('2026-11-26T00:00:00Z'), device = clock === 'at 2010' ? Date.parse('2010-01-01') : server + off[clock];
        assert.ok(Number.isFinite(device), clock);
        t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: device });
        const delays = [], timer = globalThis.setTimeout;
        globalThis.setTimeout = (run, ms, ...more) => { if (/refresh/.test(run)) delays.push(ms); return timer(run, ms > 2 ** 31 - 1 ? 1 : ms, ...more); }; // as browsers do
        let refreshed = 0;
        const m = new Madang({ base: 'http://x', fetch: async () => {
            refreshed++;
            const now = server + Date.now() - device;
            return new Response(JSON.stringify({ account: 1, role: 'member', access_token: 'x', expires: new Date(now + 900e3).toISOString(), expires_in: 900 }), { headers: { date: new Date(now).toUTCString() } });
        } });
        const pass = async ms => { for (let i = 0; i < ms; i += 100) { t.mock.timers.tick(100); for (let k = 0; k < 20; k++) await Promise.resolve(); await new Promise(setImmediate); } };
        await m.restore();
        await pass(8000);
        assert.equal(refreshed, Number(right), clock);
        await pass(900e3);
        assert.equal(refreshed, 2, `${clock}: and before it ends`);
        assert.ok(delays.every(ms => ms >= 5000 && ms <= 86400e3), `${clock}: ${delays}`);
        m.forget();
        globalThis.setTimeout = timer;
        t.mock.timers.reset();
    }
});

test('a token of any length of life is renewed neither in no time nor never', () => {
    const delays = [], timer = globalThis.setTimeout;
    globalThis.setTimeout = (run, ms) => { delays.push(ms); return { unref() {} }; };
    try {
        for (const expires_in of [0, 1, 900, 86400 * 60, undefined]) new Madang({}).adopt({ account: 1, access_token: 'x', expires_in });
    } finally { globalThis.setTimeout = timer; }
    assert.ok(delays.every(ms => ms >= 5000 && ms <= 86400e3), String(delays));
});

test('a key counts at both doors: what the socket lost is asked by REST, and happens once', async () => {
    const node2 = await cluster.node(), p = await signUp(node2), s = await node2.socket(p), chats = new Set();
    for (const language of ['ko', 'en']) {
        const over = await s.ok('tarot.open', { language }, `k-${language}`), by = await node2.post('/api/v1/tarot/chats', p.token, `{ "language" : "${language}" }`, { 'idempotency-key': `"k-${language}"` });
        assert.equal(by.status, 201);
        assert.equal(by.body.chat.chat, over.chat.chat);
        chats.add(over.chat.chat);
    }
    assert.equal(chats.size, 2);
    assert.equal((await node2.post('/api/v1/tarot/chats', p.token, { language: 'ko' }, { 'idempotency-key': '"k-en"' })).status, 422);
    assert.equal((await node2.ok('GET', '/api/v1/tarot/chats', p.token)).chats.length, 2);
    await s.close();
});

test('a network that swallows everything is noticed within 15 s; what was sent happens once when it is back', async t => {
    const node2 = await cluster.node(), a = await signUp(node2), b = await signUp(node2);
    await befriend(a, b);
    const r = await room(a, b), proxy = await new Proxy(0, node2.port).start(), m = client({ ...node2, base: `http://localhost:${proxy.port}` }, a);
    let lost = 0;
    t.after(() => { m.close(); return proxy.stop(); }); // also when it fails: else it would keep the run alive
    m.on('closed', () => { lost ||= performance.now(); });
    m.connect();
    await until('open', () => m.state === 'open');
    proxy.silent = true;
    const began = performance.now();
    await until('it is noticed without anything to send', () => lost, 30000);
    assert.ok(lost - began < 15000, `after ${lost - began} ms`);
    proxy.silent = false;
    await until('open again', () => m.state === 'open', 30000);
    // the other way: what is asked comes through, the answer does not
    proxy.deaf = true;
    lost = 0;
    const began2 = performance.now(), sent = m.call('dm.send', { room: r, client_id: 'happens-once', body: '한 번만' }, { again: true }), opened = m.call('tarot.open', { language: 'ko' });
    await until('it is done', async () => (await node2.ok('GET', `/api/v1/rooms/${r}/messages`, b.token)).messages.length === 1);
    await until('it is noticed', () => lost, 30000);
    assert.ok(lost - began2 < 15000, `after ${lost - began2} ms`);
    proxy.deaf = false;
    const [message, chat] = await Promise.all([sent, opened]);
    assert.deepEqual((await node2.ok('GET', `/api/v1/rooms/${r}/messages`, b.token)).messages.map(x => x.seq), [message.seq]);
    assert.deepEqual((await node2.ok('GET', '/api/v1/tarot/chats', a.token)).chats.map(c => c.chat), [chat.chat.chat]);
});

test('all pages of a list, and no more', async () => {
    const asked = [], m = new Madang({ base: 'http://x', fetch: async url => {
        asked.push(new URL(url).search);
        const from = Number(new URL(url).searchParams.get('after') ?? 0);
        return new Response(JSON.stringify({ people: [from, from + 1], next: from < 4 ? from + 2 : null }));
    } });
    assert.deepEqual(await m.all('friends.list', 'people', { limit: 2 }, { by: 'after' }), [0, 1, 2, 3, 4, 5]);
    assert.deepEqual(asked, ['?limit=2', '?limit=2&after=2', '?limit=2&after=4']);
});

test('lists in a query: commas between, an escaped one inside', async () => {
    const asked = [], m = new Madang({ base: 'http://x', fetch: async url => { asked.push(url); return new Response('{}'); } });
    await m.call('reports.list', { states: ['open', 'accepted'], limit: 2 });
    await m.call('reports.list', { states: [] });
    await m.call('people.search', { nickname: 'a,b &한' });
    await m.call('people.search', { nickname: ['a,b', 'c d'] });
    assert.deepEqual(asked.map(u => new URL(u).search), ['?states=open,accepted&limit=2', '?states=', '?nickname=a%2Cb+%26%ED%95%9C', '?nickname=a%2Cb,c+d']);
});

test('what was asked for as one person is neither repeated nor answered as another', async () => {
    let let_go, asked = [];
    const m = new Madang({ base: 'http://x', fetch: async (url, options) => {
        asked.push([new URL(url).pathname, options.headers.authorization]);
        if (url.endsWith('/me')) { await new Promise(r => { let_go = r; }); return new Response('{"id":1}'); }
        if (url.endsWith('/rooms')) return new Response('{"code":"auth.token"}', { status: 401 });
        return new Response(JSON.stringify({ account: 2, role: 'member', access_token: 'two', expires_in: 900 }));
    } });
    m.adopt({ account: 1, role: 'member', access_token: 'one', expires_in: 900 });
    const late = assert.rejects(m.call('me.get'), { code: 'signed-out' }), heard = [];
    m.on('account', e => heard.push(e.account));
    await assert.rejects(m.call('dm.open', { account: 3 }), { code: 'signed-out' }); // its token had ended, and the cookie was another's by then
    let_go();
    await late;
    assert.deepEqual(heard, [2]);
    assert.deepEqual(asked.filter(([, who]) => who === 'Bearer two'), []);
    // an answer that comes after logging out logs nobody in
    const again = m.refresh().catch(p => p.code);
    m.forget('logout');
    assert.equal(await again, 'signed-out');
    assert.equal(m.signedIn, false);
});

test('a refresh that is answered late does not take back what has become of the person meanwhile', async t => {
    const own = await cluster.node(), p = await signUp(own, { onboard: false });
    let letGo;
    const m = new Madang({ base: own.base, WebSocket, fetch: async (url, options) => {
        const r = await fetch(url, { ...options, headers: { ...options.headers, cookie: p.cookie, origin: own.base } });
        if (url.endsWith('/auth/refresh')) await new Promise(go => { letGo = go; });
        return r;
    } });
    t.after(() => m.close());
    m.adopt({ access_token: p.token, account: p.id, role: 'newcomer', expires_in: 800 });
    const late = m.refresh();
    await until('the answer to be on its way', () => letGo);
    await m.onboard({ nickname: uniqueName('late'), region: 'seoul', interests: ['music'] });
    letGo();
    await late;
    assert.equal(m.role, 'member');
    assert.deepEqual((await m.call('friends.list')).people, []);
});
