// Letters by SMTP: who refuses whom, what slow and greedy servers get, what the letters look like to an independent reader.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { simpleParser } from 'mailparser';
import { SMTPServer } from 'smtp-server';
import { Smtp } from '../fakes/smtp.mjs';
import { binary, Cluster, root, uniqueName, until } from '../lib/daemon.mjs';
import { all } from '../lib/process.mjs';

let cluster;
const cleanup = [];
before(async () => { cluster = await new Cluster().start(); await cluster.node(); });
after(() => all(() => cluster.stop(), () => all(...cleanup)));
const fake = async how => { const s = await new Smtp(how).start(); cleanup.push(() => s.stop()); return s; };
const address = name => `${name ?? uniqueName()}@example.com`;
const ask = (node, email) => node.ok('POST', '/api/v1/auth/codes', undefined, { email, purpose: 'signup' });
// The only node, so that nobody else takes its jobs.
async function alone(settings) {
    for (const n of cluster.nodes) if (!n.exit) { await n.stop(); n.killed = true; }
    await cluster.sql('delete from jobs');
    return cluster.node(settings);
}
const mailing = (url, more) => alone({ MADANG_MAIL_PROVIDER: 'smtp', MADANG_MAIL_SMTP_URL: url, MADANG_MAIL_FROM: '마당 <no-reply@madang.example>', ...more });
const upstream = async node => (await node.admin('/lists/upstreams')).find(u => u.name === 'smtp');
const job = async to => (await cluster.sql("select state, attempts, last_error from jobs where kind = 'mail.send' and payload::text like $1", [`%${to}%`]))[0];

test('who is refused for good is tried once and says nothing of the server; a 451 is tried again', async () => {
    const told = fs.readFileSync(path.join(root, 'tests/cases/mail.txt'), 'utf8'), refusal = /S: (550 [^\n]*?)  +/.exec(told)[1];
    const gone = Array.from({ length: 8 }, (_, i) => `gone-${i + 1}@example.com`), well = 'well@example.com', busy = 'busy@example.com';
    let busyTimes = 0;
    const smtp = await fake({ answer: (c, line) => c === 'RCPT' && gone.some(g => line.includes(g)) ? refusal : c === 'RCPT' && line.includes(busy) && !busyTimes++ ? '451 4.3.0 later' : undefined });
    const node = await mailing(smtp.url);
    for (const g of gone) await ask(node, g);
    for (const g of gone) await until(`the end of ${g}`, async () => (await job(g))?.state === 'dead');
    assert.equal((await upstream(node)).open, false, 'the breaker is closed');
    await ask(node, busy);
    await ask(node, well);
    await until('the letter to who is well', () => smtp.letters.find(l => l.to === well));
    await until('the letter after a 451', () => smtp.letters.find(l => l.to === busy), 20000);
    for (const g of gone) {
        assert.equal(smtp.said('RCPT').filter(c => c.includes(g)).length, 1, `${g} is tried once`);
        assert.deepEqual(await job(g), { state: 'dead', attempts: 1, last_error: 'mail.refused' });
    }
    await node.logs(/mail.send \d+ failed \(mail.refused\), attempt 1; refused for good/);
    assert.ok(!node.log.includes('no such user'), 'what the server says of people is not logged');
});

test('a text refused for good ends its letter; a sender or a login refused does not', async () => {
    const smtp = await fake({ answer: c => c === '.' ? '554 5.7.1 spam' : undefined }), node = await mailing(smtp.url), one = address();
    await ask(node, one);
    await until('its end', async () => (await job(one))?.state === 'dead');
    assert.equal((await job(one)).attempts, 1);
    smtp.answer = c => c === 'MAIL' ? '553 5.1.8 not you' : undefined;
    const two = address();
    await ask(node, two);
    await until('a second attempt', () => smtp.said('MAIL').length >= 3, 20000);
    assert.equal((await upstream(node)).open, false);
    smtp.answer = () => {};
    await until('the letter, when the sender is known', () => smtp.letters.find(l => l.to === two), 30000);
});

