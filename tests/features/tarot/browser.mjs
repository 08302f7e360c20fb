// A guest and the reader, in a real browser: from the greeting to the reading, with a reload in the middle.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Llm } from '../../fakes/llm.mjs';
import { launch, PATIENCE } from '../../lib/browser.mjs';
import { Cluster, until } from '../../lib/daemon.mjs';
import { all } from '../../lib/process.mjs';

let cluster, offline, clova, model, browser;
before(async () => {
    cluster = await new Cluster().start();
    model = await new Llm().start();
    offline = await cluster.node({ MADANG_TAROT_PACE_MS: '4' });
    clova = await cluster.node({ MADANG_LLM_PROVIDER: 'clova', MADANG_LLM_URL: model.url, MADANG_LLM_KEY: model.key });
    browser = await launch();
});
after(() => all(() => browser.close(), () => cluster.stop(), () => model.stop()));

async function visitor(node, size = { width: 1200, height: 800 }) {
    const page = await (await browser.newContext({ viewport: size, locale: 'ko-KR', permissions: ['clipboard-read', 'clipboard-write'] })).newPage(), wrong = [];
    page.on('pageerror', e => wrong.push(String(e)));
    page.on('console', m => { if (m.type() === 'error' && !/401|Failed to load resource/.test(m.text())) wrong.push(m.text()); });
    await page.goto(node.base);
    await page.getByRole('button', { name: '로그인 없이 타로 보기' }).click();
    await page.getByRole('button', { name: '새 상담' }).filter({ visible: true }).first().click();
    return { page, wrong, shot: async name => { if (process.env.MADANG_SHOTS) await page.screenshot({ animations: 'disabled', path: `${process.env.MADANG_SHOTS}/${name}.png` }); } };
}
const bubbles = page => page.locator('.bubble:not(.speaking) .text').allTextContents();
async function say(page, text) {
    const count = (await bubbles(page)).length;
    await page.getByRole('textbox', { name: '마음에 걸리는 일을 들려주세요' }).fill(text);
    await page.keyboard.press('Enter');
    return until('the answer', async () => { const all = await bubbles(page); return all.length >= count + 2 && await page.locator('.speaking').isHidden() && all.at(-1); });
}

test('from the greeting to the reading with the built-in reader, on a phone', async () => {
    const { page, wrong, shot } = await visitor(offline, { width: 390, height: 844 });
    await page.getByText('안녕하세요, 마당의 타로 리더예요').waitFor();
    await shot('phone-greeting');
    assert.match(await say(page, '회사를 그만둘지 고민이에요'), /회사를 그만둘지/);
    await say(page, '상사와 자꾸 부딪혀요');
    await say(page, '이직할 용기가 났으면 좋겠어요');
    await page.getByText('마음이 가는 카드를 한 장 뽑아 주세요').waitFor();
    assert.equal(await page.locator('.card-back').count(), 78);
    await shot('phone-spread');
    assert.ok(await page.evaluate(() => document.querySelector('.chat').getBoundingClientRect().width <= innerWidth), 'the spread scrolls by itself');
    await page.getByRole('button', { name: '카드 9', exact: true }).click();
    await page.locator('.bubble.reading').waitFor({ timeout: PATIENCE });
    await until('the card to be seen', () => page.locator('figure.drawn img').evaluate(i => i.complete && i.naturalWidth > 0));
    await shot('phone-reading');
    assert.match((await bubbles(page)).at(-1), /이 풀이는 AI가 만들었습니다/);
    assert.equal(await page.locator('.composer').isVisible(), false);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the screen');
    await page.reload();
    await page.locator('.bubble.reading').waitFor();
    assert.equal((await bubbles(page)).length, 8);
    await page.getByRole('button', { name: '공유', exact: true }).click();
    const url = await until('the address', async () => { const x = await page.evaluate(() => navigator.clipboard.readText()); return x.startsWith(`${offline.base}/r/`) && x; });
    const other = await (await browser.newContext({ viewport: { width: 390, height: 844 }, javaScriptEnabled: false })).newPage();
    await other.goto(url);
    assert.match(await other.locator('article').textContent(), /이 풀이는 AI가 만들었습니다/);
    assert.doesNotMatch(await other.content(), /그만둘지|부딪혀요|용기가/);
    assert.match(await other.title(), /방향/);
    if (process.env.MADANG_SHOTS) await other.screenshot({ path: `${process.env.MADANG_SHOTS}/shared.png`, fullPage: true });
    await page.getByRole('button', { name: '공유 그만두기' }).click();
    await until('it is gone', async () => (await other.goto(url)).status() === 404);
    assert.deepEqual(wrong, []);
});

