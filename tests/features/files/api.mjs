// Pictures: clean copies, thumbnails, signed addresses, ranges, refusals, the removing of what nobody names.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { befriend, Cluster, room, signUp, sleep, until } from '../../lib/daemon.mjs';
import { png, pngBomb } from '../../lib/pictures.mjs';

let cluster, node, a, b;
before(async () => {
    cluster = await new Cluster().start();
    node = await cluster.node({ MADANG_FILES_IMAGE_BYTES: '300000', MADANG_FILES_LINK_S: '600' });
    a = await signUp(node);
    b = await signUp(node);
});
after(() => cluster.stop());
const upload = (bytes, token = a.token, type = 'image/png') => node.call('POST', '/api/v1/files', { token, raw: bytes, headers: { 'content-type': type } });
const stored = () => fs.readdirSync(`${cluster.folder}/files`).filter(d => d !== 'spool').flatMap(d => fs.readdirSync(`${cluster.folder}/files/${d}`));

test('an upload answers with a clean copy and a thumbnail, without EXIF', async () => {
    const r = await upload(png(800, 400, [['eXIf', 'Exif-secret-place'], ['tEXt', 'Comment\0where I live']]));
    assert.equal(r.status, 201, JSON.stringify(r.body));
    assert.deepEqual([r.body.width, r.body.height, r.body.type], [800, 400, 'image/png']);
    const full = await node.get(r.body.url), thumb = await node.get(r.body.thumb_url);
    assert.equal(full.status, 200);
    assert.equal(full.headers.get('content-type'), 'image/png');
    assert.equal(full.headers.get('x-content-type-options'), 'nosniff');
    assert.ok(!full.bytes.includes('secret') && !full.bytes.includes('where I live'));
    assert.equal(thumb.headers.get('content-type'), 'image/webp');
    assert.equal(thumb.bytes.subarray(8, 12).toString(), 'WEBP');
    assert.deepEqual(fs.readdirSync(`${cluster.folder}/files/spool`), [], 'nothing is left on its way');
});

test('ranges, conditions and HEAD', async () => {
    const { url } = (await upload(png(300, 300))).body;
    const whole = await node.get(url), etag = whole.headers.get('etag'), size = whole.bytes.length;
    const part = await node.get(url, undefined, { range: 'bytes=10-19' });
    assert.deepEqual([part.status, part.headers.get('content-range'), part.bytes], [206, `bytes 10-19/${size}`, whole.bytes.subarray(10, 20)]);
    const last = await node.get(url, undefined, { range: 'bytes=-5' });
    assert.deepEqual(last.bytes, whole.bytes.subarray(size - 5));
    const past = await node.get(url, undefined, { range: `bytes=${size}-` });
    assert.deepEqual([past.status, past.headers.get('content-range')], [416, `bytes */${size}`]);
    assert.equal((await node.get(url, undefined, { 'if-none-match': etag })).status, 304);
    assert.equal((await node.get(url, undefined, { range: 'bytes=0-1', 'if-range': '"other"' })).status, 200);
    assert.equal((await node.get(url, undefined, { range: 'bytes=0-1', 'if-range': etag })).status, 206);
    const head = await node.call('HEAD', url);
    assert.deepEqual([head.status, head.headers.get('content-length'), head.bytes.length], [200, String(size), 0]);
});

