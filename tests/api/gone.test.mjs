// What must be gone is gone: a mark is planted in every field that a person can write; it is deleted, or its writer leaves; then every
// column of every table, every key of Redis, every stored object, every letter and what the daemon itself answers is searched for it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { at, befriend, Cluster, kase, promote, room, signUp, uniqueName, until } from '../lib/daemon.mjs';
import { crowd } from '../lib/people.mjs';
import { png } from '../lib/pictures.mjs';

let cluster, node;
before(async () => { cluster = await new Cluster().start(); node = await cluster.node({ MADANG_TAROT_PACE_MS: '1' }); });
after(() => cluster.stop());
const mark = () => `zq${randomBytes(5).toString('hex')}`;
const cid = () => randomBytes(8).toString('hex');

// Every table that the database tells of, each row as text.
async function tables(text) {
    const found = [];
    for (const { t } of await cluster.sql("select table_name as t from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'"))
        if ((await cluster.sql(`select 1 from "${t}" x where x::text ilike '%' || $1 || '%' limit 1`, [text])).length) found.push(t);
    return found;
}
const everyKey = `local out, read = {}, { string = {'GET'}, hash = {'HGETALL'}, set = {'SMEMBERS'}, list = {'LRANGE', 0, -1}, zset = {'ZRANGE', 0, -1}, stream = {'XRANGE', '-', '+'} }
for _, k in ipairs(redis.call('KEYS', ARGV[1])) do
  local how = read[redis.call('TYPE', k).ok]
  out[#out + 1] = k .. ' ' .. cjson.encode(redis.call(how[1], k, unpack(how, 2)))
end
return out`;
const keys = text => String(execFileSync('redis-cli', ['-e', '-s', `${at}/redis.sock`, '--raw', 'eval', everyKey, '0', `${cluster.id}:*`])).split('\n').filter(l => l.includes(text)).map(l => `redis ${l.split(' ')[0].split(':').slice(1, 3).join(':')}`);
const walk = folder => fs.existsSync(folder) ? fs.readdirSync(folder, { withFileTypes: true }).flatMap(e => e.isDirectory() ? walk(path.join(folder, e.name)) : [path.join(folder, e.name)]) : [];
const lies = (folder, text) => walk(path.join(cluster.folder, folder)).filter(f => f.includes(text) || fs.readFileSync(f).includes(text)).map(() => folder);
async function answers(text, readers) {
    const found = [];
    for (const { name } of await node.admin('/lists')) if (JSON.stringify(await node.admin(`/lists/${name}`)).includes(text)) found.push(`/lists/${name}`);
    for (const p of ['/metrics', '/config']) if (JSON.stringify(await node.admin(p)).includes(text)) found.push(p);
    for (const r of readers) {
        const topics = Object.keys((await node.socket(r)).opened.heads);
        const s = await node.socket(r, { seen: Object.fromEntries(topics.map(t => [t, 0])) });
        const before = s.events.length;
        for (const topic of topics) if (JSON.stringify(await s.ok('topic.sync', { topic, since: 0 })).includes(text)) found.push('topic.sync');
        if (JSON.stringify(s.events).includes(text)) found.push(`session.open ${before}`);
        await s.close();
    }
    return found;
}
const everywhere = async (text, readers = []) => [...new Set([...await tables(text), ...keys(text), ...lies('files', text), ...lies('outbox', text), ...await answers(text, readers)])].sort();

test('a deleted message leaves no words behind, and its number stays', async () => {
    const a = await signUp(node), b = await signUp(node), words = { secret: mark() };
    assert.match(kase('deleted-message.txt'), /A sends "secret" \(number 2\) and deletes it \(number 3\)/);
    await befriend(a, b);
    const r = await room(a, b), sb = await node.socket(b), sa = await node.socket(a);
    const send = body => sa.ok('dm.send', { room: r, client_id: cid(), body });
    await send('hello');
    await sb.event('dm.message', e => e.seq === 1);
    await sb.close();
    await send(words.secret);
    await sa.ok('dm.delete', { room: r, seq: 2 });
    await send('after it');
    const back = await node.socket(b, { seen: { [`room:${r}`]: 1 } });
    await back.event('dm.message', e => e.seq === 4);
    assert.deepEqual(back.events.filter(e => e.on === `room:${r}`).map(e => [e.seq, e.ev, e.data.body, e.data.deleted]),
        [[2, 'dm.message', '', true], [3, 'dm.deleted', undefined, undefined], [4, 'dm.message', 'after it', false]]);
    const sync = await back.ok('topic.sync', { topic: `room:${r}`, since: 0 });
    assert.deepEqual([sync.complete, sync.events.map(e => e.seq)], [true, [1, 2, 3, 4]]);
    assert.ok(!JSON.stringify(await node.ok('GET', `/api/v1/rooms/${r}/events?since=0`, b.token)).includes(words.secret));
    assert.deepEqual(await everywhere(words.secret, [a, b]), []);
});

