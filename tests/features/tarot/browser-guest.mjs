// A guest becomes a member in the pages, and keeps the readings.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, PATIENCE } from '../../lib/browser.mjs';
import { Cluster, signUp, uniqueName } from '../../lib/daemon.mjs';
import { all } from '../../lib/process.mjs';

let cluster, node, browser;
before(async () => { cluster = await new Cluster().start(); node = await cluster.node({ MADANG_TAROT_PACE_MS: '4' }); browser = await launch(); });
after(() => all(() => browser?.close(), () => cluster.stop()));

async function guestWithReading(viewport) {
    const page = await (await browser.newContext({ viewport, locale: 'ko-KR' })).newPage(), wrong = [];
    page.on('pageerror', e => wrong.push(String(e)));
    page.setDefaultTimeout(PATIENCE);
    await page.goto(node.base);
    await page.click('button:has-text("로그인 없이 타로 보기")');
    await page.locator('button:has-text("새 상담")').filter({ visible: true }).first().click();
    await page.fill('.composer textarea', '기억해 주세요');
    await page.press('.composer textarea', 'Enter');
    await page.waitForSelector('.bubble:has-text("기억해 주세요")');
    if (viewport.width < 600) await page.click('.tarot header .back');
    await page.click('nav.main a[href="/login"]');
    await page.waitForSelector('text=상담은 그대로 이어져요');
    return { page, wrong, shot: async name => { if (process.env.MADANG_SHOTS) await page.screenshot({ path: `${process.env.MADANG_SHOTS}/${name}.png` }); } };
}
const kept = page => page.locator('.pane .item', { hasText: '기억해 주세요' }).waitFor();

test('by signing up, on a phone', async () => {
    const { page, wrong, shot } = await guestWithReading({ width: 390, height: 844 }), email = `${uniqueName()}@example.com`;
    await shot('guest-phone');
    await page.click('a[href="/signup"]');
    await page.fill('input[name=email]', email);
    await page.click('button[type=submit]');
    await page.waitForSelector('input[name=code]:visible');
    await page.fill('input[name=code]', await cluster.mail(email, /(\d{6})/));
    await page.fill('input[name=password]', 'correct horse battery');
    await page.fill('input[name=birth_date]', '1995-05-05');
    await page.check('input[name=agree]');
    await page.click('button[type=submit]');
    await page.fill('input[name=nickname]', uniqueName('g'));
    await page.click('button[type=submit]');
    await page.click('nav.main a[href="/tarot"]');
    await kept(page);
    assert.deepEqual(wrong, []);
});

test('by logging in; a wrong password loses nothing, and one may go back', async () => {
    const member = await signUp(node), { page, wrong, shot } = await guestWithReading({ width: 1280, height: 800 });
    await shot('guest-wide');
    const logIn = async password => { await page.fill('input[name=email]', member.email); await page.fill('input[name=password]', password); await page.click('button[type=submit]'); };
    await logIn('not the password');
    await page.getByRole('alert').filter({ hasText: /./ }).waitFor();
    await page.click('button:has-text("로그인 없이 타로 보기")');
    await kept(page);
    await page.click('nav.main a[href="/login"]');
    await logIn(member.password);
    await page.click('nav.main a[href="/tarot"]');
    await kept(page);
    await page.reload();
    await kept(page);
    assert.deepEqual(wrong, []);
});
