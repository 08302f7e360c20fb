// A name server that does not answer, for one daemon alone: its own /etc/resolv.conf, mounted over the machine's in a mount namespace.
import { execFileSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import dgram from 'node:dgram';
import fs from 'node:fs';
import path from 'node:path';

// Why not, or false.
export function cannotMount() {
    try { execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' }); return false; } catch { return 'unshare -m is not allowed here: it needs root'; }
}

// A daemon's own /etc/hosts: where each name leads.
export function ownHosts(folder, names) {
    const file = path.join(folder, 'hosts');
    fs.writeFileSync(file, `127.0.0.1 localhost\n${Object.entries(names).flatMap(([name, all]) => all.map(a => `${a} ${name}\n`)).join('')}`);
    return ['unshare', '-m', 'sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', file];
}

export class SilentNames {
    asked = 0;
    async start(folder) {
        const at = `127.${randomInt(2, 250)}.${randomInt(2, 250)}.53`;
        this.socket = dgram.createSocket('udp4').on('message', () => { this.asked++; });
        await new Promise((r, e) => this.socket.on('error', e).bind(53, at, r));
        this.file = path.join(folder, 'resolv.conf');
        fs.writeFileSync(this.file, `nameserver ${at}\n`);
        this.wrap = ['unshare', '-m', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', this.file];
        return this;
    }
    stop() { return new Promise(r => this.socket.close(r)); }
}
