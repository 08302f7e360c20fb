// Answers of language models as they come about in the wild: what a person hears of each, and what is told when it is cut off.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Llm } from '../../fakes/llm.mjs';
import { Cluster, root, signUp, Socket, until } from '../../lib/daemon.mjs';
import { all } from '../../lib/process.mjs';

let cluster, node, model, person;
before(async () => {
    cluster = await new Cluster().start();
    model = await new Llm().start();
    node = await cluster.node({ MADANG_LLM_PROVIDER: 'openai', MADANG_LLM_URL: `${model.url}/v1`, MADANG_LLM_KEY: 'nv-test-key', MADANG_LLM_GAP_MS: '2000' });
    person = await signUp(node);
});
after(() => all(() => cluster.stop(), () => model.stop()));
const stream = name => fs.readFileSync(path.join(root, 'tests/cases/streams', name));

// One thing said, one answer heard: its words, and how it ended.
async function hear(answers) {
    const s = await Socket.open(node, person), state = await s.ok('tarot.open', { language: 'ko' }), asked = model.requests.length;
    model.answers.push(...answers);
    const { turn } = await s.ok('tarot.say', { chat: state.chat.chat, text: '오늘은 어떤가요?' });
    const end = await until(`the end of turn ${turn}`, () => s.events.find(e => ['tarot.ended', 'tarot.failed'].includes(e.ev) && e.data.turn === turn), 20000);
    const words = s.events.filter(e => e.ev === 'tarot.delta' && e.data.turn === turn).map(e => e.data.text).join('');
    model.answers.length = 0;
    await s.close();
    return { words, well: end.ev === 'tarot.ended', asked: model.requests.length - asked };
}
const cases = { 'choices-null.sse': '좋아요', 'done-blank.sse': '끝', 'surrogates.sse': '네😊요', 'split-syllable.sse': '네가요', 'nul.sse': '네요', 'name-twice.sse': '네' };
for (const [name, words] of Object.entries(cases))
    test(`${name}: its words are told`, async () => {
        for (const cut of [undefined, 1]) assert.deepEqual(await hear([{ raw: stream(name), cut }]), { words, well: true, asked: 1 });
        assert.deepEqual(await hear([{ raw: stream(name), type: 'Text/Event-Stream' }]), { words, well: true, asked: 1 }, 'a media type in capitals');
        assert.ok((await hear([{ raw: stream(name), type: 'TEXT/EVENT-STREAM ; Charset=UTF-8' }])).well);
    });
test('finish-empty-cut.sse: "" is no reason to end, so it is told as cut off', async () => {
    assert.equal((await hear([{ raw: stream('finish-empty-cut.sse') }])).well, false);
});
test('error-number.sse: a 503 in the body is as a 503: once more, then told', async () => {
    const busy = { raw: stream('error-number.sse') };
    assert.deepEqual(await hear([busy, { words: ['네.'] }]), { words: '네.', well: true, asked: 2 });
    assert.deepEqual(await hear([busy, busy]), { words: '', well: false, asked: 2 });
});
test('who has said why he stops is heard, though the farewell is missing', async () => {
    const said = Buffer.from('data: {"choices":[{"delta":{"content":"다 말했어요"},"finish_reason":"stop"}]}\n\n');
    assert.deepEqual(await hear([{ raw: said }]), { words: '다 말했어요', well: true, asked: 1 });
});
