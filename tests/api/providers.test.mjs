// Outside services: logins by Kakao (a double) and by an OpenID provider standing for Google, mail by SMTP, an S3 that is away.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import Provider from 'oidc-provider';
import { SMTPServer } from 'smtp-server';
import { Kakao } from '../fakes/kakao.mjs';
import { Cluster, freePort, signUp, uniqueName, until } from '../lib/daemon.mjs';
import { png } from '../lib/pictures.mjs';
import { all } from '../lib/process.mjs';

let cluster, node, kakao, oidc, oidcServer, smtp, letters = [], smtpMode = 'good';
before(async () => {
    cluster = await new Cluster().start();
    kakao = await new Kakao().start();
    smtp = new SMTPServer({ authOptional: true, disabledCommands: ['STARTTLS'], onAuth: (auth, s, done) => done(auth.username === 'mailer' && auth.password === 'mail-secret' ? null : new Error('no'), { user: 1 }),
        onRcptTo: (a, s, done) => done(smtpMode === 'refuse' ? Object.assign(new Error('not now'), { responseCode: 451 }) : null), onData: (stream, s, done) => { let all = ''; stream.on('data', d => { all += d; }); stream.on('end', () => { letters.push({ from: s.envelope.mailFrom.address, to: s.envelope.rcptTo[0].address, user: s.user, text: all }); done(); }); } });
    await new Promise(r => smtp.listen(0, '127.0.0.1', r));
    const port = await freePort();
    const issuer = `http://localhost:${port}`;
    node = await cluster.node({
        MADANG_KAKAO_CLIENT_ID: 'kakao-app', MADANG_KAKAO_CLIENT_SECRET: 'kakao-secret', MADANG_KAKAO_AUTHORIZE_URL: `${kakao.base}/authorize`, MADANG_KAKAO_TOKEN_URL: `${kakao.base}/token`, MADANG_KAKAO_USER_URL: `${kakao.base}/me`,
        MADANG_GOOGLE_CLIENT_ID: 'google-app', MADANG_GOOGLE_CLIENT_SECRET: 'google-secret', MADANG_GOOGLE_ISSUER: issuer, MADANG_GOOGLE_AUTHORIZE_URL: `${issuer}/auth`, MADANG_GOOGLE_TOKEN_URL: `${issuer}/token`, MADANG_GOOGLE_KEYS_URL: `${issuer}/jwks`,
    });
    oidc = new Provider(issuer, {
        clients: [{ client_id: 'google-app', client_secret: 'google-secret', redirect_uris: [`${node.base}/api/v1/auth/google/callback`], token_endpoint_auth_method: 'client_secret_post', id_token_signed_response_alg: 'RS256' }],
        findAccount: (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, email: `${id}@gmail.example`, email_verified: true }) }),
        claims: { openid: ['sub'], email: ['email', 'email_verified'] }, conformIdTokenClaims: false, pkce: { required: () => true }, cookies: { keys: ['a test key'] },
    });
    oidc.on('server_error', (ctx, e) => console.error(e));
    oidcServer = oidc.listen(port, 'localhost');
    await new Promise(r => oidcServer.on('listening', r));
});
after(() => all(() => cluster.stop(), () => kakao.stop(), () => oidcServer.closeAllConnections(),
    () => new Promise(r => oidcServer.close(r)), () => new Promise(r => smtp.close(r))));

