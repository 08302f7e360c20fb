// What is left of a picture in its copies, and what became of its colours; disks that are full, uploads that are cut off.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { after, before, test } from 'node:test';
import webp from '@cwasm/webp';
import jpeg from 'jpeg-js';
import { PNG } from 'pngjs';
import { Cluster, root, signUp, until } from '../../lib/daemon.mjs';
import { read } from '../../lib/metadata.mjs';
import { gif, noise, png, pngOf } from '../../lib/pictures.mjs';
import { cannotMount } from '../../lib/silence.mjs';

let cluster, node, p;
before(async () => { cluster = await new Cluster().start(); node = await cluster.node(); p = await signUp(node); });
after(() => cluster.stop());
const sample = name => fs.readFileSync(path.join(root, 'tests/cases', name));
const type = bytes => ({ 0xff: 'image/jpeg', 0x89: 'image/png', 0x47: 'image/gif', 0x52: 'image/webp' })[bytes[0]];
const send = (bytes, on = node, token = p.token) => on.call('POST', '/api/v1/files', { token, raw: bytes, headers: { 'content-type': type(bytes) } });
async function copies(bytes, on = node) {
    const r = await send(bytes, on);
    assert.equal(r.status, 201, JSON.stringify(r.body));
    return { told: r.body, full: (await on.get(r.body.url)).bytes, thumb: (await on.get(r.body.thumb_url)).bytes };
}
const pixels = bytes => bytes[0] === 0x52 ? webp.decode(bytes) : bytes[0] === 0x89 ? PNG.sync.read(bytes) : jpeg.decode(bytes, { useTArray: true });
const colour = (bytes, x = 16, y = 16) => { const i = pixels(bytes); return [...i.data.subarray((y * i.width + x) * 4, (y * i.width + x) * 4 + 3)]; };
const near = (a, b, by) => a.every((v, i) => Math.abs(v - b[i]) <= by);

for (const name of ['place.jpg', 'place.png', 'place.webp'])
    test(`${name}: no place and no description in any copy, upright, of the size that is told`, async () => {
        const { told, full, thumb } = await copies(sample(name));
        assert.deepEqual([told.width, told.height, told.size], [40, 60, full.length]);
        for (const copy of [full, thumb]) {
            const is = read(copy);
            assert.deepEqual([is.width, is.height, is.blocks], [40, 60, []]);
            for (const word of ['where-i-live', 'Exif', 'EXIF', 'case', 'ns.adobe.com', '8BIM']) assert.ok(!copy.includes(word), word);
        }
    });

test('colours are what their profile says, and the profile is gone', async () => {
    for (const name of ['adobe-rgb.jpg', 'adobe-rgb.png']) {
        const { full, thumb } = await copies(sample(name));
        assert.deepEqual([read(full).blocks, read(thumb).blocks], [[], []]);
        for (const copy of [full, thumb]) assert.ok(near(colour(copy), [0, 201, 37], 4), `${name}: ${colour(copy)}`);
    }
    for (const name of ['plain.jpg', 'plain.png']) {
        const { full, thumb } = await copies(sample(name));
        for (const copy of [full, thumb]) assert.ok(near(colour(copy), colour(sample(name)), 3), `${name}: ${colour(copy)}`);
    }
    const inks = await copies(sample('cmyk.jpg'));
    assert.deepEqual([read(inks.full).bands, read(inks.full).blocks], [3, []]);
    assert.ok(near(colour(inks.thumb), colour(inks.full), 4), 'a thumbnail looks as its picture does');
});

test('every kind of PNG, and what else its chunks say', async () => {
    const words = [['tEXt', 'Comment\0where I live'], ['iTXt', 'XML:com.adobe.xmp\0\0\0\0\0<where I live>'], ['eXIf', 'MM\0*\0\0\0\x08\0\0where I live']];
    for (const [bits, kind, same] of [[8, 0, true], [8, 2, true], [8, 3, true], [8, 4, true], [8, 6, true], [16, 0], [16, 2], [16, 6]]) {
        const bytes = pngOf(30, 20, bits, kind, words), { told, full, thumb } = await copies(bytes);
        assert.deepEqual([told.width, told.height, read(full).width, read(full).height], [30, 20, 30, 20]);
        assert.deepEqual([read(full).blocks, read(thumb).blocks], [[], []], `${bits} bits, kind ${kind}`);
        assert.ok(!full.includes('where I live') && !thumb.includes('where I live'));
        if (same) assert.deepEqual(Buffer.from(pixels(full).data), Buffer.from(pixels(bytes).data), `${bits} bits, kind ${kind}: the same picture`);
        else assert.equal(read(full).bits, 16);
    }
});