test('a server that is going away counts against itself', async () => {
    const smtp = await fake({ answer: c => c === 'MAIL' ? '421 4.3.2 going down' : undefined }), node = await mailing(smtp.url);
    for (let i = 0; i < 5; i++) await ask(node, address());
    await until('the breaker', async () => (await upstream(node)).open, 30000);
    assert.equal((await cluster.sql("select 1 from jobs where state = 'dead'")).length, 0);
});

test("the outbox is shown without holding the loop, however much lies in it", async () => {
    const folder = `${cluster.folder}/many`, node = await alone({ MADANG_MAIL_OUTBOX: folder });
    fs.mkdirSync(folder);
    for (let i = 0; i < 5000; i++) fs.writeFileSync(`${folder}/${i}.json`, JSON.stringify({ to: 'a@b.example', subject: 's', body: String(i) }));
    await node.admin('/metrics');
    assert.equal((await node.admin('/outbox')).length, 5000);
    const turn = Number(/madang_loop_turn_max_microseconds (\d+)/.exec(await node.admin('/metrics'))[1]);
    assert.ok(turn < (/asan/.test(binary) ? 1000000 : 100000), `the longest turn took ${turn} us`);
    fs.rmSync(folder, { recursive: true });
    assert.deepEqual(await node.admin('/outbox'), []);
});

test('a slow server gets its letters, and the loop does not wait for it', async () => {
    const smtp = await fake({ delay: 3000 }), node = await mailing(smtp.url), to = address();
    await node.admin('/metrics');
    await ask(node, to);
    await until('the letter', () => smtp.letters.find(l => l.to === to), 60000);
    await until('its end', async () => !(await job(to)), 30000);
    assert.equal(smtp.letters.length, 1);
    const turn = Number(/madang_loop_turn_max_microseconds (\d+)/.exec(await node.admin('/metrics'))[1]);
    assert.ok(turn < 1000000, `the longest turn took ${turn} us`);
});

test('no password goes in clear: without TLS there is no login', async () => {
    const smtp = await fake({ answer: c => c === 'EHLO' ? '250-fake\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME' : c === 'AUTH' ? '235 2.7.0 in' : undefined });
    const node = await mailing(smtp.url, { MADANG_MAIL_SMTP_USER: 'mailer', MADANG_MAIL_SMTP_PASSWORD: 'mail-secret', MADANG_MAIL_SMTP_STARTTLS: 'require' });
    await ask(node, address());
    await until('the failure', () => /mail.send \d+ failed/.test(node.log));
    assert.deepEqual(smtp.said('AUTH'), []);
    assert.deepEqual(smtp.said('MAIL'), []);
});

