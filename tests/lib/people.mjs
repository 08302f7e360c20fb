// Members in any number, at once: rows in one statement, and tokens signed as the daemon signs them (src/sec/token.c). They have no password and
// no session that could be renewed; who signs up, logs in or leaves does so through the doors (signUp of daemon.mjs).
import { createHash, createHmac, hkdfSync } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { root, sessionKey } from './daemon.mjs';

const SESSION_ID_LEN = Number(/SESSION_ID_LEN (\d+)/.exec(fs.readFileSync(path.join(root, 'include/madang/token.h'), 'utf8'))[1]);
const key = Buffer.from(hkdfSync('sha256', sessionKey, '', 'access-token', 32)), kid = createHash('sha256').update(key).digest('hex').slice(0, 16);
const part = x => Buffer.from(JSON.stringify(x)).toString('base64url');

export function tokenOf(account, role = 'member', lives_s = 3600) {
    const now = Math.floor(Date.now() / 1000), sid = createHash('sha256').update(`crowd ${account}`).digest('base64url').slice(0, SESSION_ID_LEN);
    const text = `${part({ alg: 'HS256', typ: 'JWT', kid })}.${part({ sub: String(account), sid, iss: 'madang', aud: 'madang', role, iat: now, exp: now + lives_s })}`;
    return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`;
}

// [{ id, name, email, token, node }], their ids in a row; they go to the nodes in turn. A node must have made the tables.
export async function crowd(cluster, n, { role = 'member', nodes = cluster.nodes, lives_s } = {}) {
    const rows = await cluster.sql(`insert into accounts (id, role, email, nickname, birth_date, region) overriding system value
        select i, $2, 'crowd' || i || '@example.com', 'crowd' || i, '1990-01-01', 'seoul' from (select nextval('accounts_id_seq') as i from generate_series(1, $1)) x returning id, email, nickname`, [n, role]);
    return rows.map((r, i) => ({ id: Number(r.id), name: r.nickname, email: r.email, token: tokenOf(r.id, role, lives_s), node: nodes[i % nodes.length] })).sort((a, b) => a.id - b.id);
}
