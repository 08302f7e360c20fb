// Tarot: chats, turns as they come, the card and its reading, sharing; the built-in reader and models in streams.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { Llm } from '../../fakes/llm.mjs';
import { Cluster, at, signUp, sleep, Socket, until } from '../../lib/daemon.mjs';
import { all } from '../../lib/process.mjs';

let cluster, offline, clova, other, openai, model, p;
before(async () => {
    cluster = await new Cluster().start();
    model = await new Llm().start();
    const llm = { MADANG_LLM_URL: model.url, MADANG_LLM_KEY: model.key, MADANG_LLM_FIRST_MS: '1500', MADANG_LLM_GAP_MS: '1500', MADANG_TAROT_UNHEARD_MS: '3000' };
    offline = await cluster.node({ MADANG_TAROT_PACE_MS: '2' });
    clova = await cluster.node({ ...llm, MADANG_LLM_PROVIDER: 'clova' });
    other = await cluster.node({ ...llm, MADANG_LLM_PROVIDER: 'clova' });
    openai = await cluster.node({ ...llm, MADANG_LLM_URL: `${model.url}/v1`, MADANG_LLM_PROVIDER: 'openai', MADANG_LLM_MODEL: 'local' });
    p = await signUp(offline);
});
after(() => all(() => cluster.stop(), () => model.stop()));

const redis = (...command) => execFileSync('redis-cli', ['-s', `${at}/redis.sock`, ...command]);
const guest = async node => { const g = await node.ok('POST', '/api/v1/auth/guest'); return { id: g.account, token: g.access_token, node }; };
async function chat(node, person = p, language = 'ko') {
    const s = await Socket.open(node, person), state = await s.ok('tarot.open', { language });
    return { s, id: state.chat.chat, state };
}
const endings = ['tarot.ended', 'tarot.failed'];
const ending = (s, turn, ms = 10000) => until(`the end of turn ${turn}`, () => s.events.find(e => endings.includes(e.ev) && e.data.turn === turn), ms);
const deltas = (s, turn) => s.events.filter(e => e.ev === 'tarot.delta' && e.data.turn === turn).map(e => e.data);
// What a page would show: pieces at their places, none missing and none twice.
function shown(s, turn, text = '') {
    for (const d of deltas(s, turn)) {
        if (d.from + d.text.length <= text.length) continue;
        assert.ok(d.from <= text.length, `a hole at ${text.length}, the next piece begins at ${d.from}`);
        text += d.text.slice(text.length - d.from);
    }
    return text;
}
async function say(c, text) {
    const { turn } = await c.s.ok('tarot.say', { chat: c.id, text }), end = await ending(c.s, turn);
    return { turn, end, text: shown(c.s, turn) };
}

