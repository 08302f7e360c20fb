// WebSocket by its bytes (RFC 6455, RFC 7692), against the echo of [debug] echo: the same reader and writer as every other socket.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import zlib from 'node:zlib';
import { Cluster } from '../lib/daemon.mjs';
import { answers, each, exchange } from './wire.mjs';

let cluster, node;
before(async () => {
    cluster = await new Cluster().start();
    node = await cluster.node({ MADANG_DEBUG_ECHO: 'true', MADANG_WS_COMPRESS: 'true', MADANG_HTTP_CONNECTIONS_PER_ADDRESS: '1000' });
});
after(() => cluster.stop());

const CONT = 0, TEXT = 1, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10, FIN = 0x80, RSV1 = 0x40, RSV2 = 0x20, RSV3 = 0x10;
const b = x => Buffer.isBuffer(x) ? x : Buffer.from(x);
// A frame; size: how its length is written (7, 16, 64), length: the one that is claimed.
function frame(first, payload = '', { mask = [1, 2, 3, 4], size, length } = {}) {
    const p = b(payload), n = length ?? p.length, kind = size ?? (n <= 125 ? 7 : n <= 65535 ? 16 : 64), m = mask ? 0x80 : 0;
    const head = kind === 7 ? Buffer.from([first, m | n]) : kind === 16 ? Buffer.from([first, m | 126, n >> 8 & 255, n & 255]) : (() => { const h = Buffer.alloc(10); h[0] = first; h[1] = m | 127; h.writeBigUInt64BE(BigInt(n), 2); return h; })();
    return Buffer.concat(mask ? [head, b(mask), Buffer.from(p.map((c, i) => c ^ mask[i % 4]))] : [head, p]);
}
const text = (p, o) => frame(FIN | TEXT, p, o), binary = (p, o) => frame(FIN | BINARY, p, o), ping = p => frame(FIN | PING, p), end = frame(FIN | CLOSE, Buffer.from([3, 232]));
const close = (code, reason = '') => frame(FIN | CLOSE, Buffer.concat([Buffer.from([code >> 8, code & 255]), b(reason)]));
const parts = (first, ...pieces) => Buffer.concat(pieces.map((p, i) => frame((i === 0 ? first : CONT) | (i === pieces.length - 1 ? FIN : 0), p)));
const deflated = p => zlib.deflateRawSync(b(p), { finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4);
const packed = p => frame(FIN | RSV1 | TEXT, deflated(p));

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const upgrade = (more = {}, first = 'GET /debug/ws-echo HTTP/1.1') => `${first}\r\n${Object.entries({ Host: 'localhost', Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Version': '13', 'Sec-WebSocket-Key': KEY, ...more }).filter(([, v]) => v !== null).flatMap(([k, v]) => [v].flat().map(x => `${k}: ${x}\r\n`)).join('')}\r\n`;
const DEFLATE = { 'Sec-WebSocket-Extensions': 'permessage-deflate' };

// What the server sent behind its head: "t:…" and "b:…" messages, "pong:…", "close:1000".
function read(all) {
    const at = all.indexOf('\r\n\r\n'), head = all.subarray(0, at).toString(), out = [];
    let f = all.subarray(at + 4), masked = false, rsv = false;
    while (f.length >= 2) {
        let n = f[1] & 127, o = 2;
        masked ||= (f[1] & 128) !== 0;
        if (n === 126) { n = f.readUInt16BE(2); o = 4; } else if (n === 127) { n = Number(f.readBigUInt64BE(2)); o = 10; }
        const op = f[0] & 15, data = f.subarray(o, o + n), plain = f[0] & RSV1 ? zlib.inflateRawSync(Buffer.concat([data, Buffer.from([0, 0, 255, 255])]), { finishFlush: zlib.constants.Z_SYNC_FLUSH }) : data;
        rsv ||= (f[0] & (RSV2 | RSV3)) !== 0;
        out.push(op === TEXT ? `t:${plain}` : op === BINARY ? `b:${plain.toString('hex')}` : op === CLOSE ? `close:${n >= 2 ? data.readUInt16BE(0) : 'none'}` : op === PONG ? `pong:${plain}` : `op${op}`);
        f = f.subarray(o + n);
    }
    return { head, status: Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1]), out, masked, rsv };
}
const long = n => 'x'.repeat(n), hangul = '한글 자모 🎭';

