// Pictures in a real S3 server: put, presigned get (opened by a browser), delete; a wrong secret and a stopped gateway.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { launch } from '../../lib/browser.mjs';
import { Cluster, signUp, until } from '../../lib/daemon.mjs';
import { png } from '../../lib/pictures.mjs';
import { all } from '../../lib/process.mjs';
import { Rados } from '../../lib/rados.mjs';

let cluster, rados, node, a, settings;
before(async () => {
    cluster = await new Cluster().start();
    rados = await new Rados().start(`${cluster.folder}/rados`);
    await bucket('PUT', '/pictures');
    settings = { MADANG_FILES_PROVIDER: 's3', MADANG_S3_ENDPOINT: `http://127.0.0.1:${rados.port}`, MADANG_S3_REGION: 'us-east-1', MADANG_S3_BUCKET: 'pictures', MADANG_S3_KEY_ID: rados.key, MADANG_S3_SECRET: rados.secret, MADANG_S3_PATH_STYLE: 'true' };
    node = await cluster.node(settings);
    a = await signUp(node);
});
after(() => all(() => cluster?.stop(), () => rados?.stop()));

// The tests' own signer, independent of the daemon's.
async function bucket(method, path) {
    const date = new Date().toISOString().replace(/[-:]|\.\d+/g, ''), day = date.slice(0, 8), host = `127.0.0.1:${rados.port}`, hash = createHash('sha256').update('').digest('hex');
    const [p, query = ''] = path.split('?'), canonical = `${method}\n${p}\n${query}\nhost:${host}\nx-amz-content-sha256:${hash}\nx-amz-date:${date}\n\nhost;x-amz-content-sha256;x-amz-date\n${hash}`;
    const scope = `${day}/us-east-1/s3/aws4_request`, h = (k, m) => createHmac('sha256', k).update(m).digest();
    const key = h(h(h(h(`AWS4${rados.secret}`, day), 'us-east-1'), 's3'), 'aws4_request');
    const signature = createHmac('sha256', key).update(`AWS4-HMAC-SHA256\n${date}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`).digest('hex');
    const r = await fetch(`http://${host}${path}`, { method, headers: { 'x-amz-content-sha256': hash, 'x-amz-date': date, authorization: `AWS4-HMAC-SHA256 Credential=${rados.key}/${scope}, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${signature}` } });
    const text = await r.text();
    assert.ok(r.ok, text);
    return text;
}
const count = async () => [...(await bucket('GET', '/pictures?list-type=2')).matchAll(/<Key>/g)].length;
const upload = (n, p) => n.call('POST', '/api/v1/files', { token: p.token, raw: png(640, 480), headers: { 'content-type': 'image/png' } });

test('an upload lies in the bucket, clean and with a thumbnail; a browser opens it by a presigned address', async () => {
    const r = await upload(node, a);
    assert.equal(r.status, 201, JSON.stringify(r.body) + node.log.slice(-600));
    assert.equal(await count(), 2);
    const to = await node.get(r.body.url);
    assert.equal(to.status, 302);
    const presigned = to.headers.get('location');
    const direct = await fetch(presigned);
    assert.deepEqual([direct.status, direct.headers.get('content-type')], [200, 'image/png']);
    assert.equal((await fetch(presigned.replace(/response-content-type=[^&]*/, 'response-content-type=text%2Fhtml'))).status, 403, 'a changed parameter');
    assert.equal((await fetch(presigned.split('?')[0])).status, 403, 'the bucket is private');
    const part = await fetch(presigned, { headers: { range: 'bytes=0-9' } });
    assert.equal(part.status, 206);
    const browser = await launch(), page = await browser.newPage();
    await page.goto(node.base + r.body.url);
    assert.equal(await page.evaluate(() => document.images[0]?.naturalWidth), 640);
    await browser.close();
});

test('what is let go is deleted from the bucket', async () => {
    const before = await count(), { file } = (await upload(node, a)).body;
    assert.equal(await count(), before + 2);
    await cluster.sql("update files set created_at = now() - interval '2 days' where id = $1", [file]);
    await cluster.sql("delete from jobs where kind = 'files.sweep'");
    await until('the sweep', async () => (await count()) === before, 20000);
});

test('a wrong secret is told, and nothing is kept', async () => {
    const wrong = await cluster.node({ ...settings, MADANG_S3_SECRET: 'not the secret' }), before = await count();
    const r = await upload(wrong, await signUp(wrong));
    assert.deepEqual([r.status, r.body.code], [502, 'upstream.failed']);
    assert.equal(await count(), before);
});
