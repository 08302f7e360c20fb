// Consultation by video: real browsers with made-up cameras, on two nodes, directly and through a real TURN server.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import net from 'node:net';
import { after, before, test } from 'node:test';
import { launch, PATIENCE } from '../../lib/browser.mjs';
import { Cluster, Socket, freePort, signUp, until } from '../../lib/daemon.mjs';
import { noise } from '../../lib/pictures.mjs';
import { all } from '../../lib/process.mjs';
import { Turn } from '../../lib/turn.mjs';

const SECRET = 'a secret that coturn and madang share';
let cluster, one, two, browser;
before(async () => {
    cluster = await new Cluster().start();
    one = await cluster.node();
    two = await cluster.node();
    browser = await launch('--use-fake-device-for-media-stream=device-count=3', '--use-fake-ui-for-media-stream', '--allow-loopback-in-peer-connection', '--autoplay-policy=no-user-gesture-required');
});
after(() => all(() => browser?.close(), () => cluster.stop()));

// Keeps the page's connections, for their statistics.
const keepConnections = () => {
    const Real = window.RTCPeerConnection;
    window.connections = [];
    window.RTCPeerConnection = class extends Real { constructor(...a) { super(...a); window.connections.push(this); } };
};
class Person {
    static async open(size = { width: 1280, height: 800 }, language = 'ko-KR') {
        const p = new Person();
        p.wrong = [];
        p.context = await browser.newContext({ viewport: size, locale: language, permissions: ['camera', 'microphone', 'clipboard-read', 'clipboard-write'] });
        p.page = await p.context.newPage();
        p.page.setDefaultTimeout(PATIENCE);
        p.page.on('pageerror', e => p.wrong.push(String(e)));
        p.page.on('console', m => { if (['error', 'warning'].includes(m.type()) && !/Failed to load resource|WebSocket connection/.test(m.text())) p.wrong.push(m.text()); });
        await p.page.addInitScript(keepConnections);
        return p;
    }
    async login(base, person) {
        await this.page.goto(base);
        await this.page.fill('input[name=email]', person.email);
        await this.page.fill('input[name=password]', person.password);
        await this.page.click('button[type=submit]');
        await this.page.waitForSelector('nav.main');
    }
    // Opens a room by hand; what the guest is sent.
    async openRoom(title) {
        await this.page.goto(new URL('/video', this.page.url()).href);
        await this.page.fill('input[name=title]', title);
        await this.page.getByRole('button', { name: '방 열기' }).click();
        await this.page.getByRole('button', { name: '초대 복사' }).click();
        const [url, password] = (await until('the invitation, not an earlier one', async () => {
            const text = await this.page.evaluate(() => navigator.clipboard.readText());
            return text.includes(await this.page.locator('.facts a').getAttribute('href')) && text;
        })).split('\n');
        await this.page.getByRole('button', { name: '들어가기' }).click();
        return { url: new URL(url), password: password.split(': ')[1] };
    }
    async come(base, { url }) {
        await this.page.goto(base + url.pathname + url.hash);
        await this.page.getByRole('button', { name: '로그인 없이 계속하기' }).click();
        await this.page.waitForSelector('.mirror');
    }
    async enter(name) {
        if (name) await this.page.fill('input[name=name]', name);
        await this.page.getByRole('button', { name: '들어가기' }).click();
        await this.page.waitForSelector('.controls');
    }
    // How many frames of the others' pictures were shown.
    frames() { return this.page.evaluate(() => [...document.querySelectorAll('.tile:not(.mine) video')].map(v => v.getVideoPlaybackQuality().totalVideoFrames)); }
    stats() {
        return this.page.evaluate(async () => {
            const c = window.connections.findLast(x => x.connectionState === 'connected'), all = [...(await c.getStats()).values()], pair = all.find(x => x.type === 'candidate-pair' && x.state === 'succeeded' && x.nominated);
            return { sound: all.find(x => x.type === 'inbound-rtp' && x.kind === 'audio')?.packetsReceived ?? 0, ways: pair && [pair.localCandidateId, pair.remoteCandidateId].map(id => all.find(x => x.id === id)?.candidateType), states: window.connections.map(x => x.connectionState) };
        });
    }
    // What the other side knows its way here by; false while there is something to be agreed upon.
    way() {
        return this.page.evaluate(() => {
            const c = window.connections.at(-1);
            return c.signalingState === 'stable' && c.connectionState === 'connected' && /a=ice-ufrag:(\S+)/.exec(c.currentLocalDescription?.sdp)?.[1];
        });
    }
    async sees(others = 1) {
        await until('pictures', async () => { const f = await this.frames(); return f.length === others && f.every(n => n > 5); }, 30000);
        const before = await this.frames();
        await until('they move', async () => (await this.frames()).every((n, i) => n > before[i] + 5));
        await until('sound', async () => (await this.stats()).sound > 10);
    }
    async say(text) { await this.page.locator('.side textarea').fill(text); await this.page.locator('.side textarea').press('Enter'); }
    heard(text) { return this.page.locator('.side .bubble:not(.mine) .text', { hasText: text }).waitFor({ state: 'attached' }); }
    drawn() { return this.page.locator('.drawn-cards .one span').allTextContents(); }
    async shot(name) { if (process.env.MADANG_SHOTS) await this.page.screenshot({ path: `${process.env.MADANG_SHOTS}/${name}.png` }); }
    async close() {
        await this.context.close();
        assert.deepEqual(this.wrong, []);
    }
}
async function pair(nodeOfHost = one, nodeOfGuest = two) {
    const host = await Person.open(), guest = await Person.open({ width: 390, height: 844 });
    host.person = await signUp(nodeOfHost);
    await host.login(nodeOfHost.base, host.person);
    const room = await host.openRoom('저녁 상담');
    await host.enter();
    await guest.come(nodeOfGuest.base, room);
    await guest.page.setInputFiles('input[name=picture]', { name: 'me.png', mimeType: 'image/png', buffer: noise(200, 160) });
    await guest.enter('민들레');
    await Promise.all([host.sees(), guest.sees()]);
    return { host, guest, room };
}
// Each of `who` asks for a new way so many times; until the two have one.
async function anew(two, who, times) {
    const before = [];
    for (const p of two) before.push(await until('a way', () => p.way()));
    for (let i = 0; i < times; i++) await Promise.all(who.map(p => p.page.evaluate(() => window.connections.at(-1).restartIce())));
    await until('a new way', async () => (await Promise.all(two.map(p => p.way()))).every((way, i) => way && way !== before[i]), 20000);
}

