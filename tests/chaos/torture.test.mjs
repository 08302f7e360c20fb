// A short day of two friends, again and again: in the n-th run the n-th passage of one kind fails, until a run meets no failure any
// more. In each: every call is answered or its connection ends, what was acknowledged is there once and is heard once, nothing
// crashes and nothing is left behind. MADANG_TORTURE=switch,switch chooses; MADANG_TORTURE_STEP=7 tries every seventh passage.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { client } from '../lib/client.mjs';
import { befriend, Cluster, room, signUp, sleep, until } from '../lib/daemon.mjs';
import { png } from '../lib/pictures.mjs';

const step = Number(process.env.MADANG_TORTURE_STEP ?? 1), chosen = process.env.MADANG_TORTURE?.split(',');
const ANSWER_MS = 6000, TRIES_MAX = 20;
let cluster, one, two, a, b, c, ab, picture, clients, heard, baseline, run = 0;

before(async () => {
    cluster = await new Cluster().start();
    one = await cluster.node({ MADANG_LOG_ACCESS: 'false' });
    two = await cluster.node({ MADANG_LOG_ACCESS: 'false' });
    [a, b, c] = [await signUp(one), await signUp(one), await signUp(one)];
    await befriend(a, b);
    ab = await room(a, b);
    picture = png(64, 48);
    clients = [client(one, a), client(one, b), client(two, b)];
    heard = clients.map(() => []);
    clients.forEach((m, i) => { m.on('dm.message', e => heard[i].push(e.data.client_id)); m.connect(); });
    await until('all open', () => clients.every(m => m.state === 'open'));
    await day('first');
    await sleep(1500);
    baseline = await left();
});
after(async () => {
    for (const m of clients ?? []) m.close();
    await cluster?.stop();
});

const admin = path => until(path, async () => { const out = await one.admin(path); return Array.isArray(out) && out; }); // it may be the one that fails
const left = async () => (await admin('/lists/memory'))[0];
const within = (what, promise) => Promise.race([promise, sleep(ANSWER_MS).then(() => { throw Object.assign(new Error(`no answer: ${what}`), { silent: true }); })]);

// Until it is done: what fails must say that it may be tried again. Codes in `done` mean, at a second try, that the first one did it.
async function persist(what, attempt, done = []) {
    for (let i = 0; ; i++) {
        try { return await within(what, attempt()); } catch (p) {
            if (p.silent || i >= TRIES_MAX) throw p;
            if (i > 0 && done.includes(p.code)) return {};
            if (p.status && (p.status < 500 || !p.retry)) throw new Error(`${what}, try ${i + 1}: ${p.status} ${p.code} ${p.stack}`);
            await sleep(25);
        }
    }
}
const call = (m, op, input, done) => persist(op, () => m.rest(op, input), done);
const socketCall = (m, op, input) => persist(op, () => m.state === 'open' ? m.send(op, input) : m.rest(op, input));

async function day(name) {
    const [ma, mb, elsewhere] = clients, ids = ['plain-', 'picture-', 'abroad-'].map(x => x + name), before = heard.map(h => h.length);
    await socketCall(ma, 'dm.send', { room: ab, client_id: ids[0], body: 'a word' });
    await socketCall(mb, 'dm.typing', { room: ab }).catch(p => assert.match(p.message, /limit/));
    const { file } = await persist('files.add', async () => {
        const r = await one.call('POST', '/api/v1/files', { token: a.token, raw: picture, headers: { 'content-type': 'image/png' } });
        if (r.status >= 300) throw Object.assign(new Error('files.add'), { status: r.status, ...r.body });
        return r.body;
    });
    const sent = await socketCall(ma, 'dm.send', { room: ab, client_id: ids[1], body: '', images: [file] });
    await socketCall(mb, 'dm.read', { room: ab, seq: sent.seq });
    await socketCall(elsewhere, 'dm.send', { room: ab, client_id: ids[2], body: 'from the other node' });
    const page = await call(mb, 'dm.history', { room: ab }), last = page.messages.find(m => m.client_id === ids[1]);
    const bytes = await persist('the picture', async () => {
        const r = await fetch(one.base + last.images[0].url);
        if (!r.ok) throw Object.assign(new Error('picture'), { status: r.status, retry: r.status === 503 });
        return Buffer.from(await r.arrayBuffer());
    });
    const digest = createHash('sha256').update(bytes).digest('hex');
    assert.equal(digest, digestOf ??= digest);
    await call(ma, 'friends.request', { account: c.id }, ['friend.already', 'friend.requested-already']);
    const mc = client(one, c);
    await call(mc, 'friends.accept', { account: a.id }, ['friend.request-not-found']);
    assert.equal((await call(ma, 'friends.list', {})).people.length, 2);
    await call(ma, 'friends.remove', { account: c.id }, ['friend.not-found']);
    assert.equal((await call(ma, 'friends.list', {})).people.length, 1);
    await call(ma, 'people.search', { nickname: b.name.slice(0, 4) });
    await call(ma, 'notices.list', {});
    await call(ma, 'me.points', {});
    await call(mb, 'auth.refresh', {});
    mb.reconnect();
    await until('the socket is closed', () => mb.state !== 'open');
    await until(`heard by all in ${name}`, () => heard.every((h, i) => h.length >= before[i] + 3), 12000);
    await until('open again', () => clients.every(m => m.state === 'open'), 12000);
    for (const [i, h] of heard.entries()) assert.deepEqual(h.slice(before[i]), ids, `heard by client ${i}`);
    assert.equal((await cluster.sql('select count(*)::int as n from dm_messages where client_id = any($1)', [ids]))[0].n, 3);
}
let digestOf;

for (const name of ['query-fails', 'query-lost', 'commit-unknown', 'redis-fails', 'redis-lost', 'queue-full', 'socket-full', 'arena-full', 'buf-full'])
    test(`${name}: whichever passage it is`, { skip: chosen && !chosen.includes(name) }, async t => {
        for (let n = 1; ; n += step) {
            const began = performance.now();
            await one.fault(name, n - 1, 1).catch(() => {}); // the answer itself may be what fails
            try { await day(`${++run}-${name}-${n}`); } catch (e) { throw new Error(`passage ${n}: ${e.stack}\n${one.log.slice(-3000)}`); }
            if (process.env.MADANG_TORTURE_TRACE) console.error(name, n, Math.round(performance.now() - began));
            const fired = (await admin('/faults')).find(f => f.name === name).times === 0;
            await until('it is disarmed', async () => Array.isArray(await one.fault(name, 0, 0)));
            assert.equal(one.exit, undefined, 'the daemon lives');
            await until('nothing is left behind', async () => { const now = await left(); return now.arenas <= baseline.arenas && now.tasks <= baseline.tasks; }).catch(async e => { throw new Error(`${e.message} after passage ${n}: ${JSON.stringify(await left())}, before ${JSON.stringify(baseline)} ${JSON.stringify(await one.admin('/lists/tasks'))}`); });
            if (!fired) { t.diagnostic(`${n - 1} passages`); return; }
        }
    });
