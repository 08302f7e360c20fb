// A misbehaving proxy in front of a store or a node: it stands at a Unix socket or port of its own and passes bytes on, late, changed (`spoil`),
// or not at all.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

export class Proxy {
    // at: where it listens, a path or a port (0: any); to: the real one. silent: swallows everything, and closes nothing; deaf: what is answered.
    constructor(at, to) { Object.assign(this, { at, to, delay: 0, pairs: new Set(), held: null }); }
    async start() {
        if (typeof this.at === 'string') fs.mkdirSync(path.dirname(this.at), { recursive: true });
        this.server = net.createServer(s => setTimeout(() => this.join(s), this.delay));
        await new Promise((r, e) => this.server.on('error', e).listen(this.at, r));
        ({ port: this.port } = this.server.address());
        return this;
    }
    join(near) {
        const far = net.connect(this.to), pair = { near, far };
        this.pairs.add(pair);
        const end = () => { this.pairs.delete(pair); near.destroy(); far.destroy(); };
        for (const s of [near, far]) s.on('error', end).on('close', end);
        near.on('data', d => this.asked(pair, d));
        far.on('data', d => this.answered(pair, d));
    }
    asked(pair, bytes) {
        if (this.silent) return;
        if (this.loses && bytes.includes(this.loses)) { this.loses = null; pair.deaf = true; this.lost = (this.lost ?? 0) + 1; }
        pair.far.write(bytes);
    }
    // A pair whose answer is to be lost: the store has done it, and the connection ends instead of telling.
    answered(pair, bytes) {
        if (this.silent || this.deaf) return;
        if (pair.deaf) return void pair.near.destroy();
        pair.near.write(this.spoil ? this.spoil(bytes) : bytes);
    }
    loseAnswerTo(text) { this.loses = Buffer.from(text); }
    reset() { for (const p of this.pairs) p.near.destroy(); }
    stop() { this.reset(); return new Promise(r => this.server.close(r)); }
}