test('a guest without an account, on another node: pictures, sound, words and a card go both ways', async () => {
    const { host, guest, room } = await pair();
    await host.page.locator('.tile:not(.mine) .who', { hasText: '민들레' }).waitFor();
    await guest.page.locator('.tile:not(.mine) .who', { hasText: host.person.name }).waitFor();
    for (const p of [host, guest]) for (const who of ['.tile.mine', '.tile:not(.mine)']) await p.page.waitForSelector(`${who}.speaking`); // the made-up microphones beep
    await guest.page.getByRole('button', { name: '이야기' }).click();
    await guest.say('안녕하세요 <b>처음</b> 뵙겠습니다');
    await host.heard('안녕하세요 <b>처음</b> 뵙겠습니다');
    await host.say('어서 오세요');
    await guest.heard('어서 오세요');
    await guest.shot('consult-talk-phone');
    await guest.page.locator('.side .fold').click();
    assert.ok(await guest.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), 'nothing is wider than the phone');

    await host.page.getByRole('button', { name: '카드 펼치기' }).click();
    await guest.page.getByText('마음이 가는 카드를 한 장 뽑아 주세요').waitFor();
    assert.ok(await host.page.locator('.card-back').first().isDisabled(), 'the host does not pick');
    await host.shot('consult-spread');
    await guest.page.locator('.card-back').first().focus(); // by the keyboard alone
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowLeft', 'End', 'ArrowLeft', 'Enter']) await guest.page.keyboard.press(key);
    await guest.page.locator('.card-back.picked[aria-label="카드 77"]').waitFor();
    const seen = await until('the card on both sides', async () => { const [a, b] = [await host.drawn(), await guest.drawn()]; return a.length === 1 && b.length === 1 && [a[0], b[0]]; });
    assert.equal(seen[0], seen[1]);
    assert.match(seen[0], / · (정|역)방향$/);
    await guest.shot('consult-card-phone');

    await guest.page.getByRole('button', { name: '카메라 켜짐' }).click();
    const avatar = host.page.locator('.tile:not(.mine) .blank .avatar img');
    await avatar.waitFor();
    assert.deepEqual(await avatar.evaluate(async i => { await i.decode(); return [i.naturalWidth, i.naturalHeight]; }), [160, 160]);
    await guest.page.getByRole('button', { name: '마이크 켜짐' }).click();
    await host.page.getByRole('figure', { name: '민들레, 마이크 꺼짐, 카메라 꺼짐' }).waitFor();
    await host.shot('consult-camera-off');
    await guest.page.getByRole('button', { name: '카메라 꺼짐' }).click();
    await guest.page.getByRole('button', { name: '마이크 꺼짐' }).click();
    await Promise.all([host.sees(), guest.sees()]);

    // another camera, in mid-talk (the second made-up one gives pictures that Chromium cannot send)
    await guest.page.getByRole('button', { name: '장치 설정' }).click();
    await guest.page.getByRole('dialog').locator('select[name=video]').selectOption('fake_device_2');
    await until('it is taken', () => guest.page.evaluate(() => document.querySelector('.tile.mine video').srcObject.getVideoTracks()[0]?.label === 'fake_device_2'));
    await guest.shot('consult-devices-phone');
    await guest.page.getByRole('dialog').getByRole('button', { name: '닫기' }).click();
    await Promise.all([host.sees(), guest.sees()]);

    // both ask for a new way at the same moment
    await anew([host, guest], [host, guest], 3);
    await Promise.all([host.sees(), guest.sees()]);

    // the host loads the page anew: the same room, the same talk, the same card
    await host.page.reload();
    await guest.page.getByText('다시 들어오는 중').waitFor({ timeout: 5000 }).catch(() => {}); // or it is back before one can look
    await host.page.waitForSelector('.controls');
    await Promise.all([host.sees(), guest.sees()]);
    await host.heard('안녕하세요');
    assert.deepEqual(await host.drawn(), [seen[0]]);
    await host.say('다시 왔어요');
    await guest.heard('다시 왔어요');
    // … and the guest
    await guest.page.reload();
    await Promise.all([host.sees(), guest.sees()]);
    assert.deepEqual(await guest.drawn(), [seen[0]]);

    // nobody else: the room is full, and a password is a password
    const third = await Person.open();
    await third.come(two.base, room);
    await third.page.getByRole('button', { name: '들어가기' }).click();
    await third.page.getByText('방이 가득 찼습니다').waitFor();
    await third.page.fill('input[name=password]', 'not this one');
    await third.page.getByRole('button', { name: '들어가기' }).click();
    await third.page.getByText('그런 방이 없거나 비밀번호가 다릅니다').waitFor();
    await third.close();
    const outside = await Socket.open(one, await signUp(one));
    assert.equal((await outside.call('video.signal', { room: room.url.pathname.slice(-10), to: 'aaaaaaaa', candidate: { candidate: '' } })).problem.code, 'video.not-in');
    await outside.close();

    // leaving asks first, by the button and by the browser's back
    await guest.page.getByRole('button', { name: '나가기' }).click();
    await guest.page.getByRole('dialog').getByRole('button', { name: '취소' }).click();
    await host.page.evaluate(() => history.back());
    await host.page.getByRole('dialog').getByRole('button', { name: '취소' }).click();
    assert.ok(host.page.url().endsWith(room.url.pathname));
    await Promise.all([host.sees(), guest.sees()]);
    await guest.page.getByRole('button', { name: '나가기' }).click();
    await guest.page.getByRole('dialog').getByRole('button', { name: '나가기' }).click();
    await host.page.getByText('손님을 기다리고 있어요').waitFor();
    assert.equal(new URL(guest.page.url()).pathname, '/video');
    // the host sends somebody out, who cannot come back
    await guest.page.goto(two.base + room.url.pathname);
    await guest.page.waitForSelector('.mirror');
    await guest.enter();
    await host.page.getByRole('button', { name: '내보내기' }).click();
    await host.page.getByRole('dialog').getByRole('button', { name: '내보내기' }).click();
    await guest.page.getByText('방장이 내보냈습니다').waitFor();
    await guest.page.goto(two.base + room.url.pathname);
    await guest.page.getByRole('button', { name: '들어가기' }).click();
    await guest.page.getByText('방장이 내보낸 방에는').waitFor();
    await host.close();
    await guest.close();
});

