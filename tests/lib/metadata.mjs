// What a picture's file says beside the picture, read by hand, and how large it says it is.
export function read(bytes) {
    const head = bytes.subarray(0, 12).toString('latin1');
    if (head.startsWith('\xff\xd8')) return jpeg(bytes);
    if (head.startsWith('\x89PNG')) return png(bytes);
    if (head.startsWith('GIF8')) return gif(bytes);
    if (head.startsWith('RIFF') && head.endsWith('WEBP')) return webp(bytes);
    throw new Error(`no picture: ${head}`);
}
function jpeg(b) {
    const out = { blocks: [] };
    for (let i = 2; i < b.length;) {
        const marker = b[i + 1], length = b.readUInt16BE(i + 2);
        if (marker >= 0xe1 && marker <= 0xef || marker === 0xfe) out.blocks.push(`APP${marker - 0xe0}`);
        if (marker >= 0xc0 && marker <= 0xc2) Object.assign(out, { height: b.readUInt16BE(i + 5), width: b.readUInt16BE(i + 7), bands: b[i + 9] });
        if (marker === 0xda) break;
        i += 2 + length;
    }
    return out;
}
function png(b) {
    const out = { blocks: [], width: b.readUInt32BE(16), height: b.readUInt32BE(20), bits: b[24], kind: b[25] };
    for (let i = 8; i < b.length; i += 12 + b.readUInt32BE(i)) {
        const name = b.toString('latin1', i + 4, i + 8);
        if (!['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND', 'pHYs', 'bKGD'].includes(name)) out.blocks.push(name);
    }
    return out;
}
function webp(b) {
    const out = { blocks: [], frames: 0 };
    for (let i = 12; i + 8 <= b.length;) {
        const name = b.toString('latin1', i, i + 4), length = b.readUInt32LE(i + 4), at = i + 8;
        if (name === 'VP8X') Object.assign(out, { width: 1 + b.readUIntLE(at + 4, 3), height: 1 + b.readUIntLE(at + 7, 3) });
        if (name === 'VP8 ' && !out.width) Object.assign(out, { width: b.readUInt16LE(at + 6) & 0x3fff, height: b.readUInt16LE(at + 8) & 0x3fff });
        if (name === 'VP8L' && !out.width) { const n = b.readUInt32LE(at + 1); Object.assign(out, { width: 1 + (n & 0x3fff), height: 1 + (n >>> 14 & 0x3fff) }); }
        if (name === 'ANMF') out.frames++;
        if (!['VP8X', 'VP8 ', 'VP8L', 'ALPH', 'ANIM', 'ANMF'].includes(name)) out.blocks.push(name);
        i = at + length + length % 2;
    }
    return out;
}
function gif(b) {
    const out = { blocks: [], width: b.readUInt16LE(6), height: b.readUInt16LE(8), frames: 0 };
    const skip = i => { while (b[i]) i += b[i] + 1; return i + 1; };
    for (let i = 13 + (b[10] & 0x80 ? 3 << (b[10] & 7) + 1 : 0); i < b.length && b[i] !== 0x3b;) {
        if (b[i] === 0x2c) { out.frames++; i = skip(i + 11 + (b[i + 9] & 0x80 ? 3 << (b[i + 9] & 7) + 1 : 0)); continue; }
        if (b[i + 1] === 0xfe) out.blocks.push('comment');
        if (b[i + 1] === 0xff && b.toString('latin1', i + 3, i + 11) !== 'NETSCAPE') out.blocks.push(b.toString('latin1', i + 3, i + 14));
        i = skip(i + 2);
    }
    return out;
}