// An object of the store, made as large and as strange as a test needs it.
async function object(bytes) {
    const before = stored(), { url } = (await upload(png(60, 60))).body, etag = (await node.get(url)).headers.get('etag');
    const name = fs.readdirSync(`${cluster.folder}/files`).flatMap(d => fs.readdirSync(`${cluster.folder}/files/${d}`).map(f => `${cluster.folder}/files/${d}/${f}`)).find(f => !before.includes(path.basename(f)) && !f.endsWith('.t'));
    fs.writeFileSync(name, bytes);
    return { url, etag, name };
}
// A client that reads when it is told to.
function reader(url, from = node) {
    const s = net.connect(from.port, '127.0.0.1'), { pathname, search } = new URL(url, 'http://x');
    s.on('error', () => {});
    s.pause();
    s.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: x\r\n\r\n`);
    return s;
}
const readAll = async s => Buffer.concat(await s.toArray());

test('ranges of all shapes, by GET alone', async () => {
    const bytes = Buffer.from('0123456789'.repeat(10)), { url, etag } = await object(bytes);
    const cases = [
        ['bytes=0-0', 206, '0-0', 1], ['bytes=90-', 206, '90-99', 10], ['bytes=-1', 206, '99-99', 1], ['bytes=-1000', 206, '0-99', 100], ['bytes=50-1000', 206, '50-99', 50],
        ['bytes=100-', 416, '*'], ['bytes=-0', 416, '*'], ['bytes=5-4', 200], ['bytes=x-y', 200], ['bytes=', 200], ['bytes=-', 200], ['bytes=0-1,5-6', 200], ['lines=1-2', 200], ['bytes=99999999999999999999-', 200],
    ];
    for (const [range, status, part, length] of cases) {
        const r = await node.get(url, undefined, { range });
        assert.deepEqual([range, r.status, r.headers.get('content-range')], [range, status, part ? `bytes ${part}/100` : null]);
        if (status === 206) assert.deepEqual([r.headers.get('content-length'), r.bytes], [String(length), bytes.subarray(Number(part.split('-')[0])).subarray(0, length)], range);
        if (status === 200) assert.deepEqual([r.headers.get('accept-ranges'), r.bytes], ['bytes', bytes], range);
    }
    for (const [ifRange, status] of [[etag, 206], [`W/${etag}`, 200], ['"x"', 200], [new Date().toUTCString(), 200]]) assert.equal((await node.get(url, undefined, { range: 'bytes=0-1', 'if-range': ifRange })).status, status, ifRange);
    const head = await node.call('HEAD', url, { headers: { range: 'bytes=0-1' } });
    assert.deepEqual([head.status, head.headers.get('content-length'), head.headers.get('etag'), head.bytes.length], [200, '100', etag, 0]);
    for (const tag of [etag, `W/${etag}`, `"x", ${etag}`, '*']) assert.equal((await node.get(url, undefined, { range: 'bytes=0-1', 'if-none-match': tag })).status, 304, tag);
    assert.deepEqual([(await node.get((await object(Buffer.alloc(0))).url)).bytes.length], [0]);
});

test('a file that is larger than every buffer comes byte for byte, also to who reads late', async () => {
    const bytes = randomBytes(24 << 20), { url } = await object(bytes), whole = await node.get(url);
    assert.ok(whole.bytes.equals(bytes));
    const part = await node.get(url, undefined, { range: 'bytes=1000001-20000000' });
    assert.ok(part.bytes.equals(bytes.subarray(1000001, 20000001)));
    const s = reader(url), sent = async () => Number(/^madang_bytes_out_total (\d+)/m.exec(await node.admin('/metrics'))[1]), from = await sent();
    await until('a full socket', async () => await sent() > from + 100000);
    s.write(`GET /api/v1/time HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`); // what is asked meanwhile comes behind it
    const all = await readAll(s), body = all.indexOf('\r\n\r\n') + 4;
    assert.ok(all.subarray(body, body + bytes.length).equals(bytes));
    assert.match(String(all.subarray(body + bytes.length)), /^HTTP\/1\.1 200 OK\r\n/);
});

test('who reads steadily may take longer than a call may', async () => {
    const bytes = randomBytes(24 << 20), { url } = await object(bytes), brisk = await cluster.node({ MADANG_HTTP_CALL_MS: '1000' });
    const s = reader(url, brisk), got = [], began = Date.now();
    for await (const chunk of s) {
        got.push(chunk);
        if (got.length === 1) s.write('GET /api/v1/time HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'); // its answer ends the connection
        if (Date.now() - began < 3000) await sleep(20);
    }
    const all = Buffer.concat(got), body = all.indexOf('\r\n\r\n') + 4;
    assert.ok(all.subarray(body, body + bytes.length).equals(bytes), `${all.length} bytes`);
});

test('who goes away, who does not read, and a file that becomes shorter', async () => {
    const { url, name } = await object(randomBytes(24 << 20)), left = reader(url), slow = reader(url), short = reader(url);
    const open = () => fs.readdirSync(`/proc/${node.process.pid}/fd`).filter(fd => { try { return fs.readlinkSync(`/proc/${node.process.pid}/fd/${fd}`) === name; } catch { return false; } }).length;
    await until('three that are being sent', () => open() === 3);
    left.destroy();
    await until('one less', () => open() === 2);
    fs.truncateSync(name, 1 << 20);
    const got = await readAll(short);
    assert.match(String(got.subarray(0, 400)), /content-length: 25165824\r\n/i);
    assert.ok(got.length < 24 << 20, 'it ends short of what was said');
    await until('the end of who does not read', () => open() === 0, 20000);
    slow.destroy();
    assert.equal((await node.get(url)).bytes.length, 1 << 20);
});

test('what is no picture of ours is refused, by content and not by name', async () => {
    const cases = [
        ['text', Buffer.from('just some text, long enough to look at'), 415, 'file.type'], ['svg', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>'), 415, 'file.type'],
        ['empty', Buffer.alloc(0), 422, 'file.empty'], ['torn', png(400, 400).subarray(0, 300), 422, 'file.broken'], ['short', Buffer.from('\x89PNG\r\n\x1a\n0123456789', 'latin1'), 422, 'file.broken'],
        ['bomb', pngBomb(60000, 60000), 422, 'file.pixels'], ['tiny', Buffer.from([1, 2, 3]), 415, 'file.type'],
    ];
    for (const [name, bytes, status, code] of cases) {
        const r = await upload(bytes);
        assert.deepEqual([name, r.status, r.body.code], [name, status, code]);
    }
    assert.equal((await upload(Buffer.alloc(400000, 1))).status, 413);
    assert.equal((await upload(png(10, 10), '')).status, 401);
    assert.deepEqual(fs.readdirSync(`${cluster.folder}/files/spool`), []);
});

test('addresses are signed, expire, and are renewed for those who may see', async () => {
    const { file, url } = (await upload(png(50, 50))).body;
    assert.equal((await node.get(url.replace(/s=.{4}/, 's=AAAA'))).body.code, 'file.link-expired');
    assert.equal((await node.get(url.replace(/a=\d+/, 'a=99999'))).body.code, 'file.link-expired');
    assert.equal((await node.get(url.replace(`/${file}?`, `/${file + 1}?`))).status, 403);
    assert.equal((await node.get(`/api/v1/files/x${url.slice(url.indexOf('?'))}`)).body.code, 'file.not-found');
    assert.ok((await node.ok('POST', `/api/v1/files/${file}/link`, a.token)).url.includes('s='));
    assert.equal((await node.post(`/api/v1/files/${file}/link`, b.token)).body.code, 'file.not-found', 'not mine to see');
    await befriend(a, b);
    const r = await room(a, b);
    const m = await node.ok('POST', `/api/v1/rooms/${r}/messages`, a.token, { client_id: 'with-picture', body: '', images: [file] });
    assert.equal((await node.get(m.images[0].thumb_url)).status, 200);
    assert.equal((await node.post(`/api/v1/files/${file}/link`, b.token)).status, 200, 'in a room of mine');
    const s = await node.socket(b);
    assert.ok((await s.ok('files.link', { file })).url);
    assert.equal((await node.post(`/api/v1/rooms/${r}/messages`, b.token, { client_id: 'not-my-file', body: '', images: [file] })).body.code, 'file.not-found');
    assert.equal((await node.call('PATCH', '/api/v1/me', { token: b.token, body: { avatar: file } })).body.code, 'file.not-found');
});

test('an avatar is shown to others, replaced, and let go', async () => {
    const one = (await upload(png(64, 64))).body, two = (await upload(png(65, 65))).body;
    const me = await node.ok('PATCH', '/api/v1/me', a.token, { avatar: one.file });
    assert.equal((await node.get(me.avatar_url)).status, 200);
    const seen = await node.ok('GET', `/api/v1/people/${a.id}`, b.token);
    assert.equal((await node.get(seen.avatar_url)).status, 200);
    await node.ok('PATCH', '/api/v1/me', a.token, { avatar: two.file });
    assert.equal((await node.get(one.url)).body.code, 'file.not-found', 'replaced');
    assert.equal((await node.ok('PATCH', '/api/v1/me', a.token, { avatar: null })).avatar_url, null);
});

test('files that nobody names are removed by a job, objects and all', async () => {
    const { file, url } = (await upload(png(70, 70))).body, before = stored().length;
    await cluster.sql("update files set created_at = now() - interval '2 days' where id = $1", [file]);
    await cluster.sql("delete from jobs where kind = 'files.sweep'");
    await until('the sweep', async () => (await cluster.sql('select 1 from files where id = $1', [file])).length === 0, 20000);
    assert.ok(stored().length <= before - 2);
    assert.equal((await node.get(url)).status, 404);
});

test('one that cannot be removed keeps none of those behind it', async () => {
    const bad = (await upload(png(71, 71))).body.file, good = [];
    for (let i = 0; i < 3; i++) good.push((await upload(png(72 + i, 72))).body.file);
    const [{ key }] = await cluster.sql('select key from files where id = $1', [bad]);
    const at = `${cluster.folder}/files/${key.slice(0, 2)}/${key.slice(2)}`;
    fs.renameSync(at, `${at}.aside`);
    fs.mkdirSync(`${at}/in-the-way`, { recursive: true }); // not even root removes a folder as a file
    await cluster.sql('update files set removed = true where id = any ($1)', [[bad, ...good]]);
    await cluster.sql("update jobs set due = now() where kind = 'files.sweep'");
    await until('those behind it', async () => (await cluster.sql('select id from files where id = any ($1)', [good])).length === 0, 20000);
    assert.equal((await cluster.sql('select 1 from files where id = $1', [bad])).length, 1);
    fs.rmSync(at, { recursive: true });
    await cluster.sql("update jobs set due = now() where kind = 'files.sweep'");
    await until('it, too, when it can be', async () => (await cluster.sql('select 1 from files where id = $1', [bad])).length === 0, 20000);
});

test('a file that its folder lost is told as such', async () => {
    const { url } = (await upload(png(80, 80))).body;
    for (const d of fs.readdirSync(`${cluster.folder}/files`)) if (d !== 'spool') fs.rmSync(`${cluster.folder}/files/${d}`, { recursive: true });
    assert.equal((await node.get(url)).body.code, 'upstream.failed');
    fs.rmSync(`${cluster.folder}/files/spool`, { recursive: true });
    assert.equal((await upload(png(10, 10))).body.code, 'upstream.failed');
    fs.mkdirSync(`${cluster.folder}/files/spool`);
});

test('a picture of a room is for its two, an avatar for everybody, one sent to nobody for its owner', async () => {
    const c = await signUp(node), link = (file, who) => node.call('POST', `/api/v1/files/${file}/link`, { token: who.token }).then(r => r.status);
    await befriend(a, c);
    const inRoom = (await upload(png(90, 90))).body.file, avatar = (await upload(png(91, 91))).body.file, loose = (await upload(png(92, 92))).body.file;
    await node.ok('POST', `/api/v1/rooms/${await room(a, c)}/messages`, a.token, { client_id: 'shown-to-two', body: '', images: [inRoom] });
    await node.ok('PATCH', '/api/v1/me', a.token, { avatar });
    assert.deepEqual(await Promise.all([inRoom, avatar, loose].map(f => link(f, a))), [200, 200, 200]);
    assert.deepEqual(await Promise.all([inRoom, avatar, loose].map(f => link(f, c))), [200, 200, 404]);
    assert.deepEqual(await Promise.all([inRoom, avatar, loose].map(f => link(f, b))), [404, 200, 404]);
});

test('reads that take their time hold nobody up, and have a bound of their own', async t => {
    // an export looks at the points; this makes that slow, for whoever asks for them
    await cluster.sql("alter table points rename to points_kept");
    await cluster.sql("create view points as select p.* from points_kept p, (select pg_sleep(1.2) offset 0) s");
    t.after(async () => { await cluster.sql('drop view if exists points'); await cluster.sql('alter table if exists points_kept rename to points'); });
    const exports = Promise.all(Array.from({ length: 4 }, () => node.call('GET', '/api/v1/me/export', { token: a.token })));
    await until('two run', async () => (await node.admin('/lists/pools')).find(p => p.name === 'pg.slow').lent === 2);
    assert.equal((await node.admin('/lists/pools')).find(p => p.name === 'pg.slow').waiting, 2);
    assert.equal((await node.get('/api/v1/me', b.token)).status, 200);
    assert.equal((await node.admin('/lists/pools')).find(p => p.name === 'pg.slow').lent, 2, 'answered while they still run');
    assert.deepEqual((await exports).map(r => r.status), [200, 200, 200, 200]);
});
