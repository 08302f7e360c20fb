// The client in real pages: without storage, in two tabs, on a network that goes silent.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { launch, PATIENCE } from '../lib/browser.mjs';
import { befriend, Cluster, freePort, room, root, signUp, until } from '../lib/daemon.mjs';
import { all } from '../lib/process.mjs';
import { Proxy } from '../lib/proxy.mjs';

let cluster, node, browser, proxy;
before(async () => {
    cluster = await new Cluster().start();
    const port = await freePort();
    node = await cluster.node({ MADANG_HTTP_ORIGINS: `http://localhost:${port}`, MADANG_SESSION_ACCESS_S: '3600' });
    proxy = await new Proxy(port, node.port).start();
    browser = await launch();
});
after(() => all(() => browser?.close(), () => proxy?.stop(), () => cluster.stop()));

async function logIn(page, person, base = node.base) {
    page.setDefaultTimeout(PATIENCE);
    await page.goto(`${base}/login`);
    await page.fill('input[name=email]', person.email);
    await page.fill('input[name=password]', person.password);
    await page.click('button[type=submit]');
    await page.waitForSelector('nav.main a[href="/me"]');
}
const heading = language => ({ 'ko-KR': '로그인', 'en-US': 'Log in' })[language];

test('a browser that blocks cookies and storage shows the login page in its language, and logging in works in that tab', async () => {
    assert.match(fs.readFileSync(path.join(root, 'tests/cases/storage.txt'), 'utf8'), /blocks cookies and storage/);
    const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'madang-profile-')), p = await signUp(node);
    fs.mkdirSync(path.join(profile, 'Default'));
    fs.writeFileSync(path.join(profile, 'Default/Preferences'), JSON.stringify({ profile: { default_content_setting_values: { cookies: 2 } } }));
    const context = await chromium.launchPersistentContext(profile, { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'], locale: 'en-US' });
    try {
        const page = context.pages()[0] ?? await context.newPage(), wrong = [];
        page.on('pageerror', e => wrong.push(String(e)));
        await page.goto(node.base);
        assert.equal(await page.evaluate(() => { try { return String(window.localStorage); } catch (e) { return e.name; } }), 'SecurityError');
        await page.waitForSelector(`h2:has-text("${heading('en-US')}")`);
        await logIn(page, p);
        await page.click('nav.main a[href="/tarot"]');
        await page.waitForSelector('text=No reading');
        assert.deepEqual(wrong, []);
    } finally { await context.close(); fs.rmSync(profile, { recursive: true }); }
});

// Each thing that a browser may lack or forbid, all of them at once.
const without = () => {
    const forbid = (o, name) => Object.defineProperty(o, name, { configurable: true, get() { throw new DOMException('forbidden', 'SecurityError'); } });
    for (const name of ['localStorage', 'sessionStorage', 'indexedDB']) forbid(window, name);
    window.BroadcastChannel = class { constructor() { throw new DOMException('forbidden', 'SecurityError'); } };
    Object.defineProperty(navigator, 'locks', { value: { request: () => Promise.reject(new DOMException('forbidden', 'SecurityError')) } });
    Object.defineProperty(navigator, 'clipboard', { value: undefined });
    delete window.Notification;
    delete crypto.constructor.prototype.randomUUID;
};
test('a browser without storage, channels, locks, clipboard, notifications and a secure context does what the others do', async () => {
    const [a, b] = [await signUp(node), await signUp(node)], wrong = [];
    await befriend(a, b);
    const r = await room(a, b);
    for (const locale of ['ko-KR', 'en-US']) {
        const context = await browser.newContext({ locale }), page = await context.newPage();
        page.on('pageerror', e => wrong.push(String(e)));
        await page.addInitScript(without);
        await page.goto(node.base);
        await page.waitForSelector(`h2:has-text("${heading(locale)}")`);
        await logIn(page, a);
        await page.goto(`${node.base}/chats/${r}`); // the cookie is there: it is restored
        await page.fill('.composer textarea', `from ${locale}`);
        await page.press('.composer textarea', 'Enter');
        await page.waitForSelector(`.bubble[data-seq]:has-text("from ${locale}")`);
        await page.click('nav.main a[href="/me"]');
        await page.click('section:last-of-type button:has-text("English"), section:last-of-type button:has-text("한국어")');
        await page.waitForSelector('nav.main');
        await context.close();
    }
    assert.deepEqual(wrong, []);
});