// Frames, and what comes back. A good exchange ends with our close, so the last is close:1000.
const frames = [
    // data
    ...[0, 1, 125, 126, 127, 128, 1000, 65535, 65536, 200000].map(n => [`text of ${n} bytes`, [text(long(n)), end], [`t:${long(n)}`, 'close:1000']]),
    ...[0, 1, 125, 126, 65535, 65536].map(n => [`binary of ${n} bytes`, [binary(Buffer.alloc(n, 0xfe)), end], [`b:${'fe'.repeat(n)}`, 'close:1000']]),
    ['all bytes', [binary(Buffer.from(Array.from({ length: 256 }, (_, i) => i))), end], [`b:${Buffer.from(Array.from({ length: 256 }, (_, i) => i)).toString('hex')}`, 'close:1000']],
    ['a mask of zeros', [text('abc', { mask: [0, 0, 0, 0] }), end], ['t:abc', 'close:1000']],
    ['a mask of ones', [text('abc', { mask: [255, 255, 255, 255] }), end], ['t:abc', 'close:1000']],
    ['many in one packet', [Buffer.concat([text('a'), text('b'), binary('c'), text('d')]), end], ['t:a', 't:b', 'b:63', 't:d', 'close:1000']],
    ['a hundred in one packet', [Buffer.concat(Array.from({ length: 100 }, (_, i) => text(String(i)))), end], [...Array.from({ length: 100 }, (_, i) => `t:${i}`), 'close:1000']],
    ['one byte at a time', [...Buffer.concat([text('abc'), end])].map(c => Buffer.from([c])).flatMap(c => [c, 1]), ['t:abc', 'close:1000']],
    ['cut within the header', [text(long(300)).subarray(0, 3), 20, text(long(300)).subarray(3), end], [`t:${long(300)}`, 'close:1000']],
    ['cut within the mask', [text('abcdef').subarray(0, 4), 20, text('abcdef').subarray(4), end], ['t:abcdef', 'close:1000']],
    ['cut within the payload', [text('abcdef').subarray(0, 9), 20, text('abcdef').subarray(9), end], ['t:abcdef', 'close:1000']],
    ['a frame and a half', [Buffer.concat([text('one'), text('two').subarray(0, 4)]), 20, text('two').subarray(4), end], ['t:one', 't:two', 'close:1000']],
    // fragments
    ['two fragments', [parts(TEXT, 'ab', 'cd'), end], ['t:abcd', 'close:1000']],
    ['binary in fragments', [parts(BINARY, 'ab', 'cd'), end], ['b:61626364', 'close:1000']],
    ['empty fragments', [parts(TEXT, '', 'a', '', 'b', ''), end], ['t:ab', 'close:1000']],
    ['all fragments empty', [parts(TEXT, '', '', ''), end], ['t:', 'close:1000']],
    ['a hundred fragments', [parts(TEXT, ...Array(100).fill('x')), end], [`t:${long(100)}`, 'close:1000']],
    ['two thousand fragments', [parts(TEXT, ...Array(2000).fill('x')), end], [`t:${long(2000)}`, 'close:1000']],
    ['two thousand fragments, every other one empty', [parts(TEXT, ...Array.from({ length: 2000 }, (_, i) => i % 2 ? 'x' : '')), end], [`t:${long(1000)}`, 'close:1000']],
    ['fragments of 10 KB', [parts(TEXT, ...Array(20).fill(long(10000))), end], [`t:${long(200000)}`, 'close:1000']],
    ['a fragment, then a whole one', [parts(TEXT, 'a', 'b'), text('c'), end], ['t:ab', 't:c', 'close:1000']],
    ['a ping between fragments', [frame(TEXT, 'a'), ping('p'), frame(FIN | CONT, 'b'), end], ['pong:p', 't:ab', 'close:1000']],
    ['ten pings between fragments', [frame(TEXT, 'a'), ...Array(10).fill(ping('p')), frame(FIN | CONT, 'b'), end], [...Array(10).fill('pong:p'), 't:ab', 'close:1000']],
    ['a close between fragments', [frame(TEXT, 'a'), end], ['close:1000']],
    ['a continuation of nothing', [frame(FIN | CONT, 'a')], ['close:1002']],
    ['an unfinished continuation of nothing', [frame(CONT, 'a')], ['close:1002']],
    ['a continuation behind a whole message', [text('a'), frame(FIN | CONT, 'b')], ['t:a', 'close:1002']],
    ['a text within fragments', [frame(TEXT, 'a'), text('b')], ['close:1002']],
    ['a binary within fragments', [frame(TEXT, 'a'), binary('b')], ['close:1002']],
    ['a new start within fragments', [frame(TEXT, 'a'), frame(TEXT, 'b')], ['close:1002']],
    ['a flood of empty fragments', [frame(TEXT, ''), Buffer.concat(Array(2000).fill(frame(CONT, '')))], ['close:1008']],
    // control frames
    ['a ping', [ping('hello'), end], ['pong:hello', 'close:1000']],
    ['an empty ping', [ping(''), end], ['pong:', 'close:1000']],
    ['a ping of 125 bytes', [ping(long(125)), end], [`pong:${long(125)}`, 'close:1000']],
    ['a ping of 126 bytes', [ping(long(126))], ['close:1002']],
    ['a ping with a 16-bit length', [frame(FIN | PING, 'a', { size: 16 })], ['close:1002']],
    ['a ping of bytes', [ping(Buffer.from([0, 255]))], ['pong:\0\ufffd'], { stays: true }],
    ['a ping in fragments', [frame(PING, 'a')], ['close:1002']],
    ['a pong nobody asked for', [frame(FIN | PONG, 'a'), text('b'), end], ['t:b', 'close:1000']],
    ['a pong of 126 bytes', [frame(FIN | PONG, long(126))], ['close:1002']],
    ['a pong in fragments', [frame(PONG, 'a')], ['close:1002']],
    ['a ping one byte at a time', [...ping('abc')].map(c => Buffer.from([c])).flatMap(c => [c, 1]).concat([end]), ['pong:abc', 'close:1000']],
    ['pings in a row', [Buffer.concat(Array.from({ length: 10 }, (_, i) => ping(String(i)))), end], [...Array.from({ length: 10 }, (_, i) => `pong:${i}`), 'close:1000']],
    ...[3, 4, 5, 6, 7].map(op => [`opcode ${op}`, [frame(FIN | op, 'a')], ['close:1002']]),
    ...[11, 12, 13, 14, 15].map(op => [`opcode ${op}`, [frame(FIN | op, 'a')], ['close:1002']]),
    ['a reserved opcode behind a message', [text('a'), frame(FIN | 3, '')], ['t:a', 'close:1002']],
    ...[['first', RSV1], ['second', RSV2], ['third', RSV3], ['first two', RSV1 | RSV2], ['last two', RSV2 | RSV3], ['three', RSV1 | RSV2 | RSV3]].map(([n, r]) => [`the reserved bits: ${n}`, [frame(FIN | r | TEXT, 'a')], ['close:1002']]),
    ['a reserved bit on a ping', [frame(FIN | RSV1 | PING, 'a')], ['close:1002']],
    ['a reserved bit on a close', [frame(FIN | RSV1 | CLOSE, '')], ['close:1002']],
    ['a reserved bit on a continuation', [frame(TEXT, 'a'), frame(FIN | RSV1 | CONT, 'b')], ['close:1002']],
    // lengths and masks
    ['text without a mask', [text('a', { mask: null })], ['close:1002']],
    ['empty text without a mask', [text('', { mask: null })], ['close:1002']],
    ['a ping without a mask', [frame(FIN | PING, 'a', { mask: null })], ['close:1002']],
    ['a close without a mask', [frame(FIN | CLOSE, Buffer.from([3, 232]), { mask: null })], ['close:1002']],
    ['a short length in 16 bits', [text('abc', { size: 16 })], ['close:1002']],
    ['125 in 16 bits', [text(long(125), { size: 16 })], ['close:1002']],
    ['a short length in 64 bits', [text('abc', { size: 64 })], ['close:1002']],
    ['65,535 in 64 bits', [text(long(65535), { size: 64 })], ['close:1002']],
    ['a length with the highest bit', [Buffer.concat([Buffer.from([FIN | TEXT, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4]), b('abc')])], ['close:1002']],
    ['more than is allowed', [text('a', { size: 64, length: 16777217 })], ['close:1009']],
    ['more than is allowed, binary', [binary('a', { size: 64, length: 1e12 })], ['close:1009']],
    // UTF-8
    ['Korean and an emoji', [text(hangul), end], [`t:${hangul}`, 'close:1000']],
    ['Korean one byte at a time', [...text(hangul)].map(c => Buffer.from([c])).flatMap(c => [c, 1]).concat([end]), [`t:${hangul}`, 'close:1000']],
    ...Array.from({ length: b(hangul).length - 1 }, (_, i) => [`Korean cut into fragments behind byte ${i + 1}`, [parts(TEXT, b(hangul).subarray(0, i + 1), b(hangul).subarray(i + 1)), end], [`t:${hangul}`, 'close:1000']]),
    ['every byte a fragment', [parts(TEXT, ...[...b(hangul)].map(c => Buffer.from([c]))), end], [`t:${hangul}`, 'close:1000']],
    ['the highest code point', [text('\u{10ffff}'), end], ['t:\u{10ffff}', 'close:1000']],
    ['a NUL', [text('a\0b'), end], ['t:a\0b', 'close:1000']],
    ['a byte order mark', [binary(Buffer.from([0xef, 0xbb, 0xbf])), end], ['b:efbbbf', 'close:1000']],
    ['a non-character', [text('\uffff'), end], ['t:\uffff', 'close:1000']],
    ...[['a lone continuation', [0x80]], ['0xFF', [0xff]], ['0xFE', [0xfe]], ['an overlong slash', [0xc0, 0xaf]], ['an overlong slash of three', [0xe0, 0x80, 0xaf]], ['an overlong NUL', [0xc0, 0x80]], ['a surrogate', [0xed, 0xa0, 0x80]], ['a pair of surrogates', [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]],
        ['beyond the last code point', [0xf4, 0x90, 0x80, 0x80]], ['five bytes', [0xf8, 0x88, 0x80, 0x80, 0x80]], ['a lead and a letter', [0xc3, 0x41]], ['a character cut off', [0xe2, 0x82]], ['a character cut off behind text', [0x61, 0x62, 0xf0, 0x9f, 0x98]]]
        .map(([n, bytes]) => [`not UTF-8: ${n}`, [text(Buffer.from(bytes))], ['close:1007']]),
    ['not UTF-8 in the first fragment', [frame(TEXT, Buffer.from([0xff])), 30], ['close:1007']],
    ['not UTF-8 in the second fragment', [frame(TEXT, 'a'), frame(CONT, Buffer.from([0xff]))], ['close:1007']],
    ['a character whose rest does not come', [frame(TEXT, Buffer.from([0xe2, 0x82])), frame(FIN | CONT, 'a')], ['close:1007']],
    ['not UTF-8, told before the frame is whole', [text(Buffer.concat([Buffer.from([0xff]), b(long(1000))])).subarray(0, 200)], ['close:1007']],
    ['not UTF-8 as binary', [binary(Buffer.from([0xff])), end], ['b:ff', 'close:1000']],
    // closing
    ['a close without a code', [frame(FIN | CLOSE)], ['close:none']],
    ['a close of one byte', [frame(FIN | CLOSE, 'a')], ['close:1002']],
    ['a close with a reason', [close(1000, 'enough')], ['close:1000']],
    ['a close with a Korean reason', [close(1000, '안녕')], ['close:1000']],
    ['a close with the longest reason', [close(1000, long(123))], ['close:1000']],
    ['a close that is too long', [close(1000, long(124))], ['close:1002']],
    ['a close with a reason that is no text', [close(1000, Buffer.from([0xff]))], ['close:1007']],
    ['a close in fragments', [frame(CLOSE, Buffer.from([3, 232]))], ['close:1002']],
    ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999].map(c => [`close with ${c}`, [close(c)], [`close:${c}`]]),
    ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535].map(c => [`close with ${c}, which may not be sent`, [close(c)], ['close:1002']]),
    ['nothing behind a close is answered', [Buffer.concat([end, text('late'), ping('late')])], ['close:1000']],
    ['two closes', [Buffer.concat([end, end])], ['close:1000']],
];

