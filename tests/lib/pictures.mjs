// Pictures made by the tests themselves.
import { randomBytes } from 'node:crypto';
import zlib from 'node:zlib';

const table = Array.from({ length: 256 }, (_, n) => { let c = n; for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1; return c >>> 0; });
const crc = b => { let c = 0xffffffff; for (const x of b) c = table[(c ^ x) & 255] ^ (c >>> 8); return (c ^ 0xffffffff) >>> 0; };
function chunk(type, data) {
    const body = Buffer.concat([Buffer.from(type), data]), out = Buffer.alloc(body.length + 8);
    out.writeUInt32BE(data.length);
    body.copy(out, 4);
    out.writeUInt32BE(crc(body), body.length + 4);
    return out;
}
const header = (w, h) => { const b = Buffer.alloc(13); b.writeUInt32BE(w); b.writeUInt32BE(h, 4); b[8] = 8; b[9] = 2; return b; };

const pack = (w, h, raw, extra = []) => Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header(w, h)), ...extra.map(([t, d]) => chunk(t, Buffer.from(d))), chunk('IDAT', zlib.deflateSync(raw)), chunk('IEND', Buffer.alloc(0))]);

export function png(w, h, extra) {
    const raw = Buffer.alloc((w * 3 + 1) * h);
    for (let y = 0; y < h; y++) for (let x = 0; x < w; x++) { const o = y * (w * 3 + 1) + 1 + x * 3; raw[o] = 40 + x * 160 / w; raw[o + 1] = 120 + y * 100 / h; raw[o + 2] = 90; }
    return pack(w, h, raw, extra);
}
// PNG's other kinds: bits a sample, and 0 grey, 2 colours, 3 palette, 4 grey with alpha, 6 colours with alpha.
export function pngOf(w, h, bits, kind, extra = []) {
    const samples = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }[kind], row = 1 + w * samples * bits / 8, raw = Buffer.alloc(row * h), head = header(w, h);
    for (let i = 0; i < raw.length; i++) raw[i] = i % row === 0 ? 0 : kind === 3 ? i % 4 : (i * 7) & 255;
    head[8] = bits;
    head[9] = kind;
    const palette = kind === 3 ? [chunk('PLTE', Buffer.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])), chunk('tRNS', Buffer.from([255, 128, 255, 255]))] : [];
    return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), ...extra.map(([t, d]) => chunk(t, Buffer.from(d))), ...palette, chunk('IDAT', zlib.deflateSync(raw)), chunk('IEND', Buffer.alloc(0))]);
}
// Two pictures of 4×4 one after the other, with a comment.
export function gif(comment) {
    const sub = b => Buffer.concat([Buffer.from([b.length]), b, Buffer.from([0])]), frame = Buffer.concat([Buffer.from([0x21, 0xf9, 4, 0, 10, 0, 0, 0, 0x2c, 0, 0, 0, 0, 4, 0, 4, 0, 0, 2]), sub(Buffer.from([0x84, 0x8f, 0x09, 0x17, 0x05]))]);
    return Buffer.concat([Buffer.from('GIF89a', 'latin1'), Buffer.from([4, 0, 4, 0, 0x80, 0, 0, 255, 0, 0, 0, 0, 255]), Buffer.from([0x21, 0xff, 11]), Buffer.from('NETSCAPE2.0', 'latin1'), sub(Buffer.from([1, 0, 0])), Buffer.from([0x21, 0xfe]), sub(Buffer.from(comment)), frame, frame, Buffer.from([0x3b])]);
}
// Noise, which no encoder makes small.
export function noise(w, h) {
    const raw = randomBytes((w * 3 + 1) * h);
    for (let y = 0; y < h; y++) raw[y * (w * 3 + 1)] = 0;
    return pack(w, h, raw);
}
// A head that promises more pixels than anybody should decode.
export const pngBomb = (w, h) => Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', header(w, h)), chunk('IDAT', zlib.deflateSync(Buffer.alloc(64))), chunk('IEND', Buffer.alloc(0))]);
