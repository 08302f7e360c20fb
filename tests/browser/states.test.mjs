// What a page shows while something is wrong, and that it comes right again by itself.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { launch, PATIENCE } from '../lib/browser.mjs';
import { befriend, Cluster, promote, room, root, signUp } from '../lib/daemon.mjs';
import { Late } from '../lib/late.mjs';
import { all } from '../lib/process.mjs';

let cluster, node, browser, me, friend, page, late, r;
async function logIn(person) {
    const p = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'ko-KR' })).newPage(), l = await Late.of(p);
    p.setDefaultTimeout(PATIENCE);
    await p.goto(`${node.base}/login`);
    await p.fill('input[name=email]', person.email);
    await p.fill('input[name=password]', person.password);
    await p.click('button[type=submit]');
    await p.waitForSelector('nav.main a[href="/me"]');
    return [p, l];
}
before(async () => {
    cluster = await new Cluster().start();
    node = await cluster.node();
    browser = await launch();
    [me, friend] = [await signUp(node), await signUp(node)];
    await befriend(me, friend);
    r = await room(me, friend);
    await node.ok('POST', `/api/v1/rooms/${r}/messages`, friend.token, { client_id: randomUUID(), body: '처음 한 말' });
    [page, late] = await logIn(me);
    await page.waitForFunction(async () => (await import('/state.js')).m.state === 'open');
});
after(() => all(() => browser?.close(), () => cluster.stop()));

afterEach(() => { late.cut(false); late.letGo(); late.refused.clear(); });

const visit = path => page.evaluate(to => { const a = Object.assign(document.createElement('a'), { href: to }); document.body.append(a); a.click(); a.remove(); }, path);
const away = { code: 'unavailable', title: '지금은 할 수 없습니다.', status: 503, retry: true, retry_after: 1 };
const said = () => node.ok('GET', `/api/v1/rooms/${r}/messages`, me.token).then(out => out.messages.map(x => x.body));

for (const [what, op, at, shown] of [['friends', 'friends.list', () => '/friends', () => friend.name], ['a person', 'people.get', () => `/people/${friend.id}`, () => '대화하기'],
    ['news', 'notices.list', () => '/notices', () => '공지가 없습니다'], ['a room', 'dm.history', () => `/chats/${r}`, () => '처음 한 말']])
    test(`${what}: a store that was away for a while is waited for`, async () => {
        late.refuse(op, away);
        await visit(at());
        await page.getByText(away.title).first().waitFor();
        assert.equal(await page.locator('#main').getByText(shown()).count(), 0);
        late.refuse(op);
        await page.locator('#main').getByText(shown()).first().waitFor();
    });

test('what waits for the network is still seen after having been elsewhere, and so is that there is none', async () => {
    await visit(`/chats/${r}`);
    await page.waitForSelector('.bubble[data-seq]');
    late.cut(true);
    await page.fill('.composer textarea', '기다리는 말');
    await page.press('.composer textarea', 'Enter');
    await page.waitForSelector('.bubble.waiting');
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('.bubble.waiting')).position), 'static', 'in its place among the others');
    await page.waitForSelector('.banner:not([hidden])');
    await visit('/friends');
    await page.waitForSelector('.house.single');
    const since = await page.evaluate(() => { window.opened = 0; return import('/state.js').then(({ m }) => { m.on('closed', () => { window.opened++; }); return m.state; }); });
    assert.notEqual(since, 'open');
    await page.waitForSelector('.banner:not([hidden])');
    assert.ok(await page.evaluate(() => window.opened) < 2, 'not only told of once more attempts have failed');
    await visit(`/chats/${r}`);
    await page.waitForSelector('.bubble.waiting:has-text("기다리는 말")');
    late.cut(false);
    await page.waitForSelector('.bubble[data-seq]:has-text("기다리는 말")');
    await page.waitForSelector('.banner', { state: 'hidden' });
    assert.equal(await page.locator('.bubble', { hasText: '기다리는 말' }).count(), 1);
    assert.equal((await said()).filter(x => x === '기다리는 말').length, 1);
});