test('the built-in reader listens, offers the cards, and reads the one that is drawn', async () => {
    const c = await chat(offline), { state } = c;
    assert.equal(state.chat.state, 'talking');
    assert.equal(state.lines.length, 1);
    assert.match(state.notice, /AI/);
    const first = await say(c, '회사를 그만둘지 고민이에요');
    assert.equal(first.end.data.reason, 'done');
    assert.match(first.text, /회사를 그만둘지 고민이에요/, 'it takes up my words');
    assert.equal(first.end.data.line.body, first.text);
    assert.equal(first.end.data.line.provider, 'offline');
    await say(c, '상사와 자꾸 부딪혀요');
    assert.equal((await c.s.call('tarot.draw', { chat: c.id })).problem.code, 'tarot.no-spread');
    const offer = await say(c, '이직할 용기가 났으면 좋겠어요');
    assert.match(offer.text, /카드를 한 장 뽑/);
    await c.s.event('tarot.spread');
    const drawn = await c.s.ok('tarot.draw', { chat: c.id });
    assert.ok(drawn.card.number >= 0 && drawn.card.number < 78 && drawn.card.meaning.length > 5);
    const card = await c.s.event('tarot.card');
    assert.deepEqual(card.data.card, drawn.card);
    await ending(c.s, drawn.turn);
    const result = await c.s.event('tarot.result');
    assert.equal(result.data.reading, shown(c.s, drawn.turn));
    for (const part of [drawn.card.name.ko, drawn.card.meaning, '회사를 그만둘지 고민이에요', '일에 관한 물음', state.notice]) assert.ok(result.data.reading.includes(part), part);
    assert.equal((await c.s.call('tarot.draw', { chat: c.id })).problem.code, 'tarot.over');
    assert.equal((await c.s.call('tarot.say', { chat: c.id, text: '하나만 더요' })).problem.code, 'tarot.over');
    const all = await offline.ok('GET', `/api/v1/tarot/chats/${c.id}`, p.token);
    assert.deepEqual(all.lines.map(l => l.by), ['reader', 'visitor', 'reader', 'visitor', 'reader', 'visitor', 'reader', 'card', 'reading']);
    assert.deepEqual(all.lines.map(l => l.seq), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.equal(all.chat.state, 'done');
    assert.deepEqual(all.chat.card, drawn.card);
    assert.equal(all.chat.title, '회사를 그만둘지 고민이에요');
    await c.s.close();
});

test('in English too, and for a guest', async () => {
    const g = await guest(offline), c = await chat(offline, g, 'en');
    assert.match((await say(c, 'I broke up with my boyfriend')).text, /“I broke up with my boyfriend”/);
    await say(c, 'I think of him all the time');
    assert.match((await say(c, 'I want to let go')).text, /draw a card/);
    const drawn = await c.s.ok('tarot.draw', { chat: c.id });
    await ending(c.s, drawn.turn);
    const { reading } = (await c.s.event('tarot.result')).data;
    assert.ok(reading.includes(drawn.card.name.en) && reading.includes('If you ask about love'), reading);
    await c.s.close();
});

test('sharing: card, words and date, nothing about the person; it can be taken back', async () => {
    const c = await chat(offline);
    assert.equal((await c.s.call('tarot.share', { chat: c.id })).problem.code, 'tarot.unread');
    for (const t of ['친구와 다투었어요 <b>&amp;</b>', '제가 먼저 사과하고 싶어요', '카드를 뽑고 싶어요']) await say(c, t);
    const drawn = await c.s.ok('tarot.draw', { chat: c.id });
    await ending(c.s, drawn.turn);
    const shared = await c.s.ok('tarot.share', { chat: c.id });
    assert.match(shared.code, /^[A-Za-z0-9_-]{22}$/);
    assert.equal(shared.path, `/r/${shared.code}`);
    assert.deepEqual(await c.s.ok('tarot.share', { chat: c.id }), shared, 'the same again');
    const seen = await offline.get(`/api/v1/tarot/shared/${shared.code}`);
    assert.deepEqual(Object.keys(seen.body).sort(), ['card', 'date', 'language', 'notice', 'reading']);
    assert.deepEqual(seen.body.card, drawn.card);
    const page = await offline.call('GET', shared.path), html = String(page.bytes);
    assert.equal(page.status, 200);
    assert.match(page.headers.get('content-type'), /^text\/html/);
    assert.match(page.headers.get('content-security-policy'), /default-src 'self'/);
    assert.ok(!/<script/i.test(html), 'no script');
    const meta = Object.fromEntries([...html.matchAll(/<meta property="(og:[a-z:]+)" content="([^"]*)"/g)].map(([, k, v]) => [k, v]));
    assert.match(meta['og:title'], new RegExp(drawn.card.name.ko));
    assert.equal(meta['og:url'], `${offline.base}${shared.path}`);
    assert.equal(meta['og:image'], `${offline.base}/cards/${String(drawn.card.number).padStart(2, '0')}.png`);
    const png = await fetch(meta['og:image']), bytes = Buffer.from(await png.arrayBuffer());
    assert.equal(png.headers.get('content-type'), 'image/png');
    assert.deepEqual([bytes.readUInt32BE(16), bytes.readUInt32BE(20)], [1200, 630]);
    assert.ok(!/다투었어요|사과하고/.test(html) && !html.includes(p.name) && !html.includes(p.email), 'nor what I said');
    assert.doesNotMatch(seen.body.reading, /다투었어요|사과하고/);
    assert.ok(html.includes(drawn.card.meaning) && seen.body.reading.includes(drawn.card.meaning) && seen.body.reading.endsWith(seen.body.notice));
    await c.s.ok('tarot.unshare', { chat: c.id });
    assert.equal((await offline.get(`/api/v1/tarot/shared/${shared.code}`)).status, 404);
    assert.equal((await offline.get(shared.path)).body.code, 'tarot.not-found');
    const gone = await fetch(offline.base + shared.path, { headers: { accept: 'text/html,application/xhtml+xml' } });
    assert.equal(gone.status, 404);
    assert.match(await gone.text(), /<h1>/);
    await c.s.close();
});

test('the deck: 78 cards, both languages, both ways', async () => {
    const { cards } = await offline.ok('GET', '/api/v1/tarot/cards');
    assert.equal(cards.length, 78);
    assert.deepEqual([cards[0].en, cards[21].ko, cards[77].en], ['The Fool', '세계', 'King of Pentacles']);
    assert.ok(cards.every(x => x.upright.ko && x.upright.en && x.reversed.ko && x.reversed.en));
});

test('my chats: newest first, in pages; renamed, removed; nobody else\'s', async () => {
    const q = await signUp(offline), ids = [];
    for (let i = 0; i < 3; i++) ids.unshift((await offline.ok('POST', '/api/v1/tarot/chats', q.token, {})).chat.chat);
    const page = await offline.ok('GET', '/api/v1/tarot/chats?limit=2', q.token);
    assert.deepEqual(page.chats.map(x => x.chat), ids.slice(0, 2));
    assert.deepEqual((await offline.ok('GET', `/api/v1/tarot/chats?limit=2&before=${encodeURIComponent(page.next)}`, q.token)).chats.map(x => x.chat), ids.slice(2));
    assert.equal((await offline.call('PATCH', `/api/v1/tarot/chats/${ids[0]}`, { token: q.token, body: { title: '별 헤는 밤' } })).status, 204);
    assert.equal((await offline.ok('GET', '/api/v1/tarot/chats', q.token)).chats[0].title, '별 헤는 밤');
    for (const [method, path, body] of [['GET', ''], ['PATCH', '', { title: 'x' }], ['DELETE', ''], ['POST', '/lines', { text: 'x' }], ['POST', '/card'], ['POST', '/stop'], ['POST', '/share'], ['DELETE', '/share']])
        assert.equal((await offline.call(method, `/api/v1/tarot/chats/${ids[0]}${path}`, { token: p.token, body })).status, 404, `${method} ${path}`);
    assert.equal((await offline.call('DELETE', `/api/v1/tarot/chats/${ids[0]}`, { token: q.token })).status, 204);
    assert.equal((await offline.get(`/api/v1/tarot/chats/${ids[0]}`, q.token)).status, 404);
    assert.deepEqual((await offline.ok('GET', '/api/v1/tarot/chats', q.token)).chats.map(x => x.chat), ids.slice(1));
});

test('words of self-harm are answered with a helpline, at once and without any model', async () => {
    const c = await chat(clova), asked = model.requests.length, r = await say(c, '그냥 죽 고 싶어요');
    assert.match(r.text, /109/);
    assert.equal(r.end.data.line.by, 'help');
    assert.equal(model.requests.length, asked);
    assert.equal((await clova.ok('GET', `/api/v1/tarot/chats/${c.id}`, p.token)).chat.state, 'talking');
    await c.s.close();
});

test('CLOVA Studio: what it is asked, and its words as they come, however they are cut', async () => {
    for (const how of [{ cut: 1 }, { line: '\r\n', noise: true }, { line: '\r', cut: 3 }, { noSignal: true }, { noResult: true }, { gap: 30 }]) {
        const c = await chat(clova), words = ['안', '녕하', '세요 🌙', ' 오늘은', ' 어떤 하루', '였나요?'];
        model.answers = [{ words, ...how }];
        const r = await say(c, '마음이 복잡해요');
        assert.equal(r.text, words.join(''), JSON.stringify(how));
        assert.equal(r.end.data.line.body, words.join(''));
        assert.equal(r.end.data.line.provider, 'model');
        await c.s.close();
    }
    const q = model.requests.at(-1);
    assert.equal(q.path, '/v3/chat-completions/HCX-005');
    assert.equal(q.headers.accept, 'text/event-stream');
    assert.ok(q.headers['x-ncp-clovastudio-request-id']);
    assert.deepEqual(Object.keys(q.body).sort(), ['maxTokens', 'messages', 'repetitionPenalty', 'temperature', 'topK', 'topP']);
    assert.equal(q.body.maxTokens, 100);
    assert.equal(q.body.messages[0].role, 'system');
    assert.equal(q.body.messages.filter(m => m.role === 'system').length, 1);
    assert.deepEqual(q.body.messages.at(-1), { role: 'user', content: '마음이 복잡해요' });
});

test('chats of the same moment come in pages without a gap or a repetition', async () => {
    const q = await signUp(offline), seen = [];
    await cluster.sql("insert into tarot_chats (account, language, lines, at) select $1, 'ko', 0, '2026-01-02T03:04:05.678901Z'::timestamptz - n / 4 * interval '100 us' from generate_series(1, 7) n", [q.id]);
    for (let next; ;) {
        const page = await offline.ok('GET', `/api/v1/tarot/chats?limit=2${next ? `&before=${encodeURIComponent(next)}` : ''}`, q.token);
        seen.push(...page.chats.map(x => x.chat));
        if (!(next = page.next)) break;
    }
    assert.equal(seen.length, 7);
    assert.equal(new Set(seen).size, 7);
});

test('of a long chat the model is told what was said last', async () => {
    const c = await chat(clova);
    await cluster.sql("insert into tarot_lines (chat, seq, by, body) select $1, n, 'visitor', 'line ' || n || '.' from generate_series(2, 260) n", [c.id]);
    await cluster.sql('update tarot_chats set lines = 260 where id = $1', [c.id]);
    model.answers = [{ words: ['그렇군요.'] }];
    await say(c, '마지막 이야기');
    const told = model.requests.at(-1).body.messages;
    assert.deepEqual(told.at(-1).content.includes('마지막 이야기'), true, JSON.stringify(told.at(-1)));
    assert.ok(JSON.stringify(told).includes('line 260.') && !JSON.stringify(told).includes('line 2.'));
    await c.s.close();
});

test('OpenAI\'s dialect, with and without the last word', async () => {
    for (const how of [{ cut: 2 }, { noSignal: true }, { line: '\r\n' }]) {
        const c = await chat(openai, p, 'en'), words = ['So ', 'it ', 'is.'];
        model.answers = [{ words, ...how }];
        assert.equal((await say(c, 'hello')).text, 'So it is.');
        await c.s.close();
    }
    const q = model.requests.at(-1);
    assert.equal(q.path, '/v1/chat/completions');
    assert.equal(q.body.model, 'local');
    assert.equal(q.body.stream, true);
});

test('the spread opens when the model says so, and the reading is asked for with the card', async () => {
    const c = await chat(clova);
    model.answers = [{ words: ['이제 ', '카드를 한', ' 장 뽑아', ' 보세요.'] }, { words: ['바다', '가 보여요.'], gap: 100 }];
    await say(c, '바다에 가고 싶어요');
    await c.s.event('tarot.spread');
    const drawn = await c.s.ok('tarot.draw', { chat: c.id });
    assert.equal((await c.s.call('tarot.draw', { chat: c.id })).problem.code, 'tarot.busy');
    await ending(c.s, drawn.turn);
    const { reading } = (await c.s.event('tarot.result')).data;
    assert.match(reading, /^바다가 보여요\.\n\n.*AI/s, 'and it says who made it');
    const q = model.requests.at(-1), last = q.body.messages.at(-1).content;
    assert.ok(last.includes(drawn.card.name.ko) && last.includes(drawn.card.meaning) && last.includes(drawn.card.reversed ? '역방향' : '정방향'), last);
    assert.equal(q.body.maxTokens, 800);
    await c.s.close();
});

test('what goes wrong upstream ends the turn with a problem, and the chat goes on', async () => {
    const c = await chat(clova);
    for (const [name, answers, code] of [
        ['an error inside a good answer', [{ words: [], error: '40003' }], 'upstream.failed'],
        ['an error in the middle', [{ words: ['반쯤 '], error: '50000' }], 'upstream.unavailable'],
        ['silence from the beginning, twice', [{ words: [], silent: true }, { words: [], silent: true }], 'upstream.unavailable'],
        ['silence in the middle', [{ words: ['반쯤 '], silent: true }], 'upstream.failed'],
        ['broken off', [{ words: ['반쯤 '], broken: true }], 'upstream.failed'],
        ['words without an end', [{ words: Array(60).fill('가'.repeat(500)) }], 'upstream.failed'],
        ['its quota, twice', [{ status: 429, code: '42901' }, { status: 429, code: '42901' }], 'upstream.unavailable'],
        ['our key', [{ status: 401, code: '40104' }], 'upstream.failed'],
    ]) {
        const before = model.requests.length;
        model.answers = [...answers];
        const r = await say(c, name);
        assert.equal(r.end.ev, 'tarot.failed', name);
        assert.equal(r.end.data.problem.code, code, name);
        assert.ok(r.end.data.problem.title.length > 5);
        assert.equal(model.requests.length - before, answers.length, `${name}: requests`);
        model.answers = [];
        assert.equal((await say(c, '다시')).end.data.reason, 'done', `${name}: the chat goes on`); // and closes the breaker
    }
    await until('no turn and no request is left', async () => model.open === 0 && (await clova.admin('/lists/tasks')).every(t => !t.name.startsWith('tarot.') || t.name === 'tarot.keep'));
    await c.s.close();
});

test('a failure before the first words is tried once more', async () => {
    const c = await chat(clova);
    for (const first of [{ status: 503 }, { status: 429, code: '42902' }, { words: [], error: '42901' }, { words: [], broken: true }, { words: [], silent: true }]) {
        model.answers = [first, { words: ['두 번째', '예요.'] }];
        assert.equal((await say(c, '안녕')).text, '두 번째예요.', JSON.stringify(first));
    }
    await c.s.close();
});

test('the breaker opens after five failures in a row, says when to come back, and closes', async () => {
    const node = await cluster.node({ MADANG_LLM_URL: model.url, MADANG_LLM_KEY: model.key, MADANG_LLM_PROVIDER: 'clova', MADANG_TAROT_TURNS_MAX: '1000' }), c = await chat(node);
    model.otherwise = { status: 500 };
    try {
        for (let i = 0; i < 3; i++) assert.equal((await say(c, `${i}`)).end.ev, 'tarot.failed');
        const before = model.requests.length, r = await say(c, '또');
        assert.equal(r.end.data.problem.code, 'upstream.unavailable');
        assert.ok(r.end.data.problem.retry_after >= 1);
        assert.equal(model.requests.length, before, 'it is left alone');
    } finally { model.otherwise = { words: ['괜찮', '아요.'] }; }
    await until('it is asked again', async () => (await say(c, '이제')).text === '괜찮아요.', 30000);
    await c.s.close();
});

test('one turn at a time; it can be stopped, from any node, and what was said is kept', async () => {
    for (const from of [clova, other]) {
        const c = await chat(clova);
        model.answers = [{ words: Array(200).fill('길게 '), gap: 50 }];
        const { turn } = await c.s.ok('tarot.say', { chat: c.id, text: '길게 말해 주세요' });
        await until('some words', () => deltas(c.s, turn).length > 3);
        assert.equal((await c.s.call('tarot.say', { chat: c.id, text: '또' })).problem.code, 'tarot.busy');
        const at = Date.now();
        assert.equal((await from.call('POST', `/api/v1/tarot/chats/${c.id}/stop`, { token: p.token })).status, 204);
        const end = await ending(c.s, turn);
        assert.equal(end.data.reason, 'stopped');
        assert.equal(end.data.line.body, shown(c.s, turn));
        await until('the request is given up', () => model.open === 0);
        assert.ok(model.gone - at < 1000, `after ${model.gone - at} ms`);
        await c.s.close();
    }
});

test('who comes back in the middle, on whichever node, misses nothing and sees nothing twice', async () => {
    const words = Array.from({ length: 60 }, (_, i) => `${i}번째 `);
    for (const node of [clova, other]) {
        const c = await chat(clova);
        model.answers = [{ words, gap: 40 }];
        const { turn } = await c.s.ok('tarot.say', { chat: c.id, text: '처음부터 끝까지' });
        await until('some words', () => deltas(c.s, turn).length > 5);
        await c.s.close();
        await sleep(300);
        const s = await Socket.open(node, p);
        const state = await s.ok('tarot.read', { chat: c.id });
        assert.equal(state.turn.turn, turn);
        assert.ok(words.join('').startsWith(state.turn.text) && state.turn.text.length > 10, state.turn.text);
        assert.equal(state.turn.length, state.turn.text.length);
        const end = await ending(s, turn);
        assert.equal(end.data.line.body, words.join(''));
        assert.equal(shown(s, turn, state.turn.text), words.join(''));
        await s.close();
    }
});

test('who leaves stops costing money', async () => {
    const c = await chat(clova);
    model.answers = [{ words: Array(2000).fill('혼자 '), gap: 50 }];
    const { turn } = await c.s.ok('tarot.say', { chat: c.id, text: '금방 나갈게요' });
    await until('some words', () => deltas(c.s, turn).length > 3);
    await c.s.close();
    const left = Date.now();
    await until('the request is given up', () => model.open === 0);
    assert.ok(Date.now() - left > 2500, `after ${Date.now() - left} ms`);
    const all = await until('it is kept', async () => { const x = await clova.ok('GET', `/api/v1/tarot/chats/${c.id}`, p.token); return !x.turn && x; });
    assert.match(all.lines.at(-1).body, /^혼자 혼자 /);
});

test('a node that dies in the middle: the visitor learns it on another, and goes on', async () => {
    const node = await cluster.node({ MADANG_LLM_URL: model.url, MADANG_LLM_KEY: model.key, MADANG_LLM_PROVIDER: 'clova' }), c = await chat(node);
    model.answers = [{ words: Array(400).fill('오래 '), gap: 50 }];
    const { turn } = await c.s.ok('tarot.say', { chat: c.id, text: '오래 이야기해 주세요' });
    await until('some words', () => deltas(c.s, turn).length > 10);
    await sleep(400);
    await node.kill();
    const s = await Socket.open(other, p), state = await s.ok('tarot.read', { chat: c.id });
    assert.equal(state.turn.turn, turn);
    assert.match(state.turn.text, /^오래 오래 /);
    const end = await ending(s, turn, 20000);
    assert.equal(end.ev, 'tarot.failed');
    assert.equal(end.data.problem.code, 'tarot.cut');
    assert.match(end.data.problem.title, /끊겼/);
    model.answers = [{ words: ['다시 ', '왔네요.'] }];
    assert.equal((await say({ s, id: c.id }, '아직 있어요')).text, '다시 왔네요.');
    await s.close();
});

test('after a time without Redis a turn goes on, whichever node reaches it first', async () => {
    const c = await chat(clova);
    model.answers = [{ words: Array(140).fill('이어서 '), gap: 50 }];
    const { turn } = await c.s.ok('tarot.say', { chat: c.id, text: '이어서 말해 주세요' });
    for (const until = Date.now() + 6000; Date.now() < until; await sleep(200)) // as if it had been away for a minute, again and again
        redis('eval', "redis.call('hset', KEYS[1], 'at', ARGV[1]) return redis.call('zadd', KEYS[2], ARGV[2], ARGV[3])", '2',
            `${cluster.id}:tarot:kept`, `${cluster.id}:tarot:turns`, String(Date.now() - 60000), String(Date.now() - 50000), String(turn));
    assert.equal((await ending(c.s, turn, 20000)).ev, 'tarot.ended');
    await c.s.close();
});

test('a turn whose node ended before it took a lease is ended too', async () => {
    const c = await chat(clova);
    await cluster.sql(`insert into tarot_turns (chat, kind, node, began_at) values ($1, 'talk', 'gone', now() - interval '20 s')`, [c.id]);
    await cluster.sql("delete from jobs where kind = 'tarot.sweep'");
    assert.equal((await c.s.call('tarot.say', { chat: c.id, text: '계세요?' })).problem.code, 'tarot.busy');
    assert.equal((await c.s.event('tarot.failed', () => true, 40000)).data.problem.code, 'tarot.cut');
    model.answers = [{ words: ['네, ', '여기요.'] }];
    assert.equal((await say(c, '계세요?')).text, '네, 여기요.');
});

test('who has no socket and asks again and again listens too; who no longer asks does not', async () => {
    model.answers = [{ words: Array(400).fill('길게 '), gap: 50 }];
    const { chat: { chat: id } } = await other.ok('POST', '/api/v1/tarot/chats', p.token, {});
    await other.ok('POST', `/api/v1/tarot/chats/${id}/lines`, p.token, { text: '들려주세요' });
    for (const until = Date.now() + 7000; Date.now() < until; await sleep(500)) assert.ok((await clova.ok('GET', `/api/v1/tarot/chats/${id}`, p.token)).turn, 'it goes on');
    await sleep(6500);
    const [turn] = await cluster.sql('select state, reason from tarot_turns where chat = $1', [id]);
    assert.deepEqual(turn, { state: 'ended', reason: 'left' });
});

test('a socket that goes at any moment of a call (while it waits for Redis, for Postgres, to join) leaves nothing behind', async () => {
    const node = await cluster.node();
    for (let i = 0; i < 200; i++) {
        const s = await Socket.open(node, p);
        s.ws.send(JSON.stringify({ op: 'tarot.open', id: 1, in: {} }));
        for (const until = performance.now() + (i % 25) * 0.25; performance.now() < until;); // finer than a timer
        if (i % 3 === 0) await sleep(i % 4);
        s.ws.terminate();
        await s.closed;
    }
    await sleep(300);
    await node.stop(); // tells if a topic, a task or an arena is left
    node.killed = true; // not to be asked again
    assert.equal(node.exit.code, 0);
});

test('a socket that goes while its message is being committed: what was kept is answered', async () => {
    await cluster.sql(`create function slowly() returns trigger language plpgsql as 'begin perform pg_sleep(0.6); return null; end'`);
    await cluster.sql('create constraint trigger slowly after insert on tarot_turns deferrable initially deferred for each row execute function slowly()');
    const c = await chat(clova);
    model.answers = [{ words: ['듣고 ', '있었어요.'] }];
    c.s.ws.send(JSON.stringify({ op: 'tarot.say', id: 99, in: { chat: c.id, text: '들리나요?' } }));
    await until('the commit is on its way', async () => (await cluster.sql("select 1 from pg_stat_activity where query = 'commit' and state = 'active'")).length > 0);
    c.s.ws.terminate();
    await c.s.closed;
    await cluster.sql('alter table tarot_turns disable trigger slowly'); // waits for the commit
    await cluster.sql('drop trigger slowly on tarot_turns');
    await cluster.sql('drop function slowly()');
    const all = await until('an answer', async () => { const x = await clova.ok('GET', `/api/v1/tarot/chats/${c.id}`, p.token); return !x.turn && x.lines.length > 2 && x; });
    assert.equal(all.lines.at(-1).body, '듣고 있었어요.');
});

test('an end whose commit is not answered is told: who listens looks, and the turn is over', async () => {
    const own = await cluster.node({ MADANG_TAROT_PACE_MS: '20' }), c = await chat(own);
    const { turn } = await c.s.ok('tarot.say', { chat: c.id, text: '요즘 고민이 많아요' });
    const { on } = await c.s.event('tarot.delta', e => e.data.turn === turn);
    await own.fault('commit-unknown'); // the next commit is the turn's end
    await until('it to be told', () => c.s.events.some(e => (e.ev === 'resync' && e.on === on) || (endings.includes(e.ev) && e.data.turn === turn)), 20000);
    const state = await until('the turn to be over', async () => { const r = await c.s.ok('tarot.read', { chat: c.id }); return !r.turn && r; });
    assert.equal(state.lines.filter(l => l.by === 'reader').length, 2, 'what was said is kept, once');
    assert.equal((await say(c, '그리고 또 있어요')).end.ev, 'tarot.ended', 'and it goes on');
    await own.stop();
    own.killed = true;
});

test('who leaves takes the chats along, and the public page; a guest who becomes a member keeps them', async () => {
    const q = await signUp(offline), c = await chat(offline, q);
    for (const t of ['친구와 다투었어요', '제가 먼저 사과하고 싶어요', '카드를 뽑고 싶어요']) await say(c, t);
    await ending(c.s, (await c.s.ok('tarot.draw', { chat: c.id })).turn);
    const { code } = await c.s.ok('tarot.share', { chat: c.id });
    assert.equal((await offline.post('/api/v1/me/leave', q.token, { password: q.password })).status, 204);
    assert.equal((await offline.get(`/api/v1/tarot/shared/${code}`)).status, 404);
    assert.deepEqual(await cluster.sql('select 1 from tarot_chats where id = $1 union all select 1 from tarot_lines where chat = $1 union all select 1 from tarot_turns where chat = $1', [c.id]), []);

    const g = await guest(offline), kept = await chat(offline, g), email = `kept-${g.id ?? Date.now()}@example.com`;
    await offline.ok('POST', '/api/v1/auth/codes', g.token, { email, purpose: 'signup' });
    const out = await offline.ok('POST', '/api/v1/auth/signup', g.token, { email, code: await cluster.mail(email, /(\d{6})/), password: 'correct horse battery', birth_date: '1990-01-01', consents: { terms: '1', privacy: '1' }, locale: 'ko' });
    assert.deepEqual((await offline.ok('GET', '/api/v1/tarot/chats', out.access_token)).chats.map(x => x.chat), [kept.id]);
    await kept.s.close();
});

test('turns a day: who asks for more is told when to come again', async () => {
    const node = await cluster.node({ MADANG_LIMITS_SCALE: '1', MADANG_TAROT_ACCOUNT_TURNS: '3', MADANG_TAROT_PACE_MS: '0' }), q = await signUp(node), c = await chat(node, q);
    for (const t of ['하나', '둘', '셋']) await say(c, t);
    const over = await node.post(`/api/v1/tarot/chats/${c.id}/lines`, q.token, { text: '또' });
    assert.equal(over.body.code, 'rate-limited');
    assert.ok(Number(over.headers.get('retry-after')) > 60);
    await c.s.close();
});

test('limits: a thousand characters, thirty turns, and the same message once', async () => {
    const node = await cluster.node({ MADANG_TAROT_TURNS_MAX: '2', MADANG_TAROT_PACE_MS: '0' }), c = await chat(node);
    assert.equal((await c.s.call('tarot.say', { chat: c.id, text: '가'.repeat(1001) })).problem.code, 'request.fields');
    const one = await c.s.ok('tarot.say', { chat: c.id, text: '가'.repeat(1000) }, 'the-same-key');
    await ending(c.s, one.turn);
    assert.deepEqual(await c.s.ok('tarot.say', { chat: c.id, text: '가'.repeat(1000) }, 'the-same-key'), one);
    await say(c, '둘');
    assert.equal((await c.s.call('tarot.say', { chat: c.id, text: '셋' })).problem.code, 'tarot.turns');
    assert.equal((await node.ok('GET', `/api/v1/tarot/chats/${c.id}`, p.token)).chat.turns_left, 0);
    await c.s.close();
});

test('what a model repeats of my words is not on the public page, in marks or without', async () => {
    const c = await chat(clova), reading = ['카드가 새벽을 비춥니다. ', '“상사가 소리를 질러요” 하신 말씀이 남네요. ', '회의실에서 상사가 자꾸 소리를 지른다는 건 힘든 일이에요.\n\n', '성급한 결정 말고 3.5일쯤 쉬어 보세요. ', '민수 씨에게 편지를 쓰세요. ', '「그만둘래요. 더는 못 해요. 정말로」라고 하셨지요. ', '오늘은 산책을 하세요.'];
    for (const [said, words] of [['회의실에서 상사가 자꾸 소리를 질러요', ['네.']], ['민수', ['네.']], ['이 풀이는 AI가 만들었습니다. 재미로 보시고, 중요한 결정은 스스로 하세요.', ['카드를 한 장 뽑아 보세요.']]]) { model.answers = [{ words }]; await say(c, said); }
    model.answers = [{ words: reading }];
    const drawn = await c.s.ok('tarot.draw', { chat: c.id });
    await ending(c.s, drawn.turn);
    const { code } = await c.s.ok('tarot.share', { chat: c.id }), { body } = await clova.get(`/api/v1/tarot/shared/${code}`);
    assert.equal(body.reading, `카드가 새벽을 비춥니다. \n\n성급한 결정 말고 3.5일쯤 쉬어 보세요. 오늘은 산책을 하세요.\n\n${body.notice}`);
    assert.ok((await clova.ok('GET', `/api/v1/tarot/chats/${c.id}`, p.token)).lines.at(-1).body.startsWith(reading.join('')), 'I see it whole');
    await c.s.close();
});

test('a guest who signs up or logs in keeps what is theirs, also what is just being said', async () => {
    const member = await signUp(clova), g = await guest(clova), c = await chat(clova, g), logIn = token => clova.ok('POST', '/api/v1/auth/login', token, { email: member.email, password: member.password });
    const titles = async token => (await clova.ok('GET', '/api/v1/tarot/chats', token)).chats.map(x => x.chat);
    model.answers = [{ words: Array(30).fill('천천히 '), gap: 50 }];
    const { turn } = await c.s.ok('tarot.say', { chat: c.id, text: '들어주세요' });
    await until('some words', () => deltas(c.s, turn).length > 2);
    const { access_token: token } = await logIn(g.token);
    assert.equal(await c.s.closed, 4401, 'the guest is no more');
    assert.deepEqual(await titles(token), [c.id]);
    const said = await until('it is said to its end', async () => { const x = await clova.ok('GET', `/api/v1/tarot/chats/${c.id}`, token); return !x.turn && x.lines.at(-1); });
    assert.equal(said.body, '천천히 '.repeat(30));
    assert.equal((await clova.get('/api/v1/tarot/chats', g.token)).status, 401);
    // who has signed up is no guest, whatever an older token says
    const g2 = await guest(clova), c2 = await chat(clova, g2), email = `guest-${c2.id}@example.com`;
    await clova.ok('POST', '/api/v1/auth/codes', undefined, { email, purpose: 'signup' });
    const up = await clova.ok('POST', '/api/v1/auth/signup', g2.token, { email, code: await cluster.mail(email, /(\d{6})/), password: 'long enough', birth_date: '1990-01-01', consents: { terms: '1', privacy: '1' } });
    assert.deepEqual(await titles(up.access_token), [c2.id]);
    assert.deepEqual(await titles((await logIn(g2.token)).access_token), [c.id]);
    assert.deepEqual(await titles(up.access_token), [c2.id]);
    await c2.s.close();
});