// A browser of a kind: follows redirects, keeps cookies by host, fills in the provider's two forms.
class Browser {
    constructor() { this.jar = new Map(); }
    async fetch(url, options = {}) {
        const host = new URL(url).host, jar = this.jar.get(host) ?? new Map();
        this.jar.set(host, jar);
        const r = await fetch(url, { ...options, redirect: 'manual', headers: { ...options.headers, cookie: [...jar].map(([k, v]) => `${k}=${v}`).join('; ') } });
        for (const c of r.headers.getSetCookie()) { const [k, ...v] = c.split(';')[0].split('='); /Max-Age=0|1970/.test(c) ? jar.delete(k) : jar.set(k, v.join('=')); }
        return r;
    }
    async follow(url, login, stop = () => false) {
        for (let i = 0; i < 20; i++) {
            const r = await this.fetch(url);
            if (r.status >= 300 && r.status < 400) { const to = new URL(r.headers.get('location'), url).href; if (stop(to)) return { to, r }; url = to; continue; }
            const html = await r.text(), prompt = /name="prompt" value="(\w+)"/.exec(html)?.[1], action = /action="([^"]+)"/.exec(html)?.[1];
            if (!prompt) return { r, html, url };
            const p = await this.fetch(new URL(action, url).href, { method: 'POST', headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: new URLSearchParams({ prompt, login, password: 'x' }) });
            url = new URL(p.headers.get('location'), url).href;
        }
        throw new Error('too many redirects');
    }
    cookie(host) { return [...(this.jar.get(host) ?? [])].map(([k, v]) => `${k}=${v}`).join('; '); }
}
const host = () => new URL(node.base).host;
const start = (b, provider, to = '/chats', login) => b.follow(`${node.base}/api/v1/auth/${provider}/start?return_to=${encodeURIComponent(to)}`, login, u => u.startsWith(node.base) && !u.includes('/callback'));
const me = async b => { const r = await node.call('POST', '/api/v1/auth/refresh', { headers: { cookie: b.cookie(host()), origin: node.base } }); return { status: r.status, me: r.status === 200 ? await node.ok('GET', '/api/v1/me', r.body.access_token) : null, token: r.body?.access_token }; };

test('Kakao: a first login makes a newcomer, a second finds the account; an id above 2^53 stays exact', async () => {
    const b = new Browser(), first = await start(b, 'kakao');
    assert.equal(first.to, `${node.base}/chats`);
    const one = await me(b);
    assert.equal(one.me.role, 'newcomer');
    assert.deepEqual(one.me.providers, ['kakao']);
    assert.equal((await cluster.sql("select subject from identities where provider = 'kakao'"))[0].subject, '9007199254740993');
    const again = new Browser();
    await start(again, 'kakao');
    assert.equal((await me(again)).me.id, one.me.id);
    assert.ok(kakao.seen.includes('POST /token'));
});

test('Google: through a real OpenID provider, PKCE and nonce and keys and all', async () => {
    const b = new Browser(), end = await start(b, 'google', '/', 'alice');
    assert.equal(end.to, `${node.base}/`, end.html?.slice(0, 500) ?? node.log.slice(-500));
    const { me: who } = await me(b);
    assert.deepEqual([who.email, who.providers], ['alice@gmail.example', ['google']]);
});

test('a provider is joined to an account only after a login to that account', async () => {
    const p = await signUp(node);
    kakao.user = { id: 4242n, email: p.email };
    const b = new Browser(), refused = await start(b, 'kakao');
    assert.equal(refused.to, `${node.base}/login?problem=oauth.email-taken`);
    const link = await b.fetch(`${node.base}/api/v1/auth/kakao/link?return_to=/me`, { method: 'POST', headers: { authorization: `Bearer ${p.token}` } });
    const made = await node.call('POST', '/api/v1/auth/kakao/link?return_to=/me', { token: p.token });
    assert.equal(made.status, 200);
    const joined = await b.follow((await link.json()).url, undefined, u => u.startsWith(node.base) && !u.includes('/callback'));
    assert.equal(joined.to, `${node.base}/me`);
    assert.deepEqual((await node.ok('GET', '/api/v1/me', p.token)).providers, ['kakao']);
    const other = await signUp(node), b2 = new Browser();
    const link2 = await b2.fetch(`${node.base}/api/v1/auth/kakao/link`, { method: 'POST', headers: { authorization: `Bearer ${other.token}` } });
    const taken = await b2.follow((await link2.json()).url, undefined, u => u.startsWith(node.base) && !u.includes('/callback'));
    assert.equal(taken.to, `${node.base}/login?problem=oauth.linked`);
});

