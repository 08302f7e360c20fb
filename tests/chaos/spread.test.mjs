// Three nodes whose events go over two Redis servers besides the first, by a hash of their topic; and one of them dies.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { client } from '../lib/client.mjs';
import { befriend, Cluster, room, signUp, sleep, until } from '../lib/daemon.mjs';
import { crowd } from '../lib/people.mjs';
import { all, start } from '../lib/process.mjs';

const ROOMS = 12;
let cluster, nodes, relays, people, rooms;

function redis(path) {
    const server = { path, process: start('redis-server', ['--port', '0', '--unixsocket', path, '--save', '', '--appendonly', 'no', '--daemonize', 'no'], { stdio: 'ignore' }) };
    server.exited = new Promise(r => server.process.on('exit', r));
    server.channels = () => execFileSync('redis-cli', ['-s', path, 'PUBSUB', 'CHANNELS']).toString().split('\n').filter(Boolean);
    return server;
}
const ready = server => until('the Redis to answer', () => { execFileSync('redis-cli', ['-s', server.path, 'PING'], { stdio: 'pipe' }); return true; });

before(async () => {
    cluster = await new Cluster().start();
    relays = [redis(`${cluster.folder}/r1.sock`), redis(`${cluster.folder}/r2.sock`)];
    await Promise.all(relays.map(ready));
    const options = { MADANG_REDIS_RELAY_URLS: relays.map(r => `redis+unix://${r.path}`).join(', '), MADANG_LOG_ACCESS: 'false' };
    nodes = [await cluster.node(options), await cluster.node(options), await cluster.node(options)];
    people = [await signUp(nodes[0]), ...await crowd(cluster, ROOMS)];
    rooms = [];
    for (let i = 1; i <= ROOMS; i++) {
        await befriend(people[0], people[i]);
        rooms.push(await room(people[0], people[i]));
    }
});
after(() => all(() => cluster?.stop(), ...(relays ?? []).map(r => () => { r.process.kill(); return r.exited; })));

test('events reach every node over the server of their topic, and also when one server is away', async t => {
    const listeners = nodes.map(node => client(node, people[0])), heard = listeners.map(() => []);
    t.after(() => listeners.forEach(m => m.close()));
    listeners.forEach((m, i) => { m.on('dm.message', e => heard[i].push(e.data.client_id)); m.connect(); });
    await until('all open', () => listeners.every(m => m.state === 'open'));
    await sleep(1500); // the welcome's own catching up is over
    const ids = [];
    const say = async round => {
        for (const [i, r] of rooms.entries()) {
            const from = people[i + 1], id = `${round}-room-${i}`;
            ids.push(id);
            await from.node.ok('POST', `/api/v1/rooms/${r}/messages`, from.token, { client_id: id, body: 'x' });
        }
    };
    const all = async (round, ms) => {
        await until(`all to hear ${round}`, () => heard.every(h => h.length >= ids.length), ms).catch(e => { throw new Error(`${e.message}: ${heard.map(h => ids.filter(id => !h.includes(id)))}`); });
        for (const h of heard) assert.deepEqual([...h].sort(), [...ids].sort());
    };
    await say('spread-over-two');
    await all('the first round', 2000);
    const parts = relays.map(r => r.channels().filter(c => /room:/.test(c)).length);
    assert.equal(parts[0] + parts[1], ROOMS);
    assert.ok(parts.every(n => n > 0), `of the rooms ${parts[0]} are on the first and ${parts[1]} on the second`);
    assert.equal(execFileSync('redis-cli', ['-s', `${cluster.at}/redis.sock`, 'PUBSUB', 'CHANNELS', `${cluster.id}:t:*`]).toString().trim(), '', 'none is on the server of the commands');

    relays[1].process.kill('SIGKILL');
    await relays[1].exited;
    await say('one-is-away');
    await all('what was said while one was away', 8000);
    assert.equal((await fetch(`http://127.0.0.1:${nodes[0].adminPort}/readyz`)).status, 200, 'nodes go on serving');
    relays[1] = redis(relays[1].path);
    await ready(relays[1]);
    await until('the channels to be back', () => relays[1].channels().filter(c => /room:/.test(c)).length === parts[1]);
    await sleep(2500);
    await say('both-are-back');
    await all('the last round', 2000);
});