// With permessage-deflate.
const packedRows = [
    ['a compressed message', [packed('hello hello hello'), end], ['t:hello hello hello', 'close:1000']],
    ['a plain one beside it', [packed('a'), text('b'), packed('c'), end], ['t:a', 't:b', 't:c', 'close:1000']],
    ['an empty one', [frame(FIN | RSV1 | TEXT, Buffer.from([0])), end], ['t:', 'close:1000']],
    ['long ones come back whole', [packed(hangul.repeat(2000)), end], [`t:${hangul.repeat(2000)}`, 'close:1000']],
    ['compressed binary', [frame(FIN | RSV1 | BINARY, deflated(Buffer.alloc(3000, 7))), end], [`b:${'07'.repeat(3000)}`, 'close:1000']],
    ['compressed and in fragments', [frame(RSV1 | TEXT, deflated('abcabcabc').subarray(0, 3)), frame(FIN | CONT, deflated('abcabcabc').subarray(3)), end], ['t:abcabcabc', 'close:1000']],
    ['in blocks that are stored', [frame(FIN | RSV1 | TEXT, zlib.deflateRawSync('stored', { level: 0, finishFlush: zlib.constants.Z_SYNC_FLUSH }).subarray(0, -4)), end], ['t:stored', 'close:1000']],
    ['ended by a final block', [frame(FIN | RSV1 | TEXT, Buffer.concat([zlib.deflateRawSync('final'), Buffer.from([0])])), end], ['t:final', 'close:1000']],
    ['the bit on a continuation', [frame(RSV1 | TEXT, deflated('abc').subarray(0, 2)), frame(FIN | RSV1 | CONT, deflated('abc').subarray(2))], ['close:1002']],
    ['the bit on a ping', [frame(FIN | RSV1 | PING, 'a')], ['close:1002']],
    ['another reserved bit', [frame(FIN | RSV2 | TEXT, 'a')], ['close:1002']],
    ['no deflate at all', [frame(FIN | RSV1 | TEXT, Buffer.from([0xff, 0xff, 0xff, 0xff]))], ['close:1007']],
    ['a broken stream', [frame(FIN | RSV1 | TEXT, Buffer.concat([deflated(long(500)).subarray(0, 5), Buffer.from([0xff, 0x12, 0x34])]))], ['close:1007']],
    ['not UTF-8 within', [packed(Buffer.from([0xff, 0xfe]))], ['close:1007']],
    ['a bomb', [frame(FIN | RSV1 | TEXT, deflated(Buffer.alloc(100 << 20, 0x61)))], ['close:1009']],
    ['a bomb in fragments', [frame(RSV1 | TEXT, deflated(Buffer.alloc(60 << 20, 0x61)).subarray(0, 100)), frame(FIN | CONT, deflated(Buffer.alloc(60 << 20, 0x61)).subarray(100))], ['close:1009']],
];