test('a provider is joined only while the session that asked for it stands', async () => {
    const p = await signUp(node), thief = await node.ok('POST', '/api/v1/auth/login', undefined, { email: p.email, password: p.password });
    kakao.user = { id: 4343n, email: 'thief@example.com' };
    const b = new Browser();
    const link = await b.fetch(`${node.base}/api/v1/auth/kakao/link?return_to=/me`, { method: 'POST', headers: { authorization: `Bearer ${thief.access_token}` } });
    await node.ok('POST', '/api/v1/auth/password', p.token, { old_password: p.password, new_password: 'known to one alone' });
    const joined = await b.follow((await link.json()).url, undefined, u => u.startsWith(node.base) && !u.includes('/callback'));
    assert.equal(joined.r.status, 400, joined.to);
    assert.deepEqual((await node.ok('GET', '/api/v1/me', p.token)).providers, []);
});

test('a guest who logs in by a provider takes along what is theirs, into a new account and into one that was there', async () => {
    kakao.user = { id: 5151n, email: 'guest-of-kakao@example.com' };
    const mine = [];
    for (const time of ['first', 'second']) {
        const g = await node.ok('POST', '/api/v1/auth/guest'), b = new Browser();
        mine.unshift((await node.ok('POST', '/api/v1/tarot/chats', g.access_token, { language: 'ko' })).chat.chat);
        const link = await b.fetch(`${node.base}/api/v1/auth/kakao/link?return_to=/tarot`, { method: 'POST', headers: { authorization: `Bearer ${g.access_token}` } });
        const end = await b.follow((await link.json()).url, undefined, u => u.startsWith(node.base) && !u.includes('/callback'));
        assert.equal(end.to, `${node.base}/tarot`);
        const who = await me(b);
        assert.deepEqual(who.me.providers, ['kakao'], time);
        assert.deepEqual((await node.ok('GET', '/api/v1/tarot/chats', who.token)).chats.map(c => c.chat), mine, time);
    }
});

test('an address that the provider did not verify is not taken over', async () => {
    kakao.user = { id: 777n, email: 'unverified@example.com', verified: false };
    const b = new Browser();
    await start(b, 'kakao');
    assert.equal((await me(b)).me.email, null);
});

test('state: once, in this browser, by this provider, to a path of ours', async () => {
    assert.equal((await node.get('/api/v1/auth/kakao/start?return_to=//evil.example')).status, 422);
    assert.equal((await node.get('/api/v1/auth/kakao/start?return_to=https://evil.example')).status, 422);
    assert.equal((await node.get('/api/v1/auth/nobody/start')).body.code, 'not-found');
    assert.equal((await node.get('/api/v1/auth/nobody/callback')).body.code, 'not-found');
    assert.equal((await node.get('/api/v1/auth/kakao/callback?code=x&state=' + 'a'.repeat(32))).body.code, 'oauth.state');
    const b = new Browser(), r = await b.fetch(`${node.base}/api/v1/auth/kakao/start`), back = (await b.fetch(r.headers.get('location'))).headers.get('location');
    assert.equal((await new Browser().fetch(back)).status, 400, 'not in another browser');
    assert.equal((await b.fetch(back)).status, 303, 'a stranger cannot use it up');
    assert.equal((await b.fetch(back)).status, 400, 'and it is good once');
    const c = new Browser(), q = await c.fetch(`${node.base}/api/v1/auth/kakao/start`), there = (await c.fetch(q.headers.get('location'))).headers.get('location');
    assert.equal((await c.fetch(there.replace('/kakao/', '/google/'))).status, 400, 'not by another provider');
    const p = await signUp(node);
    assert.equal((await node.post('/api/v1/auth/nobody/link', p.token)).body.code, 'not-found');
});