// Goes through a chat to its reading, which quotes what was said.
async function reading(s, ...said) {
    const { chat } = (await s.ok('tarot.open', { language: 'ko' })).chat;
    const ended = turn => s.event('tarot.ended', e => e.data.turn === turn, 30000);
    for (const text of said) await ended((await s.ok('tarot.say', { chat, text })).turn);
    await ended((await s.ok('tarot.draw', { chat })).turn);
    return chat;
}

test('what a person deletes is gone from every place', async () => {
    const a = await signUp(node), boss = await promote(cluster, await signUp(node)), s = await node.socket(a), m = {};
    for (const k of ['notice', 'edited', 'said', 'title', 'video', 'introduction']) m[k] = mark();
    const n = await node.ok('POST', '/api/v1/notices', boss.token, { title: m.notice, body: m.notice }, { 'idempotency-key': cid() });
    await node.ok('PUT', `/api/v1/notices/${n.notice}`, boss.token, { title: m.edited, body: m.edited });
    await node.ok('DELETE', `/api/v1/notices/${n.notice}`, boss.token);
    const chat = await reading(s, `${m.said} 회사`, '하나 더', `카드를 뽑고 싶어요 ${m.said}`);
    await s.ok('tarot.share', { chat });
    assert.ok((await everywhere(m.said, [a])).includes('tarot_lines'), 'the search finds what is there');
    await s.ok('tarot.rename', { chat, title: m.title });
    await s.ok('tarot.remove', { chat });
    const v = await node.ok('POST', '/api/v1/video/rooms', a.token, { title: m.video });
    assert.deepEqual(await everywhere(m.video), ['redis video:room'], 'the search finds what is there');
    await node.ok('DELETE', `/api/v1/video/rooms/${v.room}`, a.token);
    await node.ok('PATCH', '/api/v1/me', a.token, { introduction: m.introduction });
    await node.ok('PATCH', '/api/v1/me', a.token, { introduction: null });
    const noted = { notice: ['audit'], edited: ['audit'] }; // what managers do stays on record: docs/operating.md
    for (const k of Object.keys(m)) assert.deepEqual(await everywhere(m[k], [a, boss]), noted[k] ?? [], k);
});

// What others keep. A message that somebody received is his as well; it goes when he has left, too, or its writer deletes it. What was
// reported, and what a report says, is evidence that the reported person or its writer must not be able to take away.
const kept = { message: ['dm_messages', 'session.open', 'topic.sync', 'topic_log'], reported: ['dm_messages', 'reports', 'session.open', 'topic.sync', 'topic_log'], reason: ['reports'] };