const check = extra => {
    const r = spawnSync(binary, ['check'], { cwd: root, encoding: 'utf8', env: { ...cluster.environment({ port: 1, adminPort: 2, name: 'check' }, { MADANG_MAIL_PROVIDER: 'smtp', MADANG_MAIL_FROM: 'a <a@b.example>', ...extra }) } });
    return { ok: r.status === 0, says: r.stderr + r.stdout };
};
test('madangd check tells what is wrong with the settings of mail', async () => {
    const far = { MADANG_MAIL_SMTP_URL: 'smtp://mail.example.com:587', MADANG_MAIL_SMTP_USER: 'mailer', MADANG_MAIL_SMTP_PASSWORD: 'mail-secret' };
    assert.ok(check({}).ok, check({}).says);
    assert.ok(check(far).ok, 'auto asks for TLS');
    assert.ok(check({ ...far, MADANG_MAIL_SMTP_URL: 'smtps://mail.example.com', MADANG_MAIL_SMTP_STARTTLS: 'never' }).ok);
    assert.ok(check({ ...far, MADANG_MAIL_SMTP_URL: 'smtp://127.0.0.1:25', MADANG_MAIL_SMTP_STARTTLS: 'never' }).ok, 'nobody stands between');
    for (const [wrong, why] of [[{ ...far, MADANG_MAIL_SMTP_STARTTLS: 'never' }, /in clear/], [{ ...far, MADANG_MAIL_SMTP_STARTTLS: 'try' }, /in clear/], [{ ...far, MADANG_MAIL_SMTP_URL: 'smtp://127.example.com', MADANG_MAIL_SMTP_STARTTLS: 'try' }, /in clear/],
        [{ MADANG_MAIL_SMTP_STARTTLS: 'perhaps' }, /smtp_starttls/], [{ MADANG_MAIL_SMTP_URL: 'mail.example.com:25' }, /smtp_url/], [{ MADANG_MAIL_FROM: 'nobody' }, /from/], [{ MADANG_MAIL_PROVIDER: 'pigeon' }, /provider/]]) {
        const c = check(wrong);
        assert.ok(!c.ok && why.test(c.says), JSON.stringify(wrong) + c.says);
    }
});

test('an independent reader reads the letters: names, subject, text; no line is too long and none is raw', async () => {
    const letters = [];
    const server = new SMTPServer({ authOptional: true, disabledCommands: ['STARTTLS'], onData: (stream, s, done) => { const all = []; stream.on('data', d => all.push(d)); stream.on('end', () => { letters.push({ to: s.envelope.rcptTo[0].address, from: s.envelope.mailFrom.address, raw: Buffer.concat(all) }); done(); }); } });
    await new Promise(r => server.listen(0, '127.0.0.1', r));
    cleanup.push(() => new Promise(r => server.close(r)));
    const long = '아주 긴 이름을 가진 마당의 알림을 보내 드리는 사람들의 모임';
    for (const [from, name] of [['마당 <no-reply@madang.example>', '마당'], [`${long} <no-reply@madang.example>`, long], ['"Madang, Inc." <no-reply@madang.example>', 'Madang, Inc.'], ['Madang <no-reply@madang.example>', 'Madang'], ['no-reply@madang.example', '']]) {
        const node = await mailing(`smtp://127.0.0.1:${server.server.address().port}`, { MADANG_MAIL_FROM: from });
        for (const to of [address(), `${'l'.repeat(60)}@${'long.'.repeat(8)}example.com`]) {
            letters.length = 0;
            await node.call('POST', '/api/v1/auth/codes', { body: { email: to, purpose: 'signup' }, headers: { 'accept-language': 'ko' } });
            await until(`the letter to ${to}`, () => letters.find(l => l.to === to));
            const { raw, from: sender } = letters.find(l => l.to === to), mail = await simpleParser(raw), head = raw.toString('latin1').split('\r\n\r\n')[0];
            assert.equal(sender, 'no-reply@madang.example');
            assert.deepEqual(mail.from.value, [{ address: 'no-reply@madang.example', name }]);
            assert.equal(mail.to.value[0].address, to);
            assert.match(mail.subject, /[가-힣]/);
            assert.match(mail.text, /\d{6}/);
            assert.match(mail.messageId, /^<\S+@madang\.example>$/);
            assert.ok(Math.abs(mail.date - Date.now()) < 60000);
            assert.ok(/^[\x20-\x7e\r\n]*$/.test(head), 'only ASCII');
            for (const line of raw.toString('latin1').split('\r\n')) assert.ok(line.length <= 78 || line.includes('long.long.'), line);
            assert.ok(!/(^|[^\r])\n/.test(raw.toString('latin1')), 'lines end with CRLF');
            const names = head.split('\r\n').filter(l => !/^\s/.test(l)).map(l => l.split(':')[0].toLowerCase());
            assert.equal(new Set(names).size, names.length, 'each header once');
        }
    }
});
