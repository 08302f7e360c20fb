// What two people do together, from sign-up to a block.
import assert from 'node:assert/strict';
import { until } from './daemon.mjs';
import { png } from './pictures.mjs';

export async function story(a, b, shot = true) {
    const s = (p, n) => shot ? p.shot(n) : undefined;
    await a.page.goto(a.base);
    await s(a, '01-login');
    await a.signUp();
    await s(a, '02-home-empty');
    await b.signUp();

    // a request, accepted live
    await a.find(b.name);
    await s(a, '03-person');
    await a.page.click('button:has-text("친구 요청")');
    await b.sees('.toast:has-text("친구 요청을 보냈어요")');
    await b.page.click('nav.main a[href="/friends"]');
    await b.sees(`.card:has-text("받은 요청") >> text=${a.name}`);
    await s(b, '04-request');
    await b.page.click('button.primary:has-text("수락")');
    await a.sees('.toast:has-text("친구가 되었어요")');

    // they see each other online
    await b.sees('.card:has-text("친구 1") .dot.on');
    await a.page.click('nav.main a[href="/friends"]');
    await a.sees('.dot.on');

    // and talk, both ways
    await a.page.click('button:has-text("대화하기")');
    await a.sees('.composer textarea:enabled');
    await a.say('안녕하세요! 반가워요 👋');
    await b.sees('nav.main .badge:has-text("1")');
    assert.match(await b.page.title(), /^\(1\)/, 'the title tells of what is unread');
    await b.page.click('nav.main a[href="/"]');
    await s(b, '05-unread');
    await b.page.click(`.item:has-text("${a.name}")`);
    await b.sees('.bubble:has-text("안녕하세요! 반가워요")');
    await a.sees('.bubble.mine .read');
    await b.page.waitForFunction(() => !document.querySelector('nav.main .badge'));
    await b.say('네, 저도요. <b>사진</b> 보여 드릴게요');
    await a.sees('.bubble:not(.mine):has-text("<b>사진</b>")');
    await a.page.evaluate(() => { const now = performance.now.bind(performance); performance.now = () => now() + 3100; }); // there is one sign of typing in three seconds
    await a.page.type('.composer textarea', 'ㅎㅎ');
    await b.sees('.typing:has-text("입력 중")');

    // with a picture and its thumbnail
    await b.page.setInputFiles('input[type=file]', { name: 'courtyard.png', mimeType: 'image/png', buffer: png(900, 600) });
    await b.sees('.thumb img');
    await b.page.click('.composer button[type=submit]');
    const img = await a.sees('.bubble:not(.mine) .pictures img');
    await until('the thumbnail to be drawn', () => img.evaluate(i => i.complete && i.naturalWidth));
    assert.equal(await img.evaluate(i => i.naturalWidth), 320);
    await s(a, '06-chat');
    await a.page.click('.bubble:not(.mine) .pictures button');
    const big = await a.sees('dialog.picture img');
    await until('the picture', () => big.evaluate(i => i.naturalWidth === 900));
    await a.page.keyboard.press('Escape');

    // a reload keeps everything, and does not flicker offline
    await b.page.reload();
    await b.sees('.bubble:has-text("안녕하세요! 반가워요")');
    await a.page.hover('.bubble.mine');
    await a.page.click('.bubble.mine button:has-text("삭제")');
    await b.sees('.bubble.gone');

    // presence off
    const away = b.page.url();
    await b.page.goto('about:blank');
    await a.sees('.chat header .small-text:has-text("오프라인")');
    await b.page.goto(away);
    await a.sees('.chat header .small-text:has-text("접속 중")');

    // a block ends it
    await a.page.click('.chat header h2 a');
    await a.page.click('button:has-text("차단")');
    await a.sees('button:has-text("차단 해제")');
    await b.sees('text=친구끼리만 대화할 수 있어요.');
    assert.ok(!(await b.page.isVisible('.composer')));
}