const nickname = page => page.locator('section.card strong').first();
for (const lacks of ['nothing', 'BroadcastChannel', 'storage too'])
    test(`two tabs are one person's: who logs in or out in one of them does so in the other (it lacks ${lacks})`, async () => {
        const [a, b] = [await signUp(node), await signUp(node)], context = await browser.newContext();
        if (lacks !== 'nothing') await context.addInitScript(() => { delete window.BroadcastChannel; });
        if (lacks === 'storage too') await context.addInitScript(() => { addEventListener('storage', e => e.stopImmediatePropagation(), true); });
        const one = await context.newPage(), two = await context.newPage();
        await logIn(one, a);
        await two.goto(`${node.base}/me`);
        await nickname(two).filter({ hasText: a.name }).waitFor();
        // what the other tab has open when somebody else logs in here is a's
        await one.evaluate(() => import('/state.js').then(({ m }) => m.logout()));
        if (lacks === 'storage too') await two.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
        await two.waitForSelector('input[name=password]');
        await logIn(one, a);
        await two.goto(`${node.base}/me`);
        await nickname(two).filter({ hasText: a.name }).waitFor();
        // without a farewell: the cookie is another's all at once
        await one.evaluate(async ([email, password]) => { const { m } = await import('/state.js'); await m.login({ email, password }); }, [b.email, b.password]);
        if (lacks === 'storage too') await two.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
        await until('a is gone', async () => !(await two.content()).includes(a.name) && await two.locator('nav.main').count());
        await two.click('nav.main a[href="/me"]');
        await nickname(two).filter({ hasText: b.name }).waitFor();
        await context.close();
    });

test('a network that goes silent is told within 15 s; what was said meanwhile is said once', async () => {
    const [a, b] = [await signUp(node), await signUp(node)];
    await befriend(a, b);
    const r = await room(a, b), context = await browser.newContext({ locale: 'ko-KR' }), page = await context.newPage(), base = `http://localhost:${proxy.port}`;
    await logIn(page, a, base);
    await page.goto(`${base}/chats/${r}`);
    await page.waitForSelector('.composer textarea:enabled');
    await page.evaluate(() => import('/state.js').then(({ m }) => { window.m = m; }));
    await page.waitForFunction(() => window.m.state === 'open');
    await page.evaluate(() => { window.told = 0; window.m.on('closed', () => { window.told ||= performance.now(); }); });
    proxy.silent = true;
    const began = await page.evaluate(() => performance.now());
    await page.fill('.composer textarea', '들리나요');
    await page.press('.composer textarea', 'Enter');
    await page.waitForFunction(() => window.told, null, { timeout: PATIENCE });
    const after = await page.evaluate(() => window.told) - began;
    assert.ok(after < 15000, `after ${after} ms`);
    await page.waitForSelector('.banner:visible');
    proxy.silent = false;
    await page.waitForSelector('.bubble[data-seq]:has-text("들리나요")', { timeout: PATIENCE });
    assert.equal((await node.ok('GET', `/api/v1/rooms/${r}/messages`, b.token)).messages.length, 1);
    await page.waitForSelector('.banner', { state: 'hidden' });
    // a cable that is pulled is known at once, and so is one that is put in again
    await page.evaluate(() => { window.told = 0; });
    await context.setOffline(true);
    await page.evaluate(() => dispatchEvent(new Event('offline'))); // on a network of nothing but loopback a browser was never online
    await page.waitForFunction(() => window.told, null, { timeout: 5000 }); // no beat is due by then
    await page.fill('.composer textarea', '다시 들리나요');
    await page.press('.composer textarea', 'Enter');
    await context.setOffline(false);
    await page.evaluate(() => dispatchEvent(new Event('online')));
    await page.waitForFunction(() => window.m.state === 'open');
    await page.waitForSelector('.bubble[data-seq]:has-text("다시 들리나요")');
    assert.equal((await node.ok('GET', `/api/v1/rooms/${r}/messages`, b.token)).messages.length, 2);
    await context.close();
});