test('what could not be sent is sent again, or given up', async () => {
    const refused = { code: 'request.fields', title: '안 됩니다.', status: 422, retry: false };
    await visit(`/chats/${r}`);
    await page.waitForSelector('.bubble[data-seq]');
    late.refuse('dm.send', refused);
    for (const text of ['다시 보낼 말', '그만둘 말']) {
        await page.fill('.composer textarea', text);
        await page.press('.composer textarea', 'Enter');
        await page.locator('.bubble.waiting', { hasText: text }).getByText('보내지 못했어요').waitFor();
    }
    await visit('/friends');
    await visit(`/chats/${r}`);
    late.refuse('dm.send');
    const bubble = text => page.locator('.bubble', { hasText: text });
    await bubble('그만둘 말').getByRole('button', { name: '삭제' }).click();
    await bubble('다시 보낼 말').getByRole('button', { name: '다시 보내기' }).click();
    await page.waitForSelector('.bubble[data-seq]:has-text("다시 보낼 말")');
    assert.equal(await bubble('그만둘 말').count(), 0);
    assert.equal(await bubble('다시 보낼 말').count(), 1);
    assert.ok(!(await said()).includes('그만둘 말'));
});

test('who left a room before the words arrived has not read what came meanwhile', async () => {
    await visit(`/chats/${r}`);
    await page.waitForSelector('.bubble[data-seq]');
    late.hold('dm.send');
    await page.fill('.composer textarea', '보내고 나간다');
    await page.press('.composer textarea', 'Enter');
    await late.holds();
    await visit('/friends');
    await node.ok('POST', `/api/v1/rooms/${r}/messages`, friend.token, { client_id: randomUUID(), body: '못 본 말' });
    await late.hears('dm.message', e => e.data.body === '못 본 말');
    late.letGo();
    await page.locator('nav.main .badge').filter({ hasText: '1' }).waitFor();
});

test('pictures do not push the end of a room out of sight', async () => {
    await visit(`/chats/${r}`);
    await page.waitForSelector('.bubble[data-seq]');
    const images = [];
    for (const [name, type] of [['place.jpg', 'jpeg'], ['adobe-rgb.png', 'png'], ['place.webp', 'webp']])
        images.push((await node.call('POST', '/api/v1/files', { token: friend.token, raw: fs.readFileSync(path.join(root, 'tests/cases', name)), headers: { 'content-type': `image/${type}` } })).body.file);
    await node.ok('POST', `/api/v1/rooms/${r}/messages`, friend.token, { client_id: randomUUID(), body: '사진 아래의 말', images });
    await page.waitForFunction(() => { const all = [...document.querySelectorAll('.bubble[data-seq] .pictures img')]; return all.length === 3 && all.every(i => i.naturalWidth); });
    await page.waitForFunction(() => { const l = document.querySelector('.messages'); return l.scrollTop + l.clientHeight > l.scrollHeight - 5; });
    const { seq } = await node.ok('POST', `/api/v1/rooms/${r}/messages`, friend.token, { client_id: randomUUID(), body: '그 다음 말' });
    await page.waitForSelector(`.bubble[data-seq="${seq}"]`);
    await page.waitForFunction(() => { const l = document.querySelector('.messages'); return l.scrollTop + l.clientHeight > l.scrollHeight - 5; });
});

test('points and what became of reports are told in words', async () => {
    await visit('/me');
    await page.getByText('가입 축하').waitFor();
    await node.ok('POST', '/api/v1/reports', me.token, { account: friend.id, reason: '광고' });
    const manager = await promote(cluster, await signUp(node)), { reports: [report] } = await node.ok('GET', '/api/v1/reports', manager.token);
    await node.ok('POST', `/api/v1/reports/${report.id}/dismiss`, manager.token);
    const [desk] = await logIn(manager);
    await desk.goto(`${node.base}/manage`);
    await desk.getByText('기각함').waitFor();
});