test('through a real TURN server alone; its credentials are good for their time and no longer', async () => {
    const turn = await new Turn(await freePort(), SECRET).start();
    try {
        const settings = { MADANG_VIDEO_TURN_URLS: turn.urls, MADANG_VIDEO_TURN_SECRET: SECRET, MADANG_VIDEO_RELAY_ONLY: 'true', MADANG_VIDEO_TURN_S: '60' };
        const { host, guest, room } = await pair(await cluster.node(settings), await cluster.node(settings));
        for (const p of [host, guest]) assert.deepEqual((await p.stats()).ways, ['relay', 'relay']);
        await host.say('돌아서도 들려요');
        await guest.heard('돌아서도 들려요');
        const s = await Socket.open(cluster.nodes.at(-1), host.person), { ice } = await s.ok('video.join', { room: room.url.pathname.slice(-10), page: 'p' }), { username, credential } = ice.servers[0];
        assert.equal(await turn.use(username, credential), true);
        assert.equal(await turn.use(username, credential.replace(/^./, c => c === 'A' ? 'B' : 'A')), false);
        const past = `${Math.floor(Date.now() / 1000) - 10}:name`;
        assert.equal(await turn.use(past, createHmac('sha1', SECRET).update(past).digest('base64')), false);
        await host.page.getByText('다른 창에서 이 방에 들어갔습니다').waitFor();
        await s.close();
        await host.close();
        await guest.close();
    } finally { await turn.stop(); }
});

