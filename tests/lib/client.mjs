// web/madang.js in Node: the client that browsers use, with a cookie jar of one cookie.
import WebSocket from 'ws';
import { Madang } from '../../web/madang.js';

export function client(node, person) {
    let cookie = person.cookie;
    const m = new Madang({ base: node.base, WebSocket, fetch: async (url, options) => {
        const r = await fetch(url, { ...options, headers: { ...options.headers, cookie, origin: new URL(url).origin } });
        const set = r.headers.getSetCookie?.().map(c => c.split(';')[0]).find(c => c.startsWith('__Host-madang_refresh'));
        if (set) cookie = set;
        return r;
    } });
    m.adopt({ access_token: person.token, account: person.id, role: 'member', expires_in: 800 });
    return m;
}
