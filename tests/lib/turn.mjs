// A real coturn on the loopback address, with time-limited credentials.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import fs from 'node:fs';
import { at, until } from './daemon.mjs';
import { start } from './process.mjs';

export class Turn {
    constructor(port, secret) { Object.assign(this, { port, secret, log: '' }); }
    async start() {
        this.process = start('turnserver', ['-n', '--listening-ip', '127.0.0.1', '--relay-ip', '127.0.0.1', '--listening-port', String(this.port), '--use-auth-secret', '--static-auth-secret', this.secret, '--realm', 'test',
            '--fingerprint', '--no-tls', '--no-dtls', '--no-cli', '--allow-loopback-peers', '--log-file', 'stdout', '--verbose', '--userdb', `${at}/turn-${this.port}.db`, '--pidfile', '/dev/null'], { stdio: ['ignore', 'pipe', 'pipe'] });
        this.exited = new Promise(r => this.process.on('exit', r));
        for (const out of [this.process.stdout, this.process.stderr]) out.on('data', d => { this.log += d; });
        await until('coturn', async () => { return /UDP listener opened/.test(this.log); }, 10000);
        return this;
    }
    get urls() { return `turn:127.0.0.1:${this.port}?transport=udp,turn:127.0.0.1:${this.port}?transport=tcp`; }
    // Allocates with coturn's own client, and sends itself a packet through it; false when it is refused.
    async use(username, credential) {
        try {
            const { stdout } = await promisify(execFile)('turnutils_uclient', ['-y', '-c', '-n', '1', '-u', username, '-w', credential, '-p', String(this.port), '127.0.0.1'], { timeout: 10000 });
            return /Total lost packets 0/.test(stdout) || stdout;
        } catch (e) { return e.killed ? `${e.stdout}` : false; }
    }
    async stop() { this.process.kill('SIGTERM'); await this.exited; fs.rmSync(`${at}/turn-${this.port}.db`, { force: true }); }
}
