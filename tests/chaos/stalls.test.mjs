// Whatever outside stands still, the loop goes on: each outside thing is stopped in turn while it is wanted, and the longest turn is read.
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Smtp } from '../fakes/smtp.mjs';
import { binary, Cluster, root, signUp, uniqueName, until } from '../lib/daemon.mjs';
import { png } from '../lib/pictures.mjs';
import { all, start } from '../lib/process.mjs';
import { cannotMount, ownHosts, SilentNames } from '../lib/silence.mjs';
import { Stores } from '../lib/stores.mjs';

const MOST_US = /asan/.test(binary) || process.env.MADANG_WRAP ? 1000000 : 100000;
let stores, cluster, quiet, person;
const helpers = [];
before(async () => {
    stores = await new Stores().start();
    cluster = await new Cluster(stores).start();
    quiet = await cluster.node();
    person = await signUp(quiet);
    await quiet.stop();
    quiet.killed = true;
});
after(() => all(() => cluster.stop(), () => helpers.forEach(h => h.kill('SIGKILL')), () => stores.stop()));

// A process of its own, so that it can be stopped as a whole: it takes connections and answers as the kind does.
function helper(kind) {
    const p = start(process.execPath, [path.join(root, 'tests/fakes/peer.mjs'), kind], { stdio: ['ignore', 'pipe', 'ignore'] });
    helpers.push(p);
    return new Promise(r => p.stdout.once('data', d => r(Object.assign(p, { port: Number(d) }))));
}
const s3 = at => ({ MADANG_FILES_PROVIDER: 's3', MADANG_S3_ENDPOINT: at, MADANG_S3_BUCKET: 'b', MADANG_S3_PATH_STYLE: 'true', MADANG_S3_KEY_ID: 'k', MADANG_S3_SECRET: 's', MADANG_S3_SILENCE_MS: '2000' });
const mail = at => ({ MADANG_MAIL_PROVIDER: 'smtp', MADANG_MAIL_SMTP_URL: at, MADANG_MAIL_SMTP_SILENCE_MS: '2000' });
const llm = at => ({ MADANG_LLM_PROVIDER: 'openai', MADANG_LLM_URL: at, MADANG_LLM_FIRST_MS: '2000', MADANG_LLM_KEY: 'k' });
const upload = (node, bytes = png(40, 40)) => node.call('POST', '/api/v1/files', { token: person.token, raw: bytes, headers: { 'content-type': 'image/png' } });
const code = node => node.ok('POST', '/api/v1/auth/codes', undefined, { email: `${uniqueName()}@example.com`, purpose: 'signup' });
const figure = async (node, name) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(await node.admin('/metrics'))[1]);
const upstream = async (node, name) => (await node.admin('/lists/upstreams')).find(u => u.name === name);

// `during` with a daemon whose longest turn is then looked at; the daemon ends well, too.
async function turns(settings, wrap, during) {
    await cluster.sql('delete from jobs');
    const node = await cluster.node(settings, wrap);
    await figure(node, 'madang_loop_turn_max_microseconds');
    await during(node);
    const longest = await figure(node, 'madang_loop_turn_max_microseconds');
    await node.stop();
    node.killed = true;
    assert.ok(longest < MOST_US, `the longest turn took ${longest} us`);
}

test('a name server that does not answer', { skip: cannotMount() }, async () => {
    const names = await new SilentNames().start(cluster.folder);
    try {
        await turns({ ...s3('http://s3.silent.test:9000'), ...mail('smtp://mail.silent.test:2525'), ...llm('http://llm.silent.test:8000/v1') }, names.wrap, async node => {
            await code(node);
            const at = Date.now(), answers = await Promise.all([upload(node), upload(node), upload(node)]);
            for (const r of answers) assert.deepEqual([r.status, r.body.code, Boolean(r.headers.get('retry-after'))], [503, 'upstream.unavailable', true]);
            assert.ok(Date.now() - at < 20000, 'bounded by the time for connecting');
            await until('the letter to be put off', () => /mail.send \d+ failed \(upstream.unavailable\)/.test(node.log), 20000);
            assert.ok(names.asked > 0, 'it was asked');
            const gone = new AbortController(), left = fetch(`${node.base}/api/v1/files`, { method: 'POST', signal: gone.signal, headers: { authorization: `Bearer ${person.token}`, 'content-type': 'image/png' }, body: png(30, 30) });
            await until('an upload that waits', async () => (await upstream(node, 's3')).running > 0 || (await upstream(node, 's3')).open);
            gone.abort();
            await left.catch(() => {});
            await until('it lets go', async () => (await upstream(node, 's3')).running === 0);
        });
    } finally { await names.stop(); }
});

test('a name with several addresses, of which only the last answers', { skip: cannotMount() }, async () => {
    const peer = await helper('s3'), smtp = await new Smtp().start(), dead = ['127.9.9.1', '127.9.9.2', '127.0.0.1'];
    await turns({ ...s3(`http://s3.several.test:${peer.port}`), ...mail(smtp.url.replace('127.0.0.1', 'mail.several.test')) }, ownHosts(cluster.folder, { 's3.several.test': dead, 'mail.several.test': dead }), async node => {
        assert.equal((await upload(node)).status, 201);
        await code(node);
        await until('the letter', () => smtp.letters.length);
    });
    await smtp.stop();
});

test('an S3 that stands still while it is sent a picture', async () => {
    const peer = await helper('s3');
    await turns(s3(`http://127.0.0.1:${peer.port}`), [], async node => {
        assert.equal((await upload(node)).status, 201, 'while it goes');
        peer.kill('SIGSTOP');
        const at = Date.now(), r = await upload(node);
        assert.deepEqual([r.status, r.body.code, Boolean(r.headers.get('retry-after'))], [503, 'upstream.unavailable', true]);
        assert.ok(Date.now() - at < 12000, `it held its person ${Date.now() - at} ms`);
        peer.kill('SIGCONT');
        assert.equal((await upload(node)).status, 201, 'when it goes on');
    });
});

test('an SMTP server that stands still: when it is connected to, at its reply to the text, at its farewell', async () => {
    for (const when of ['', 'RCPT', '.', 'QUIT']) {
        const smtp = await new Smtp({ silent: when }).start();
        await turns(mail(smtp.url), [], async node => {
            await code(node);
            if (when === 'QUIT') await until('the letter', () => smtp.letters.length);
            else await until('the letter to be put off', () => /mail.send \d+ failed/.test(node.log), 20000);
        });
        await smtp.stop();
    }
});

test('a language model that stands still', async () => {
    const peer = await helper('llm');
    await turns(llm(`http://127.0.0.1:${peer.port}/v1`), [], async node => {
        peer.kill('SIGSTOP');
        const s = await node.socket(person), state = await s.ok('tarot.open', { language: 'ko' });
        await s.ok('tarot.say', { chat: state.chat.chat, text: '안녕하세요' });
        await until('it is given up', () => /llm +openai: silent/.test(node.log), 20000);
        peer.kill('SIGCONT');
    });
});

for (const which of ['redis', 'postgres'])
    test(`a frozen ${which}`, async () => turns({}, [], async node => {
        stores.freeze(which, true);
        try {
            for (let i = 0; i < 5; i++) {
                const r = await node.post('/api/v1/auth/login', undefined, { email: person.email, password: person.password });
                assert.ok([200, 503, 504].includes(r.status), String(r.status));
            }
        } finally { stores.freeze(which, false); }
        await until('it is back', async () => (await node.post('/api/v1/auth/login', undefined, { email: person.email, password: person.password })).status === 200, 20000);
    }));
