// What people write: nothing to read is nothing, titles stand on one line, and words of distress are heard however they are typed.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { befriend, Cluster, kase, promote, room, signUp } from '../lib/daemon.mjs';

let cluster, node, a, b, boss;
before(async () => {
    cluster = await new Cluster().start();
    node = await cluster.node({ MADANG_TAROT_PACE_MS: '0' });
    [a, b] = [await signUp(node), await signUp(node)];
    boss = await promote(cluster, await signUp(node));
    await befriend(a, b);
});
after(() => cluster.stop());
let n = 0;
const cid = () => `words-${++n}-message`;

test('what has nothing to read in it is refused as if it were empty, by every call that asks for words', async () => {
    const r = await room(a, b), chat = (await node.ok('POST', '/api/v1/tarot/chats', a.token, {})).chat.chat, until = new Date(Date.now() + 86400e3).toISOString();
    const notice = (await node.ok('POST', '/api/v1/notices', boss.token, { title: 't', body: 'b' })).notice;
    for (const blank of ['', ...JSON.parse(kase('blank.json')), '\u2060\u200d', '\u115f\u1160', '\uffa0', '\ufe0f', '\u{e0061}'])
        for (const [method, url, token, body] of [
            ['POST', `/api/v1/rooms/${r}/messages`, a.token, { client_id: cid(), body: blank }],
            ['PATCH', '/api/v1/me', a.token, { introduction: blank }],
            ['POST', '/api/v1/reports', a.token, { account: b.id, reason: blank }],
            ['POST', `/api/v1/tarot/chats/${chat}/lines`, a.token, { text: blank }],
            ['PATCH', `/api/v1/tarot/chats/${chat}`, a.token, { title: blank }],
            ['POST', '/api/v1/notices', boss.token, { title: blank, body: 'b' }],
            ['POST', '/api/v1/notices', boss.token, { title: 't', body: blank }],
            ['PUT', `/api/v1/notices/${notice}`, boss.token, { title: 't', body: blank }],
            ['POST', `/api/v1/accounts/${b.id}/suspension`, boss.token, { until, reason: blank }],
        ]) assert.equal((await node.call(method, url, { token, body })).status, 422, `${method} ${url} ${JSON.stringify(blank)}`);
    const v = await node.ok('POST', '/api/v1/video/rooms', a.token, { title: '\u3164\u2800' });
    assert.equal((await node.ok('POST', `/api/v1/video/rooms/${v.room}/check`, a.token, {})).title, '', 'where words may be left out, it is as if they were');
});

test('titles stand on one line and turn nobody else around; messages stay as they were written', async () => {
    const v = await node.ok('POST', '/api/v1/video/rooms', a.token, { title: 'a\u202eb\nc 👩\u200d👧' }), r = await room(a, b);
    assert.equal((await node.ok('POST', `/api/v1/video/rooms/${v.room}/check`, a.token, {})).title, 'ab c 👩\u200d👧');
    const body = '  \u200f שלום\n  줄 ';
    assert.equal((await node.ok('POST', `/api/v1/rooms/${r}/messages`, a.token, { client_id: cid(), body })).body, body);
    const chat = (await node.ok('POST', '/api/v1/tarot/chats', a.token, {})).chat.chat;
    await node.ok('POST', `/api/v1/tarot/chats/${chat}/lines`, a.token, { text: '\n\u3000\u202e요즘\n고민' });
    assert.match((await node.ok('GET', `/api/v1/tarot/chats/${chat}`, a.token)).chat.title, /^\s*요즘 고민$/);
});

const kinds = [...JSON.parse(kase('crisis.json')),
    { chat: 'ko', text: 'ㅈㅏㅅㅏㄹ', right: 'help' }, { chat: 'ko', text: '죽고 싶ㅇㅓ', right: 'help' }, { chat: 'ko', text: '자살하고 싶어ㅎㅎ', right: 'help' },
    { chat: 'en', text: 'ｓｕｉｃｉｄｅ', right: 'help' }, { chat: 'en', text: 'ѕuісіdе', right: 'help' }, { chat: 'en', text: 'kill\n\nmy\u2060self', right: 'help' },
    { chat: 'ko', text: '죽\u3164고\u2800싶어', right: 'help' }, { chat: 'ko', text: '카드를 뽑고 싶어요ㅋㅋ', right: 'talk' }, { chat: 'en', text: 'I am dying to know', right: 'talk' }];

test('words of distress are heard in both languages, whatever stands between their letters', async () => {
    for (const { chat: language, text, right } of kinds) {
        const s = await node.socket(a), { chat } = (await s.ok('tarot.open', { language })).chat;
        const { turn } = await s.ok('tarot.say', { chat, text });
        assert.equal((await s.event('tarot.started', e => e.data.turn === turn)).data.kind, right, JSON.stringify(text));
        await s.event('tarot.ended', e => e.data.turn === turn);
        await s.close();
    }
});