test('a refusal, a broken and a silent provider are told on the login page', async () => {
    for (const [mode, problem] of [['refuse', 'oauth.refused'], ['good', null]]) {
        kakao.mode = mode;
        if (problem) assert.equal((await start(new Browser(), 'kakao')).to, `${node.base}/login?problem=${problem}`);
    }
    const b = new Browser(), r = await b.fetch(`${node.base}/api/v1/auth/kakao/start`), back = (await b.fetch(r.headers.get('location'))).headers.get('location');
    kakao.mode = 'garbage';
    assert.equal((await b.fetch(back)).headers.get('location'), '/login?problem=upstream.failed');
    const c = new Browser();
    kakao.mode = 'good';
    const q = await c.fetch(`${node.base}/api/v1/auth/kakao/start`), there = (await c.fetch(q.headers.get('location'))).headers.get('location');
    kakao.mode = 'down';
    assert.match((await c.fetch(there)).headers.get('location'), /upstream\./);
    kakao.mode = 'good';
    const off = await cluster.node();
    for (const [method, url] of [['GET', '/api/v1/auth/kakao/start'], ['GET', '/api/v1/auth/google/callback?state=x']]) assert.equal((await off.call(method, url)).body.code, 'oauth.disabled');
    const p = await signUp(off);
    assert.equal((await off.post('/api/v1/auth/google/link', p.token)).body.code, 'oauth.disabled');
});

test('mail by SMTP, with a login, tried again after a refusal', async () => {
    const mailing = await cluster.node({ MADANG_MAIL_PROVIDER: 'smtp', MADANG_MAIL_SMTP_URL: `smtp://127.0.0.1:${smtp.server.address().port}`, MADANG_MAIL_FROM: '마당 <no-reply@madang.example>', MADANG_MAIL_SMTP_USER: 'mailer', MADANG_MAIL_SMTP_PASSWORD: 'mail-secret', MADANG_MAIL_SMTP_STARTTLS: 'never' });
    for (const n of cluster.nodes) if (n !== mailing && !n.exit) await n.stop().then(() => { n.killed = true; });
    const email = `${uniqueName()}@example.com`;
    smtpMode = 'refuse';
    await mailing.ok('POST', '/api/v1/auth/codes', undefined, { email, purpose: 'signup' });
    await until('the refusal', () => /mail.send \d+ failed/.test(mailing.log));
    smtpMode = 'good';
    await until('the letter', () => letters.find(l => l.to === email), 20000);
    const letter = letters.find(l => l.to === email), [head, body] = letter.text.split('\r\n\r\n');
    assert.equal(letter.from, 'no-reply@madang.example');
    assert.equal(letter.user, 1);
    assert.match(head, /Subject: =\?UTF-8\?B\?/);
    assert.match(Buffer.from(body, 'base64').toString(), /\d{6}/);
});

test('an S3 that is away is told, and the breaker opens', async () => {
    const s3 = await cluster.node({ MADANG_FILES_PROVIDER: 's3', MADANG_S3_ENDPOINT: 'http://127.0.0.1:9', MADANG_S3_BUCKET: 'b', MADANG_S3_KEY_ID: 'k', MADANG_S3_SECRET: 's', MADANG_S3_PATH_STYLE: 'true' });
    const p = await signUp(s3);
    const upload = () => s3.call('POST', '/api/v1/files', { token: p.token, raw: png(20, 20), headers: { 'content-type': 'image/png' } });
    for (let i = 0; i < 3; i++) assert.equal((await upload()).body.code, 'upstream.unavailable');
    const fast = Date.now();
    const last = await upload();
    assert.ok(last.status === 503 && last.headers.get('retry-after'));
    assert.equal((await s3.admin('/lists/upstreams')).find(u => u.name === 's3').open, true);
    assert.ok(Date.now() - fast < 3000);
});