// The handshake: fields that are changed, and the answer.
const handshakes = [
    ['as the RFC has it', {}, 101], ['the header names in capitals', { UPGRADE: 'websocket', Upgrade: null }, 101], ['WebSocket in capitals', { Upgrade: 'WEBSOCKET' }, 101], ['upgrade among others', { Connection: 'keep-alive, Upgrade' }, 101], ['websocket among others', { Upgrade: 'h2c, websocket' }, 101],
    ['no Upgrade', { Upgrade: null }, 426], ['another Upgrade', { Upgrade: 'h2c' }, 426], ['no Connection', { Connection: null }, 426], ['another Connection', { Connection: 'keep-alive' }, 426],
    ['no version', { 'Sec-WebSocket-Version': null }, 426], ['version 8', { 'Sec-WebSocket-Version': '8' }, 426], ['version 13, 8', { 'Sec-WebSocket-Version': '13, 8' }, 426], ['version 14', { 'Sec-WebSocket-Version': '14' }, 426], ['version x', { 'Sec-WebSocket-Version': 'x' }, 426],
    ['no key', { 'Sec-WebSocket-Key': null }, 400], ['an empty key', { 'Sec-WebSocket-Key': '' }, 400], ['a short key', { 'Sec-WebSocket-Key': 'dGhl' }, 400], ['a long key', { 'Sec-WebSocket-Key': `${KEY}AA==` }, 400], ['a key that is no base64', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25j!!==' }, 400], ['two keys', { 'Sec-WebSocket-Key': [KEY, KEY] }, '400|101'],
    ['a body', { 'Content-Length': '3' }, 426], ['no Host', { Host: null }, 400], ['a page of ours', { Origin: 'http://localhost:8099' }, 101], ['another page', { Origin: 'https://evil.example' }, 403], ['an opaque page', { Origin: 'null' }, 403],
    ['another protocol is not promised', { 'Sec-WebSocket-Protocol': 'chat' }, 101, { 'sec-websocket-protocol': undefined }], ['the one we speak', { 'Sec-WebSocket-Protocol': 'chat, madang.v1' }, 101, { 'sec-websocket-protocol': 'madang.v1' }],
    ['an unknown extension is not promised', { 'Sec-WebSocket-Extensions': 'x-shrink' }, 101, { 'sec-websocket-extensions': undefined }], ['deflate', DEFLATE, 101, { 'sec-websocket-extensions': /^permessage-deflate/ }],
    ['deflate with an unknown parameter', { 'Sec-WebSocket-Extensions': 'permessage-deflate; x=1' }, 101, { 'sec-websocket-extensions': undefined }], ['deflate with window bits of 7', { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits=7' }, 101, { 'sec-websocket-extensions': undefined }],
    ['deflate with window bits of 16', { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_max_window_bits=16' }, 101, { 'sec-websocket-extensions': undefined }], ['deflate with a valued flag', { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_no_context_takeover=1' }, 101, { 'sec-websocket-extensions': undefined }],
    ['the second offer', { 'Sec-WebSocket-Extensions': 'permessage-deflate; x=1, permessage-deflate' }, 101, { 'sec-websocket-extensions': /^permessage-deflate/ }],
    ...['server_no_context_takeover; server_no_context_takeover', 'client_max_window_bits; client_max_window_bits=12', 'server_max_window_bits=12; x=1; server_max_window_bits=12', 'server_max_window_bits=012'].map(x => [`deflate with ${x}`, { 'Sec-WebSocket-Extensions': `permessage-deflate; ${x}` }, 101, { 'sec-websocket-extensions': undefined }]),
    ['deflate with all its parameters', { 'Sec-WebSocket-Extensions': 'permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; client_max_window_bits' }, 101, { 'sec-websocket-extensions': /^permessage-deflate/ }],
    ['two keys', { 'Sec-WebSocket-Key': [KEY, KEY] }, 400], ['two versions', { 'Sec-WebSocket-Version': ['13', '13'] }, 400], ['two origins', { Origin: ['http://localhost:8099', 'https://evil.example'] }, 400],
    ['Connection in two lines', { Connection: ['keep-alive', 'Upgrade'] }, 101], ['extensions in two lines', { 'Sec-WebSocket-Extensions': ['x-shrink', 'permessage-deflate'] }, 101, { 'sec-websocket-extensions': /^permessage-deflate/ }],
];

const show = list => JSON.stringify(list.map(x => x.length > 60 ? `${x.slice(0, 60)}… (${x.length})` : x));
async function talk(pieces, wanted, head, stays) {
    const r = await exchange(node.port, [head, 30, ...pieces], { quiet: stays ? 250 : 15000, limit: 15000 }), got = read(r.bytes);
    assert.equal(got.status, 101, got.head);
    assert.deepEqual(got.out, wanted, `${show(got.out)} for ${show(wanted)}`);
    assert.ok(!got.masked && !got.rsv, 'our frames are unmasked and clean');
    assert.equal(r.closed, !stays, 'the server ends the connection');
}

test('RFC 6455', async t => {
    assert.ok(frames.length + packedRows.length + handshakes.length >= 150);
    await each(t, 24, frames, ([, pieces, wanted, { stays } = {}]) => talk(pieces, wanted, upgrade(), stays));
});
test('RFC 7692', async t => { await each(t, 8, packedRows, ([, pieces, wanted]) => talk(pieces, wanted, upgrade(DEFLATE))); });
test('handshakes', async t => {
    await each(t, 16, handshakes, async ([, fields, status, headers]) => {
        const [r] = answers((await exchange(node.port, upgrade(fields), { quiet: 150 })).bytes), found = r.headers;
        assert.ok(String(status).split('|').includes(String(r.status)), JSON.stringify(r));
        if (r.status === 101) assert.equal(found['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
        if (r.status === 426) assert.equal(found['sec-websocket-version'], '13');
        for (const [k, v] of Object.entries(headers ?? {})) if (v instanceof RegExp) assert.match(found[k] ?? '', v); else assert.equal(found[k], v);
    });
});
