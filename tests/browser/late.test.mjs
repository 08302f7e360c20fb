// What arrives late never overwrites what is newer: answers are held back while events pass; then the page shows what it shows without delay.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Llm } from '../fakes/llm.mjs';
import { launch, PATIENCE } from '../lib/browser.mjs';
import { befriend, Cluster, promote, room, signUp, uniqueName, until } from '../lib/daemon.mjs';
import { Late } from '../lib/late.mjs';
import { all } from '../lib/process.mjs';

let cluster, node, model, browser, me, friend, page, late, other;
async function open(person) {
    const p = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'ko-KR' })).newPage();
    p.setDefaultTimeout(PATIENCE);
    const l = person === me && !page ? await Late.of(p) : null;
    await p.goto(`${node.base}/login`);
    await p.fill('input[name=email]', person.email);
    await p.fill('input[name=password]', person.password);
    await p.click('button[type=submit]');
    await p.waitForSelector('nav.main');
    return [p, l];
}
before(async () => {
    cluster = await new Cluster().start();
    model = await new Llm().start();
    node = await cluster.node({ MADANG_LLM_PROVIDER: 'clova', MADANG_LLM_URL: model.url, MADANG_LLM_KEY: model.key });
    browser = await launch();
    [me, friend] = [await signUp(node), await signUp(node)];
    await befriend(me, friend);
    [page, late] = await open(me);
    [other] = await open(me);
});
after(() => all(() => browser?.close(), () => cluster.stop(), () => model.stop()));

const visit = (p, path) => p.evaluate(to => { const a = Object.assign(document.createElement('a'), { href: to }); document.body.append(a); a.click(); a.remove(); }, path);
const seen = p => p.evaluate(() => [...document.querySelectorAll('nav.main, .pane, #main')].map(e => e.innerText).join('\n'));
// What it shows is what somebody sees who comes to it afterwards.
async function same(path) {
    await other.goto(node.base + path);
    await other.waitForSelector('nav.main');
    let a, b;
    try { await until('both the same', async () => { [a, b] = [await seen(page), await seen(other)]; return a === b && a; }); } catch { assert.equal(a, b); }
    return a;
}
const say = (body, by = friend) => by.node.ok('POST', `/api/v1/rooms/${me.room}/messages`, by.token, { client_id: randomUUID(), body });

test('the list of rooms', async () => {
    me.room = await room(friend, me);
    await say('첫 번째');
    await page.locator('.pane', { hasText: '첫 번째' }).waitFor();
    const third = await signUp(node);
    late.hold('dm.rooms');
    await befriend(third, me);
    await late.holds();
    const { seq } = await say('두 번째');
    await late.hears('dm.message', e => e.seq === seq);
    late.letGo();
    assert.match(await same('/'), /두 번째/);
    assert.match(await seen(page), /대화\s*2/, 'counted once');
});

test('a room: what came and what was deleted meanwhile', async () => {
    const first = await say('지워질 말');
    late.hold('dm.history');
    await visit(page, `/chats/${me.room}`);
    await late.holds();
    const { seq } = await say('나중에 온 말');
    await friend.node.ok('DELETE', `/api/v1/rooms/${me.room}/messages/${first.seq}`, friend.token);
    await late.hears('dm.message', e => e.seq === seq);
    await late.hears('dm.deleted');
    late.letGo();
    const text = await same(`/chats/${me.room}`);
    assert.match(text, /나중에 온 말/);
    assert.doesNotMatch(text, /지워질 말/);
});

test('what I sent and deleted elsewhere before the answer came', async () => {
    late.hold('dm.send');
    await page.fill('.composer textarea', '보내고 지운 말');
    await page.press('.composer textarea', 'Enter');
    await late.holds();
    await late.hears('dm.message', e => e.data.body === '보내고 지운 말');
    const { seq } = late.heard.find(e => e.data?.body === '보내고 지운 말');
    await node.ok('DELETE', `/api/v1/rooms/${me.room}/messages/${seq}`, me.token);
    await late.hears('dm.deleted', e => e.data.message === seq);
    late.letGo();
    assert.doesNotMatch(await same(`/chats/${me.room}`), /보내고 지운 말/);
});

test('friends, a person, notices', async () => {
    const stranger = await signUp(node), manager = await promote(cluster, await signUp(node));
    late.hold('friends.received');
    await visit(page, '/friends');
    await late.holds();
    await node.ok('POST', '/api/v1/friends/requests', stranger.token, { account: me.id });
    await late.hears('friend.requested');
    late.letGo();
    assert.match(await same('/friends'), new RegExp(stranger.name));

    late.hold('people.get');
    await visit(page, `/people/${stranger.id}`);
    await late.holds();
    await node.ok('DELETE', `/api/v1/friends/requests/${me.id}`, stranger.token);
    await late.hears('friend.cancelled');
    late.letGo();
    assert.match(await same(`/people/${stranger.id}`), /친구 요청/);

    late.hold('notices.list');
    await visit(page, '/notices');
    await late.holds();
    await node.ok('POST', '/api/v1/notices', manager.token, { title: '늦지 않은 공지', body: '내용' });
    await late.hears('notice.posted');
    late.letGo();
    assert.match(await same('/notices'), /늦지 않은 공지/);
});

test('the answer to a search shows what is searched for now', async () => {
    const [a, b] = [await signUp(node, { name: uniqueName('ga') }), await signUp(node, { name: uniqueName('na') })];
    await visit(page, '/find');
    late.hold('people.search');
    await page.fill('input[type=search]', a.name);
    await late.holds(1);
    await page.fill('input[type=search]', b.name);
    await late.holds(2);
    late.letGo();
    await page.locator('#main .item', { hasText: b.name }).waitFor();
    assert.equal(await page.locator('#main .item', { hasText: a.name }).count(), 0);
});

test('a reading: the reader who failed, and the one who spoke, while the answer was on its way', async () => {
    const { chat: { chat } } = await node.ok('POST', '/api/v1/tarot/chats', me.token, { language: 'ko' }), at = `/tarot/${chat}`;
    const tell = text => node.ok('POST', `/api/v1/tarot/chats/${chat}/lines`, me.token, { text });
    await visit(page, at);
    await page.getByText('안녕하세요, 마당의 타로 리더예요').waitFor();
    late.hold('tarot.read');
    model.answers = [{ status: 401, code: '40104' }];
    await page.fill('.composer textarea', '들리나요');
    await page.press('.composer textarea', 'Enter');
    await late.holds();
    await late.hears('tarot.failed');
    late.letGo();
    await page.getByText('들리나요').first().waitFor();
    await page.getByRole('alert').filter({ hasText: '외부 서비스' }).waitFor();
    // asked for in the middle of what was said, answered after its end
    model.answers = [{ words: Array.from({ length: 20 }, (_, i) => `${i}번째 말씀. `), gap: 30 }];
    late.hold('tarot.read');
    await tell('다시 들리나요');
    await late.hears('tarot.delta');
    await visit(page, '/tarot');
    await visit(page, at);
    await late.holds();
    await late.hears('tarot.ended');
    late.letGo();
    const text = await same(at);
    assert.match(text, /0번째 말씀\..*19번째 말씀\./s);
    assert.equal(text.match(/19번째 말씀/g).length, 1);
});
