// Two people in two real browsers: from sign-up to a block.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launch, Person } from '../../lib/browser.mjs';
import { Cluster, uniqueName } from '../../lib/daemon.mjs';
import { all } from '../../lib/process.mjs';
import { story } from '../../lib/story.mjs';

let cluster, node, browser;
before(async () => { cluster = await new Cluster().start(); node = await cluster.node({ MADANG_SOCIAL_OFFLINE_MS: '500' }); browser = await launch(); });
after(() => all(() => browser?.close(), () => cluster.stop()));

test('two people meet, talk, and part', async () => {
    const a = await Person.open(browser, cluster, node.base, { name: uniqueName('봄') }), b = await Person.open(browser, cluster, node.base, { name: uniqueName('Sol') });
    await story(a, b);
    await a.page.click('nav.main a[href="/me"]');
    await a.sees('h2:has-text("접속 기기")');
    await a.shot('07-me');
    await a.close();
    await b.close();
});

test('on a phone, in English, with the keyboard alone', async () => {
    const p = await Person.open(browser, cluster, node.base, { name: uniqueName('Mina'), phone: true, language: 'en-US' });
    await p.page.goto(p.base);
    await p.sees('h2:has-text("Log in")');
    await p.shot('08-phone-login');
    await p.signUp();
    await p.shot('09-phone-home');
    assert.ok(await p.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the phone');
    for (const href of ['/friends', '/find', '/notices', '/me']) {
        await p.page.focus(`nav.main a[href="${href}"]`);
        await p.page.keyboard.press('Enter');
        await p.page.waitForURL(`**${href}`);
        assert.ok(await p.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), href);
        const unnamed = await p.page.evaluate(() => [...document.querySelectorAll('button, a, input:not([type=file]), textarea, select')].filter(e => !(e.innerText?.trim() || e.getAttribute('aria-label') || e.labels?.length || e.querySelector('img[alt]'))).map(e => e.outerHTML));
        assert.deepEqual(unnamed, [], `every control has a name on ${href}`);
    }
    await p.shot('10-phone-me');
    // a wrong nickname is told at its field
    await p.page.fill('input[name=nickname]', '!!');
    await p.page.click('section:has-text("Profile") button[type=submit]');
    await p.sees('input[name=nickname][aria-invalid=true]');
    await p.page.click('button:has-text("Log out")');
    await p.sees('h2:has-text("Log in")');
    await p.page.reload();
    await p.sees('h2:has-text("Log in")');
    await p.close();
});