test('what moves goes on moving, without its comment', async () => {
    const { told, full, thumb } = await copies(gif('where I live'));
    assert.deepEqual([told.width, told.height, read(full).width, read(full).height, read(full).frames, read(full).blocks, read(thumb).blocks], [4, 4, 4, 4, 2, [], []]);
    assert.ok(!full.includes('where I live'));
});

// A disk of so many bytes for one daemon alone; it shows at /proc/PID/root.
const small = size => ['unshare', '-m', 'sh', '-c', 'mkdir -p "$0" && mount -t tmpfs -o size=' + size + ' none "$0" && exec "$@"', `${cluster.folder}/files`];
test('a full disk is told as such, logged, and nothing is left on it', { skip: cannotMount() }, async () => {
    const big = noise(600, 600);
    for (const size of ['1m', '1500k']) { // full while it comes; full while its copy is written
        const full = await cluster.node({}, small(size)), r = await send(big, full);
        assert.deepEqual([r.status, r.body.code, r.body.retry], [507, 'storage.full', true]);
        await full.logs(/error +files .*No space left on device/);
        assert.deepEqual(fs.readdirSync(`/proc/${full.process.pid}/root${cluster.folder}/files/spool`), []);
        assert.equal((await send(png(20, 20), full)).status, 201, 'a small one finds room');
        await full.stop();
        full.killed = true;
    }
});
test('no room, at each step of an upload', async () => {
    for (let step = 0; step < 2; step++) {
        await node.fault('disk-full', step);
        assert.equal((await send(png(20, 20))).body.code, 'storage.full');
        assert.deepEqual(fs.readdirSync(`${cluster.folder}/files/spool`), []);
    }
    await node.admin('/faults?name=', { method: 'POST' });
});

test('what a killed process left in the spool is gone after the next start, and what another holds is not', async () => {
    const spool = () => fs.readdirSync(`${cluster.folder}/files/spool`), begin = on => {
        const q = http.request({ port: on.port, method: 'POST', path: '/api/v1/files', headers: { authorization: `Bearer ${p.token}`, 'content-type': 'image/png', 'content-length': 100000 } }).on('error', () => {});
        q.write(png(200, 200).subarray(0, 500));
        return q;
    };
    const other = await cluster.node(), dying = begin(other);
    await until('an upload of the one', () => spool().length === 1);
    const [left] = spool(), living = begin(node);
    await until('an upload of the other', () => spool().length === 2);
    for (const more of ['.clean', '.thumb.webp']) fs.writeFileSync(`${cluster.folder}/files/spool/${left}${more}`, 'x');
    await other.kill();
    dying.destroy();
    await other.start();
    const [held] = spool();
    assert.deepEqual([spool().length, held === left], [1, false]);
    living.destroy();
    await until('the living one goes by itself', () => spool().length === 0);
});

test('an upload whose row is refused leaves nothing, and one whose object is refused is swept', async () => {
    const stored = () => fs.readdirSync(`${cluster.folder}/files`).filter(d => d !== 'spool').flatMap(d => fs.readdirSync(`${cluster.folder}/files/${d}`)).length;
    const before = stored();
    await cluster.sql('alter table files rename column width to wide');
    try { assert.ok((await send(png(20, 20))).status >= 500); } finally { await cluster.sql('alter table files rename column wide to width'); }
    assert.equal(stored(), before);
    const s3 = await cluster.node({ MADANG_FILES_PROVIDER: 's3', MADANG_S3_ENDPOINT: 'http://127.0.0.1:9', MADANG_S3_BUCKET: 'b', MADANG_S3_KEY_ID: 'k', MADANG_S3_SECRET: 's', MADANG_S3_PATH_STYLE: 'true' });
    assert.equal((await send(png(20, 20), s3)).body.code, 'upstream.unavailable');
    assert.equal((await cluster.sql('select 1 from files where removed')).length, 1);
    await s3.stop();
    s3.killed = true;
    await cluster.sql("delete from jobs where kind = 'files.sweep'");
    await until('the sweep', async () => (await cluster.sql('select 1 from files where removed')).length === 0, 20000);
});