test('a node that is killed ends nothing: the picture goes on, and the place is there on another node', async () => {
    const door = net.createServer(near => { const far = net.connect(door.to, '127.0.0.1'); for (const [a, b] of [[near, far], [far, near]]) a.on('error', () => b.destroy()).on('close', () => b.destroy()).pipe(b); }).listen(0, '127.0.0.1');
    await new Promise(r => door.on('listening', r));
    const base = `http://localhost:${door.address().port}`, three = await cluster.node({ MADANG_HTTP_PUBLIC_URL: base }), four = await cluster.node({ MADANG_HTTP_PUBLIC_URL: base });
    door.to = three.port;
    const { host, guest } = await pair(one, { base });
    door.to = four.port;
    await three.kill();
    await Promise.all([host.sees(), guest.sees()]);
    await until('the place is on the other node', async () => Number(/madang_video_seats (\d+)/.exec(await four.admin('/metrics'))?.[1]) > 0);
    await anew([host, guest], [guest], 2);
    assert.deepEqual((await guest.stats()).states, ['connected'], 'the connection is the one from before');
    await Promise.all([host.sees(), guest.sees()]);
    await guest.page.getByRole('button', { name: '이야기' }).click();
    await guest.say('아직 있어요');
    await host.heard('아직 있어요');
    await host.close();
    await guest.close();
    door.close();
});

test('three in a room, in English; without a camera one can still listen and write', async () => {
    const wide = await cluster.node({ MADANG_VIDEO_MAX_PEERS: '3' }), { host, guest, room } = await pair(wide, wide), other = await Person.open({ width: 1000, height: 700 }, 'en-US');
    await other.page.addInitScript(() => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError')); });
    await other.page.goto(wide.base + room.url.pathname + room.url.hash);
    await other.page.getByRole('button', { name: 'Go on without an account' }).click();
    await other.page.getByText('The camera cannot be used').waitFor();
    await other.page.fill('input[name=name]', 'Sol');
    await other.page.getByRole('button', { name: 'Enter' }).click();
    await other.page.waitForSelector('.controls');
    await other.sees(2);
    await other.shot('consult-three');
    await other.say('Can you hear me?');
    await host.heard('Can you hear me?');
    await guest.heard('Can you hear me?');
    await host.page.getByRole('button', { name: '카드 펼치기' }).click();
    await other.page.getByRole('button', { name: 'Card 3', exact: true }).click();
    const cards = await until('the card for all', async () => { const all = await Promise.all([host, guest, other].map(p => p.drawn())); return all.every(x => x.length === 1) && all.flat(); });
    assert.equal(cards[0], cards[1]);
    await host.page.getByRole('button', { name: '나가기' }).click();
    await host.page.getByRole('dialog').getByText('나가면 방이 닫힙니다').waitFor();
    await host.page.getByRole('dialog').getByRole('button', { name: '나가기' }).click();
    await other.page.getByText('The host has left').waitFor();
    await guest.page.getByText('방장이 나갔습니다').waitFor();
    for (const p of [host, guest, other]) await p.close();
});
