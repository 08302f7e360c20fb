// Bytes to a server and what comes back, for the tables of the conformance suites.
import net from 'node:net';

export const CRLF = '\r\n';
const bytes = x => Buffer.isBuffer(x) ? x : Buffer.from(x, 'latin1');

// Sends the pieces (a number is a pause in ms) and reads until the end, or until `quiet` ms after the last byte of an answer; but as
// long as what has come is not `enough`, it waits on: a busy server is not a silent one. { half: true } ends our side behind the last piece.
export function exchange(port, pieces, { quiet = 120, limit = 4000, half = false, enough = () => true } = {}) {
    return new Promise(resolve => {
        const s = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true }), got = [];
        let closed = false, calm;
        const done = () => { clearTimeout(calm); clearTimeout(end); s.destroy(); resolve({ bytes: Buffer.concat(got), closed }); };
        const end = setTimeout(done, limit);
        s.setNoDelay(true);
        s.on('data', d => { got.push(d); clearTimeout(calm); if (enough(Buffer.concat(got), false)) calm = setTimeout(done, quiet); });
        s.on('end', () => { closed = true; done(); });
        s.on('close', () => { closed = true; done(); });
        s.on('error', () => { closed = true; });
        s.on('connect', async () => {
            for (const piece of [pieces].flat()) {
                if (typeof piece === 'number') await new Promise(r => setTimeout(r, piece));
                else if (!s.destroyed) s.write(bytes(piece));
            }
            if (half) s.end();
        });
    });
}

// The answers in a stream of bytes; heads: which of them answer a HEAD.
export function answers(all, heads = []) {
    const list = [];
    for (let at = 0; at < all.length;) {
        const end = all.indexOf('\r\n\r\n', at);
        if (end < 0) { list.push({ status: -1, rest: all.subarray(at).toString('latin1') }); break; }
        const lines = all.subarray(at, end).toString('latin1').split(CRLF), status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(lines[0])?.[1] ?? -1);
        const headers = Object.fromEntries(lines.slice(1).map(l => { const i = l.indexOf(':'); return [l.slice(0, i).toLowerCase(), l.slice(i + 1).trim()]; }));
        const none = status < 200 || status === 204 || status === 304 || heads.includes(list.filter(a => a.status >= 200).length);
        const length = none ? 0 : Number(headers['content-length'] ?? 0);
        list.push({ status, headers, body: all.subarray(end + 4, end + 4 + length).toString('latin1'), short: end + 4 + length > all.length });
        at = end + 4 + length;
        if (status === -1) break;
    }
    return list;
}

// At most `n` at once, each its own subtest.
export async function each(t, n, rows, run) {
    const queue = [...rows];
    await Promise.all(Array.from({ length: n }, async () => { for (let row; (row = queue.shift());) await t.test(row[0], () => run(row)).catch(() => {}); }));
}