test('with a model: a reload in the middle shows the rest, nothing missing and nothing twice', async () => {
    const { page, wrong, shot } = await visitor(clova), words = Array.from({ length: 50 }, (_, i) => `${i}번째 말씀. `);
    await page.getByText('안녕하세요, 마당의 타로 리더예요').waitFor();
    model.answers = [{ words, gap: 60 }];
    await page.getByRole('textbox', { name: '마음에 걸리는 일을 들려주세요' }).fill('천천히 말해 주세요');
    await page.keyboard.press('Enter');
    await until('some words', async () => (await page.locator('.speaking .text').textContent()).includes('10번째'));
    await shot('wide-speaking');
    await page.reload();
    await until('it goes on', async () => /1[0-9]번째|2[0-9]번째/.test(await page.locator('.speaking .text').textContent()));
    const all = await until('it ends', async () => { const x = await bubbles(page); return await page.locator('.speaking').isHidden() && x.length === 3 && x; });
    assert.equal(all.at(-1), words.join(''));
    model.answers = [{ words: ['자, ', '카드를 ', '뽑아 ', '보세요.'] }, { words: ['달빛이 ', '비추네요. ', ...words], gap: 60 }];
    await say(page, '이제 뽑고 싶어요');
    await page.getByRole('button', { name: '카드 40', exact: true }).click();
    await until('some of the reading', async () => (await page.locator('.speaking .text').textContent()).includes('10번째'));
    await page.reload();
    await page.locator('.bubble.reading').waitFor();
    assert.ok((await bubbles(page)).at(-1).startsWith(`달빛이 비추네요. ${words.join('')}`), 'the reading too, nothing missing and nothing twice');
    await page.getByRole('button', { name: '공유', exact: true }).click();
    const url = await until('the address', async () => { const x = await page.evaluate(() => navigator.clipboard.readText()); return x.startsWith(`${clova.base}/r/`) && x; }); // not what an earlier test has copied
    const fresh = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
    await fresh.goto(url);
    assert.match(await fresh.locator('article').textContent(), /달빛이 비추네요/);
    await shot('wide-reading');
    assert.deepEqual(wrong, []);
});

test('when the model fails it is said, and one can go on; what is said can be stopped', async () => {
    const { page, wrong } = await visitor(clova);
    await page.getByText('안녕하세요, 마당의 타로 리더예요').waitFor();
    model.answers = [{ status: 401, code: '40104' }];
    await page.getByRole('textbox', { name: '마음에 걸리는 일을 들려주세요' }).fill('들리나요');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').filter({ hasText: '외부 서비스' }).waitFor();
    model.answers = [{ words: Array(300).fill('길게 '), gap: 40 }];
    await page.getByRole('textbox', { name: '마음에 걸리는 일을 들려주세요' }).fill('다시 들리나요');
    await page.keyboard.press('Enter');
    await until('some words', async () => (await page.locator('.speaking .text').textContent()).length > 20);
    await page.getByRole('button', { name: '그만' }).click();
    await until('it stops', async () => (await bubbles(page)).at(-1).startsWith('길게 길게'));
    await page.getByRole('link', { name: '로그인' }).click();
    await page.getByRole('textbox', { name: '이메일' }).waitFor();
    assert.deepEqual(wrong, []);
});

test('a chat without a reading goes on later; it is renamed and removed', async () => {
    const { page, wrong } = await visitor(offline);
    await page.getByText('안녕하세요, 마당의 타로 리더예요').waitFor();
    await say(page, '회사를 그만둘지 고민이에요');
    await page.locator('nav.main a[href="/tarot"]').click();
    await page.locator('.pane .item', { hasText: '회사를 그만둘지' }).click();
    await say(page, '상사와 자꾸 부딪혀요');
    assert.equal((await bubbles(page)).length, 5);
    await page.getByRole('button', { name: '이름 바꾸기' }).click();
    await page.getByRole('dialog').getByRole('textbox').fill('회사 이야기');
    await page.getByRole('dialog').getByRole('button', { name: '저장' }).click();
    await page.locator('.pane .name', { hasText: '회사 이야기' }).waitFor();
    await page.locator('.tarot header').getByRole('button', { name: '삭제' }).click();
    await page.getByRole('dialog').getByRole('button', { name: '삭제' }).click();
    await page.locator('.pane').getByText('아직 상담이 없어요').waitFor();
    assert.deepEqual(wrong, []);
});
