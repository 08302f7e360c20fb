// Machines: what the program draws is what the tables allow, whoever writes; and a node does not start when they differ.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { binary, Cluster, root } from '../lib/daemon.mjs';

let cluster, node;
before(async () => { cluster = await new Cluster().start(); node = await cluster.node(); });
after(() => cluster.stop());

const run = command => spawnSync(binary, [command], { env: cluster.environment(node, {}), cwd: root, encoding: 'utf8' });
const drawn = () => run('machines').stdout.split('\n## ').slice(1).map(part => {
    const lines = part.split('\n').map(l => l.trim()), arrows = lines.filter(l => l.includes(' --> ')).map(l => l.split(' --> '));
    return { table: lines[0], first: arrows.find(([from]) => from === '[*]')[1], moves: arrows.filter(a => !a.includes('[*]')), states: [...new Set(arrows.flat())].filter(s => s !== '[*]') };
});

test('what is drawn is what stands in the documents', () => assert.equal(run('machines').stdout, fs.readFileSync(path.join(root, 'docs/machines.md'), 'utf8')));

test('of all moves between two states those that are drawn can be made, and no others', async () => {
    const machines = drawn();
    assert.ok(machines.length >= 4);
    for (const { table, first, moves, states } of machines) {
        const [{ begins }] = await cluster.sql("select pg_get_expr(adbin, adrelid) as begins from pg_attrdef join pg_attribute on attrelid = adrelid and attnum = adnum where adrelid = $1::regclass and attname = 'state' union all select null limit 1", [table]);
        if (begins) assert.equal(begins, `'${first}'::text`, `${table} begins so`);
        const [{ trigger }] = await cluster.sql("select pg_get_triggerdef(oid) as trigger from pg_trigger where tgrelid = $1::regclass and tgname = $2", [table, `${table}_moves`]);
        await cluster.sql(`create table walked (id int, state text); ${trigger.replaceAll(`public.${table}`, 'walked').replaceAll(`${table}_moves`, 'walked_moves')}`);
        try {
            for (const from of states)
                for (const to of states) {
                    await cluster.sql(`delete from walked; insert into walked values (1, '${from}')`);
                    const made = await cluster.sql("update walked set state = $1", [to]).then(() => true, e => { assert.equal(e.code, 'MD001', e.message); return false; });
                    assert.equal(made, from === to || moves.some(m => m[0] === from && m[1] === to), `${table}: ${from} > ${to}`);
                }
        } finally { await cluster.sql('drop table walked'); }
    }
});

const wrong = async (change, back, says) => {
    assert.equal(run('check').status, 0);
    await cluster.sql(change);
    try {
        const r = run('check');
        assert.equal(r.status, 1, r.stderr);
        assert.match(r.stderr, says);
    } finally { await cluster.sql(back); }
};
test('a table that allows other moves, other states, or a word that the program does not know, is found', async () => {
    const [{ trigger }] = await cluster.sql("select pg_get_triggerdef(oid) as trigger from pg_trigger where tgname = 'tarot_chats_moves'");
    await wrong('drop trigger tarot_chats_moves on tarot_chats', trigger, /tarot_chats: the table has other moves/);
    await wrong(`drop trigger tarot_chats_moves on tarot_chats; ${trigger.replace("'drawn>done'", "'drawn>done', 'done>talking'")}`, `drop trigger tarot_chats_moves on tarot_chats; ${trigger}`, /tarot_chats: the table has other moves/);
    await wrong('alter table tarot_chats disable trigger tarot_chats_moves', 'alter table tarot_chats enable trigger tarot_chats_moves', /other moves/);
    const states = words => `alter table tarot_turns drop constraint tarot_turns_state_check; alter table tarot_turns add constraint tarot_turns_state_check check (state in (${words}))`;
    await wrong(states("'running', 'ended', 'failed', 'resting'"), states("'running', 'ended', 'failed'"), /tarot_turns: the table has other states/);
    const kinds = words => `alter table tarot_turns drop constraint tarot_turns_kind_check; alter table tarot_turns add constraint tarot_turns_kind_check check (kind in (${words}))`;
    await wrong(kinds("'talk', 'reading', 'help', 'song'"), kinds("'talk', 'reading', 'help'"), /tarot_turn\w*: its column allows .*song/);
    assert.equal(run('check').status, 0);
});
