// Backup and restore: under load, killed in the middle, damaged, of another version, of an installation whose files lie elsewhere.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { after, before, test } from 'node:test';
import pg from 'pg';
import { befriend, binary, Cluster, room, root, signUp, sleep, until } from '../lib/daemon.mjs';
import { png } from '../lib/pictures.mjs';
import { start } from '../lib/process.mjs';

let cluster, node;
before(async () => { cluster = await new Cluster().start(); node = await cluster.node(); });
after(() => cluster.stop());

const nowhere = { port: 1, adminPort: 1, name: 'command' };
// A command on an installation; resolves with its exit and what it said.
function command(of, args, env = {}) {
    const p = start(binary, args, { env: { ...of.environment(nowhere, {}), ...env }, cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    p.said = '';
    p.stderr.on('data', d => { p.said += d; });
    p.stdout.on('data', d => { p.said += d; });
    p.done = new Promise(r => p.on('close', (code, signal) => r({ code, signal, said: p.said })));
    return p;
}
const run = (of, args, env) => command(of, args, env).done;
const sha = bytes => createHash('sha256').update(bytes).digest('hex');
const manifest = folder => fs.readFileSync(`${folder}/manifest`, 'utf8');
const stamp = folder => Date.parse(manifest(folder).match(/^stamp (.*)$/m)[1].replace(/\d{3}Z$/, 'Z'));
const objectsIn = folder => fs.readdirSync(`${folder}/objects`).flatMap(d => fs.readdirSync(`${folder}/objects/${d}`).map(f => `${folder}/objects/${d}/${f}`));

async function send(p, to, body, images = []) {
    return p.node.ok('POST', `/api/v1/rooms/${to}/messages`, p.token, { client_id: randomBytes(12).toString('hex'), body, images });
}
async function picture(p) {
    const r = await p.node.call('POST', '/api/v1/files', { token: p.token, raw: png(20 + Math.floor(Math.random() * 200), 30), headers: { 'content-type': 'image/png' } });
    if (r.status !== 201) throw new Error(`upload: ${r.status} ${JSON.stringify(r.body)}`);
    return r.body;
}

// Two people who write messages, pictures and new portraits until they are told to stop; what was acknowledged, and when.
async function writers(on) {
    const [a, b] = [await signUp(on), await signUp(on)], acknowledged = [];
    await befriend(a, b);
    const to = await room(a, b);
    let going = true;
    const again = async work => { while (going) await work(); };
    const words = again(async () => { const body = `word ${acknowledged.length} ${randomBytes(4).toString('hex')}`, m = await send(a, to, body); acknowledged.push({ at: Date.now(), message: m.message ?? m.id ?? m.number, body }); });
    const pictures = again(async () => {
        const f = await picture(b), bytes = (await on.get(f.url)).bytes, small = (await on.get(f.thumb_url)).bytes, body = `picture ${f.file}`;
        await send(b, to, body, [f.file]);
        acknowledged.push({ at: Date.now(), body, file: f.file, hash: sha(bytes), thumb: sha(small) });
    });
    const portraits = again(async () => { const f = await picture(a); await on.ok('PATCH', '/api/v1/me', a.token, { avatar: f.file }); }); // the one before is let go
    const sweeps = again(async () => { await on.cluster.sql("update jobs set due = now() where kind = 'files.sweep' and state = 'waiting'"); await sleep(100); });
    return { a, b, to, acknowledged, stop: async () => { going = false; await Promise.all([words, pictures, portraits, sweeps]); } };
}

// Everything that was acknowledged before the stamp is there, on a node that was started on it.
async function check(restored, w, before) {
    const n = await restored.node(), b = { ...w.b, node: n };
    b.token = (await n.ok('POST', '/api/v1/auth/login', undefined, { email: b.email, password: b.password })).access_token;
    const bodies = new Set((await restored.sql('select body from dm_messages')).map(r => r.body));
    const due = w.acknowledged.filter(k => k.at < before);
    assert.ok(due.length >= 20, `${due.length} were acknowledged before the stamp`);
    for (const k of due) assert.ok(bodies.has(k.body), `${k.body} is missing`);
    for (const k of due.filter(x => x.file)) {
        const link = await n.ok('POST', `/api/v1/files/${k.file}/link`, b.token);
        assert.equal(sha((await n.get(link.url)).bytes), k.hash, k.body);
        assert.equal(sha((await n.get(link.thumb_url)).bytes), k.thumb, k.body);
    }
    // whatever a row names is there, acknowledged or not
    for (const { key } of await restored.sql('select key from files where attached and not removed')) for (const k of [key, `${key}.t`]) assert.ok(fs.existsSync(`${restored.folder}/files/${k.slice(0, 2)}/${k.slice(2)}`), k);
    await send(b, w.to, 'and it goes on');
    return due.length;
}

test('under load: what was acknowledged before the stamp is in it, and a node starts on it', async t => {
    const folder = `${cluster.folder}/loaded`, w = await writers(node);
    t.after(() => w.stop().catch(() => {}));
    await until('words and pictures', () => w.acknowledged.length >= 30 && w.acknowledged.filter(k => k.file).length >= 5, 60000);
    const one = await run(cluster, ['backup', folder]);
    await sleep(200);
    await w.stop();
    assert.equal(one.code, 0, one.said);
    assert.match(one.said, /backup: objects: \d+ of \d+/);
    assert.ok(w.acknowledged.some(k => k.at > stamp(folder)), 'they went on writing');
    assert.equal((fs.statSync(folder).mode & 0o077), 0, "nobody else's to read");
    const whole = await run(cluster, ['restore', folder, '--check']);
    assert.ok(whole.code === 0 && /is whole/.test(whole.said), whole.said);
    const full = await run(cluster, ['restore', folder]);
    assert.ok(full.code === 1 && /nodes are at work/.test(full.said), full.said);
    const restored = await new Cluster().start();
    try {
        const back = await run(restored, ['restore', folder]);
        assert.equal(back.code, 0, back.said);
        t.diagnostic(`${await check(restored, w, stamp(folder))} acknowledged`);
        await Promise.all(restored.nodes.splice(0).map(n => n.stop()));
        const again = await run(restored, ['restore', folder]);
        assert.ok(again.code === 1 && /not empty/.test(again.said), again.said);
        const replaced = await run(restored, ['restore', folder, '--replace']);
        assert.equal(replaced.code, 0, replaced.said);
        assert.equal((await restored.sql("select count(*)::int as n from dm_messages where body = 'and it goes on'"))[0].n, 0);
        await check(restored, w, stamp(folder));
    } finally { await restored.stop(); }
});

test('once more into the same folder: only what is new is copied, what was deleted goes', async () => {
    const folder = `${cluster.folder}/again`, [a, b] = [await signUp(node), await signUp(node)];
    await befriend(a, b);
    const to = await room(a, b), f = await picture(a), m = await send(a, to, 'to be deleted', [f.file]);
    assert.equal((await run(cluster, ['backup', folder])).code, 0);
    const first = objectsIn(folder), inode = Object.fromEntries(first.map(p => [p, fs.statSync(p).ino])), [{ key }] = await cluster.sql('select key from files where id = $1', [f.file]);
    assert.ok(first.some(p => p.includes(key.slice(2))));
    await cluster.sql('update files set removed = true where id = $1', [f.file]);
    await send(a, to, 'one more', [(await picture(a)).file]);
    const second = await run(cluster, ['backup', folder]);
    assert.ok(second.code === 0 && /, 2 of them copied now/.test(second.said), second.said);
    const now = objectsIn(folder);
    assert.ok(!now.some(p => p.includes(key.slice(2))), 'what nobody names any more is in no backup');
    for (const p of now.filter(x => inode[x])) assert.equal(fs.statSync(p).ino, inode[p], 'not copied anew');
    assert.equal(fs.readdirSync(folder).filter(n => n.startsWith('database')).length, 1);
    assert.ok(m);
});

test('killed in the middle, both go on where they were', async t => {
    const folder = `${cluster.folder}/killed`, w = await writers(node);
    t.after(() => w.stop().catch(() => {}));
    await until('some pictures', () => w.acknowledged.filter(k => k.file).length >= 15, 60000);
    let kills = 0;
    for (const ms of [60, 150, 250, 400]) {
        const p = command(cluster, ['backup', folder]);
        await sleep(ms);
        if (!p.kill('SIGKILL') || (await p.done).signal !== 'SIGKILL') break;
        kills++;
        if (fs.existsSync(`${folder}/manifest`)) continue;
        const r = await run(cluster, ['restore', folder, '--check']);
        assert.ok(r.code === 1 && /is not there/.test(r.said), r.said);
    }
    const copies = () => objectsIn(folder).filter(p => p.includes('~'));
    const slow = command(cluster, ['backup', folder]); // in the midst of the objects
    await until('objects', () => (fs.existsSync(`${folder}/objects`) && copies().length > 4) || slow.exitCode !== null, 30000);
    slow.kill('SIGKILL');
    await slow.done;
    const had = copies().length;
    assert.ok(had > 0);
    const whole = await run(cluster, ['backup', folder]);
    assert.equal(whole.code, 0, whole.said);
    const [, all, copied] = whole.said.match(/(\d+) objects, (\d+) of them copied now/).map(Number);
    assert.ok(copied < all && copied <= all - had + 40, `${copied} of ${all} copied, ${had} were there`);
    await w.stop();
    const restored = await new Cluster().start();
    try {
        for (const ms of [50, 120, 200, 300, 450, 600, 800]) {
            const p = command(restored, ['restore', folder]);
            await sleep(ms);
            p.kill('SIGKILL');
            if ((await p.done).signal !== 'SIGKILL') break;
            kills++;
            const mark = await restored.sql("select 1 from pg_namespace where nspname = 'madang_restore'");
            if (mark.length) { // no node may take it for whole
                const started = await run(restored, ['migrate']);
                assert.ok(started.code === 1 && /begin it again/.test(started.said), started.said);
            }
        }
        const last = await run(restored, ['restore', folder]);
        assert.ok(last.code === 0 || /not empty/.test(last.said), last.said);
        await check(restored, w, stamp(folder));
        t.diagnostic(`${kills} kills`);
    } finally { await restored.stop(); }
});

test('a damaged one is refused before anything is touched, and so is one of a later version', async () => {
    const folder = `${cluster.folder}/damaged`, p = await signUp(node);
    await node.ok('PATCH', '/api/v1/me', p.token, { avatar: (await picture(p)).file });
    assert.equal((await run(cluster, ['backup', folder])).code, 0);
    const restored = await new Cluster().start(), text = manifest(folder), object = objectsIn(folder)[0], dump = `${folder}/${text.match(/^database (\S+)/m)[1]}`;
    const refused = async (why, ...args) => {
        const r = await run(restored, ['restore', folder, ...args]);
        assert.ok(r.code === 1 && why.test(r.said), r.said);
        assert.equal((await restored.sql("select count(*)::int as n from pg_tables where schemaname = 'public'"))[0].n, 0);
        assert.ok(!fs.existsSync(`${restored.folder}/files`) || fs.readdirSync(`${restored.folder}/files`).length === 0);
    };
    const flipped = async (file, why) => {
        const was = fs.readFileSync(file), bad = Buffer.from(was);
        bad[bad.length >> 1] ^= 1;
        fs.writeFileSync(file, bad);
        await refused(why);
        await refused(why, '--check');
        fs.writeFileSync(file, was.subarray(0, was.length - 1));
        await refused(why);
        fs.unlinkSync(file);
        await refused(/No such file|is not there/);
        fs.writeFileSync(file, was);
    };
    const seal = body => fs.writeFileSync(`${folder}/manifest`, `${body}end ${sha(body)}\n`), body = text.slice(0, text.indexOf('\nend ') + 1);
    try {
        await flipped(object, /is damaged/);
        await flipped(dump, /is damaged/);
        await flipped(`${folder}/manifest`, /is damaged/);
        seal(body.replace(/^migration /m, 'migration later/0001_more.sql 00\nmigration '));
        await refused(/later\/0001_more.sql: .*later/);
        seal(body.replace('madang-backup 1', 'madang-backup 2'));
        await refused(/does not know/);
        seal(body.replace(/^object \S+/m, 'object ../../etc/passwd'));
        await refused(/is no key/);
        seal(body);
        await restored.sql('create table somebody (x int)');
        const r = await run(restored, ['restore', folder]);
        assert.ok(r.code === 1 && /not empty/.test(r.said), r.said);
        await restored.sql('drop table somebody');
        const well = await run(restored, ['restore', folder]);
        assert.equal(well.code, 0, well.said);
        assert.equal((await run(restored, ['check'])).code, 0);
        assert.equal((await restored.sql('select count(*)::int as n from accounts where id = $1', [p.id]))[0].n, 1);
    } finally { await restored.stop(); }
});

// As much of S3 as this needs; it believes every signature.
async function bucket() {
    const objects = new Map(), s = http.createServer((q, r) => {
        const key = decodeURIComponent(q.url.split('?')[0]), parts = [];
        if (s.refuses) { r.statusCode = s.refuses.status; return r.end(`<Error><Code>${s.refuses.code}</Code></Error>`); }
        q.on('data', d => parts.push(d)).on('end', () => {
            if (q.method === 'PUT') { objects.set(key, { bytes: Buffer.concat(parts), type: q.headers['content-type'] }); return r.end(); }
            if (q.method === 'DELETE') { objects.delete(key); r.statusCode = 204; return r.end(); }
            if (objects.has(key)) return r.end(objects.get(key).bytes);
            r.statusCode = 404;
            r.end('<Error><Code>NoSuchKey</Code></Error>');
        });
    }).listen(0, '127.0.0.1');
    await new Promise(r => s.on('listening', r));
    s.objects = objects;
    s.settings = { MADANG_FILES_PROVIDER: 's3', MADANG_S3_ENDPOINT: `http://127.0.0.1:${s.address().port}`, MADANG_S3_BUCKET: 'b', MADANG_S3_KEY_ID: 'k', MADANG_S3_SECRET: 's', MADANG_S3_PATH_STYLE: 'true' };
    return s;
}

test('from a bucket into another, and into a folder; what the doctor says of buckets', async () => {
    const from = await bucket(), to = await bucket(), folder = `${cluster.folder}/bucket`, own = await new Cluster().start(), other = await new Cluster().start(), third = await new Cluster().start();
    try {
        const n = await own.node(from.settings), p = await signUp(n), f = await picture(p);
        await n.ok('PATCH', '/api/v1/me', p.token, { avatar: f.file });
        assert.equal(from.objects.size, 2);
        const made = await run(own, ['backup', folder], from.settings);
        assert.ok(made.code === 0 && /2 objects, 2 of them/.test(made.said), made.said);
        const moved = await run(other, ['restore', folder], to.settings);
        assert.ok(moved.code === 0 && /2 objects sent/.test(moved.said), moved.said);
        assert.deepEqual([...to.objects].sort(), [...from.objects].sort());
        const local = await run(third, ['restore', folder]);
        assert.equal(local.code, 0, local.said);
        for (const [key, { bytes }] of from.objects) assert.equal(sha(fs.readFileSync(`${third.folder}/files/${key.slice(3, 5)}/${key.slice(5)}`)), sha(bytes));
        from.objects.delete([...from.objects.keys()][0]);
        fs.rmSync(folder, { recursive: true });
        const lost = await run(own, ['backup', folder], from.settings);
        assert.ok(lost.code === 0 && /not in the store/.test(lost.said), lost.said);
        const doctor = async () => JSON.parse((await run(own, ['doctor', '--json'], from.settings)).said).find(l => l.about === 's3');
        assert.equal((await doctor()).state, 'ok');
        assert.equal(from.objects.size, 1, 'it leaves nothing behind');
        for (const [status, code, todo] of [[403, 'RequestTimeTooSkewed', /clock/], [403, 'SignatureDoesNotMatch', /secret/], [404, 'NoSuchBucket', /bucket/], [403, 'AccessDenied', /rights/]]) {
            from.refuses = { status, code };
            const said = await doctor();
            assert.ok(said.state === 'fail' && todo.test(said.todo) && said.says.includes(code), JSON.stringify(said));
        }
        const refused = await run(own, ['backup', folder], from.settings);
        assert.ok(refused.code === 0 || /has not ended/.test(refused.said), refused.said);
    } finally {
        await Promise.allSettled([own.stop(), other.stop(), third.stop()]);
        from.close();
        to.close();
    }
});

test('one of an earlier version is migrated', async () => {
    const old = await new Cluster().start(), restored = await new Cluster().start(), folder = `${cluster.folder}/earlier`;
    try {
        assert.equal((await run(old, ['migrate'])).code, 0);
        await old.sql('drop index jobs_key, jobs_kind_due, jobs_dead');
        await old.sql('alter table jobs drop column key');
        await old.sql("delete from migrations where name = 'platform/0004_jobs.sql'");
        assert.equal((await run(old, ['backup', folder])).code, 0);
        const r = await run(restored, ['restore', folder]);
        assert.ok(r.code === 0, r.said);
        assert.equal((await run(restored, ['check'])).code, 0);
        assert.equal((await restored.sql("select count(*)::int as n from migrations where name = 'platform/0004_jobs.sql'"))[0].n, 1);
        assert.deepEqual(await restored.sql("select nspname from pg_namespace where nspname = 'madang_restore'"), []);
    } finally { await old.stop(); await restored.stop(); }
});

test('while one is being written no object goes that was named when it began', async () => {
    const p = await signUp(node), f = await picture(p), [{ key }] = await cluster.sql('select key from files where id = $1', [f.file]);
    const there = () => fs.existsSync(`${cluster.folder}/files/${key.slice(0, 2)}/${key.slice(2)}`);
    const sweeps = async () => { // twice to its end
        for (let i = 0; i < 2; i++) {
            await cluster.sql("delete from jobs where kind = 'files.sweep'");
            const [{ id }] = await cluster.sql("insert into jobs (kind, payload, due) values ('files.sweep', '{}', now()) returning id");
            await until('a sweep', async () => (await cluster.sql("select 1 from jobs where id = $1 and state in ('waiting', 'running')", [id])).length === 0, 30000);
        }
    };
    const holder = new pg.Client({ host: cluster.at, user: 'madang', database: cluster.database });
    await holder.connect();
    try {
        await holder.query('select pg_advisory_lock_shared(7237120)');
        await cluster.sql('update files set removed = true where id = $1', [f.file]);
        await sweeps();
        assert.ok(there());
    } finally { await holder.end(); }
    await until('let go of', async () => { await sweeps(); return !there(); }, 30000);
});

test('what it says when it cannot', async () => {
    const folder = `${cluster.folder}/cannot`;
    fs.mkdirSync(folder);
    fs.writeFileSync(`${folder}/precious`, 'x');
    for (const [args, env, why] of [
        [['backup', folder], {}, /has other things in it/],
        [['backup', '/proc/none/such'], {}, /No such file/],
        [['restore', '/nonexistent'], {}, /is not there/],
        [['backup', `${cluster.folder}/x`], { PATH: '/nonexistent' }, /pg_dump: .*install postgresql-client/],
        [['backup', `${cluster.folder}/y`], { MADANG_PG_POOLER: 'true', MADANG_PG_MIGRATE_AT_START: 'false' }, /needs Postgres itself/],
        [['backup', `${cluster.folder}/z`], { MADANG_PG_URL: 'postgresql://madang:s3cret@/x?host=/nowhere' }, /No such file/],
    ]) {
        const r = await run(cluster, args, env);
        assert.ok(r.code === 1 && why.test(r.said) && !r.said.includes('s3cret'), `${args}: ${r.said}`);
    }
    assert.deepEqual(fs.readdirSync(folder), ['precious']);
    for (const args of [['backup'], ['backup', 'a', 'b'], ['restore'], ['restore', 'a', '--perhaps']]) assert.equal((await run(cluster, args)).code, 2, args.join(' '));
});
