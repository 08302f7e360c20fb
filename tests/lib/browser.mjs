// Debian's Chromium through playwright-core; people who do things in it.
import { chromium } from 'playwright-core';
import { until } from './daemon.mjs';

export const PATIENCE = 60000; // ms that a page is waited for: the machine may have other work

export async function launch(...more) {
    return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
        '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage', ...more] });
}

export class Person {
    static async open(browser, cluster, base, { name, phone = false, language = 'ko-KR' } = {}) {
        const p = new Person();
        Object.assign(p, { cluster, base, name, email: `p${Math.random().toString(36).slice(2)}@example.com`, errors: [] });
        p.context = await browser.newContext({ locale: language, viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 800 } });
        p.page = await p.context.newPage();
        p.page.on('pageerror', e => p.errors.push(String(e)));
        p.page.on('console', m => { if (m.type() === 'error' && !/Failed to load resource|WebSocket connection/.test(m.text())) p.errors.push(m.text()); });
        p.page.setDefaultTimeout(PATIENCE);
        return p;
    }
    // Sign-up with the code from the outbox, then onboarding, by hand.
    async signUp() {
        const { page } = this;
        await page.goto(`${this.base}/signup`);
        await page.fill('input[name=email]', this.email);
        await page.click('button[type=submit]');
        await page.waitForSelector('input[name=code]:visible');
        await page.fill('input[name=code]', await this.cluster.mail(this.email, /(\d{6})/));
        await page.fill('input[name=password]', 'correct horse battery');
        await page.fill('input[name=birth_date]', '1995-05-05');
        await page.check('input[name=agree]');
        await page.click('button[type=submit]');
        await page.waitForSelector('input[name=nickname]');
        await page.fill('input[name=nickname]', this.name);
        await page.selectOption('select[name=region]', 'seoul');
        await page.fill('input[name=introduction]', '마당에서 만나요');
        await page.click('.chip >> nth=2');
        await page.click('button[type=submit]');
        await page.waitForSelector('nav.main');
        return this;
    }
    async find(name) {
        await this.page.click('nav.main a[href="/find"]');
        await this.page.fill('input[type=search]', name);
        await this.page.click(`.item:has-text("${name}")`);
        await this.page.waitForSelector(`h1:has-text("${name}")`);
    }
    async say(text) {
        await this.page.fill('.composer textarea', text);
        await this.page.press('.composer textarea', 'Enter');
    }
    sees(selector, options) { return this.page.waitForSelector(selector, options); }
    async shot(name) {
        if (!process.env.MADANG_SHOTS) return;
        await this.page.evaluate(() => Promise.allSettled(document.getAnimations().map(a => a.finished)));
        await this.page.screenshot({ path: `${process.env.MADANG_SHOTS}/${name}.png` });
    }
    async close() {
        await this.context.close();
        if (this.errors.length) throw new Error(`errors in ${this.name}'s page: ${this.errors.join('\n')}`);
    }
}
export { until };
