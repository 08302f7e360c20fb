// What a node has of the features: those switched off are not there, and lose nothing; migrations are known by their former names.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Cluster, root, signUp, until } from '../lib/daemon.mjs';

const binary = process.env.MADANG_BINARY ?? `${root}/build/release/madangd`;
const listed = [...fs.readFileSync(`${root}/src/features.def`, 'utf8').matchAll(/^X\((\w+), "(.*)"\)/gm)].map(([, name, needs]) => ({ name, needs })).filter(f => f.name !== 'bench');
let cluster, node;
before(async () => { cluster = await new Cluster().start(); node = await cluster.node(); });
after(() => cluster.stop());
const check = (off, command = 'check') => spawnSync(binary, [command], { env: { ...cluster.environment(node, {}), MADANG_FEATURES_OFF: off }, encoding: 'utf8', cwd: root });

test('what is on is told', async () => {
    const { features } = await node.ok('GET', '/api/v1/features');
    for (const { name } of listed) assert.ok(features.includes(name), name);
});

test('a feature that is off is not there: no call, no event, no document; its tables and its work stay', async () => {
    const p = await signUp(node), { chat: { chat } } = await node.ok('POST', '/api/v1/tarot/chats', p.token, { language: 'ko' });
    const without = await cluster.node({ MADANG_FEATURES_OFF: 'tarot, video' });
    assert.deepEqual((await without.ok('GET', '/api/v1/features')).features.filter(f => ['tarot', 'video', 'social'].includes(f)), ['social']);
    const r = await without.call('GET', `/api/v1/tarot/chats/${chat}`, { token: p.token });
    assert.deepEqual([r.status, r.body.code], [404, 'not-found']);
    const s = await without.socket(p);
    assert.equal((await s.call('tarot.chats', {})).problem.code, 'call.unknown');
    await s.close();
    for (const document of ['/api/openapi.json', '/api/asyncapi.json', '/api/types.d.ts']) {
        const text = (await without.get(document)).bytes.toString();
        assert.ok(!/tarot\.|video\./.test(text) && /social|friend/.test(text), document);
    }
    await node.stop(); // nobody else takes it
    await cluster.sql("insert into jobs (kind, payload, due) values ('tarot.sweep', '{}', now())");
    await cluster.sql("update jobs set due = now() where kind = 'accounts.sweep'");
    await until('other work goes on', async () => (await cluster.sql("select 1 from jobs where kind = 'accounts.sweep' and due > now()")).length);
    const kept = await cluster.sql("select attempts, state from jobs where kind = 'tarot.sweep' order by id desc limit 1");
    assert.deepEqual(kept, [{ attempts: 0, state: 'waiting' }]);
    await node.start();
    assert.equal((await node.ok('GET', `/api/v1/tarot/chats/${chat}`, p.token)).chat.chat, chat, 'and is back with all it had');
    await cluster.sql("delete from jobs where kind = 'tarot.sweep' and period is null");
});

test('what cannot be switched off is said', () => {
    const r = check('files');
    assert.equal(r.status, 1);
    for (const { name } of listed.filter(f => f.needs.split(' ').includes('files'))) assert.match(r.stderr, new RegExp(`\\[features\\] off: ${name} needs files`));
    assert.match(check('tarto').stderr, /there is no feature tarto/);
    assert.equal(check('session').status, 1, 'the platform itself');
    for (const { name } of listed) if (!listed.some(f => f.needs.split(' ').includes(name))) assert.equal(check(name).status, 0, name);
});

test('a database of the version before has its migrations by their former names', async () => {
    const files = fs.readdirSync(`${root}/migrations`).flatMap(f => fs.readdirSync(path.join(root, 'migrations', f)).map(n => `${f}/${n}`));
    const names = (await cluster.sql('select name from migrations')).map(r => r.name);
    assert.deepEqual([...names].sort(), files.sort());
    const former = new Map(files.map(f => [f, /^-- was: (.*)$/m.exec(fs.readFileSync(`${root}/migrations/${f}`, 'utf8'))?.[1]]).filter(([, was]) => was));
    const fresh = await new Cluster().start();
    try {
        const n = await fresh.node();
        await n.stop();
        await fresh.sql('delete from migrations where name = any ($1)', [[...former.keys()]]);
        await fresh.sql("insert into migrations (name, checksum) select n, 'of another file' from unnest($1::text[]) n", [[...new Set(former.values())]]);
        const checked = spawnSync(binary, ['check'], { env: fresh.environment(n, {}), encoding: 'utf8', cwd: root });
        assert.equal(checked.status, 0, checked.stderr);
        await n.start();
        assert.ok(!/applied /.test(n.log.slice(n.log.lastIndexOf('stopped'))), 'none is applied a second time');
        assert.equal((await fresh.sql('select 1 from migrations where name = any ($1)', [files])).length, files.length);
    } finally { await fresh.stop(); }
});