test('who leaves is gone from every place, but for what others keep', async () => {
    const boss = await promote(cluster, await signUp(node)), b = await signUp(node), once = await signUp(node), asked = await signUp(node), m = {};
    for (const k of ['nickname', 'former', 'introduction', 'message', 'reported', 'reason', 'said', 'title', 'video', 'device', 'deleted']) m[k] = mark();
    const a = await signUp(node), own = new Set(walk(path.join(cluster.folder, 'files')));
    await node.ok('PATCH', '/api/v1/me', a.token, { nickname: m.former });
    for (const other of [b, once]) await befriend(a, other);
    await node.ok('DELETE', `/api/v1/friends/${once.id}`, a.token);
    await node.ok('PATCH', '/api/v1/me', a.token, { nickname: m.nickname, introduction: m.introduction }, { 'idempotency-key': cid() });
    await node.ok('POST', '/api/v1/friends/requests', a.token, { account: asked.id });
    await node.ok('POST', '/api/v1/auth/login', undefined, { email: a.email, password: a.password }, { 'user-agent': m.device });
    const upload = async () => (await node.call('POST', '/api/v1/files', { token: a.token, raw: png(40, 40), headers: { 'content-type': 'image/png' } })).body.file;
    await node.ok('PATCH', '/api/v1/me', a.token, { avatar: await upload() });
    await upload();
    const r = await room(a, b), s = await node.socket(a), send = body => s.ok('dm.send', { room: r, client_id: cid(), body });
    await send(m.message);
    const reported = await send(m.reported), gone = await send(m.deleted);
    await s.ok('dm.delete', { room: r, seq: gone.seq });
    await node.ok('POST', '/api/v1/reports', b.token, { account: a.id, reason: 'see', messages: [{ room: r, seq: reported.seq }] });
    await node.ok('POST', '/api/v1/reports', a.token, { account: b.id, reason: m.reason });
    await node.ok('POST', '/api/v1/video/rooms', a.token, { title: m.video });
    const chat = await reading(s, m.said, '하나 더', '카드를 뽑고 싶어요');
    await s.ok('tarot.rename', { chat, title: m.title });
    for (const k of ['nickname', 'former', 'introduction', 'device', 'said', 'title', 'video']) assert.ok((await everywhere(m[k])).length, `${k} was there`);

    assert.equal((await node.post('/api/v1/me/leave', a.token, { password: a.password })).status, 204);
    await until('the jobs', async () => !(await cluster.sql("select 1 from jobs where kind in ('accounts.left', 'video.left')")).length);
    for (const k of Object.keys(m)) {
        const found = (await everywhere(m[k], [b, once, asked, boss])).map(f => f.replace(/ \d+$/, ''));
        assert.deepEqual(found.filter(f => !(kept[k] ?? []).includes(f)), [], k);
        if (kept[k]) assert.ok(found.includes(kept[k][0]), `${k} is kept for the other`);
    }
    assert.deepEqual(await everywhere(a.email), ['outbox'], 'the address stands on the letters that went to it');
    const old = await node.socket(once, { seen: { [`account:${once.id}`]: 0 } });
    const told = await old.event('friend.accepted');
    assert.deepEqual(told.data.other, { account: a.id, nickname: null, avatar_url: null, departed: true });

    await node.ok('POST', '/api/v1/me/leave', b.token, { password: b.password });
    await until('the room', async () => !(await cluster.sql('select 1 from dm_rooms where id = $1', [r])).length);
    assert.deepEqual(await everywhere(m.message, [boss]), [], 'nobody is left to keep it for');
    assert.deepEqual(await everywhere(m.reported, [boss]), ['reports']);
    await cluster.sql("update jobs set due = now() where kind = 'files.sweep'");
    await until('the pictures', () => walk(path.join(cluster.folder, 'files')).every(f => own.has(f)), 90000);
});

test('who is asked, answered and made friends with while he leaves is not named by what is told of it', async () => {
    const friends = await crowd(cluster, 6);
    for (let round = 0; round < 4; round++) {
        const name = mark(), a = await signUp(node);
        await node.ok('PATCH', '/api/v1/me', a.token, { nickname: name });
        for (const f of friends.slice(0, 3)) await node.ok('POST', '/api/v1/friends/requests', f.token, { account: a.id });
        const at = friends.map((f, i) => i < 3 ? node.post(`/api/v1/friends/requests/${f.id}/accept`, a.token) : node.post('/api/v1/friends/requests', f.token, { account: a.id }));
        const left = node.post('/api/v1/me/leave', a.token, { password: a.password });
        await Promise.all([...at, left]);
        assert.equal((await left).status, 204);
        assert.deepEqual(await tables(name), []);
        await until('the job', async () => !(await cluster.sql("select 1 from jobs where kind = 'accounts.left'")).length);
        assert.deepEqual(await cluster.sql('select * from friendships where $1 in (low, high)', [a.id]), []);
    }
});

test('a guest whose time is over is gone with all that he said', async () => {
    const g = await node.ok('POST', '/api/v1/auth/guest'), said = mark(), s = await node.socket({ token: g.access_token });
    await reading(s, said, '하나 더', '카드를 뽑고 싶어요');
    await s.close();
    await cluster.sql("update accounts set expires_at = now() - interval '8 days' where id = $1", [g.account]);
    await cluster.sql("insert into jobs (kind, payload) values ('accounts.sweep', '{}')");
    await until('the sweep', async () => !(await cluster.sql('select 1 from accounts where id = $1', [g.account])).length);
    assert.deepEqual(await everywhere(said), []);
});
