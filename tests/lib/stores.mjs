// A Postgres and a Redis of one's own, to be stopped, frozen and killed.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { until } from './daemon.mjs';
import { start } from './process.mjs';

const base = process.env.MADANG_TEST_STORES;
const bin = fs.readdirSync('/usr/lib/postgresql').sort((a, b) => b - a).map(v => `/usr/lib/postgresql/${v}/bin`)[0];
const root = process.getuid() === 0;
const asPostgres = args => root ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--', ...args]] : [args[0], args.slice(1)];
const run = args => { const [c, a] = asPostgres(args); return execFileSync(c, a, { stdio: ['ignore', 'pipe', 'pipe'] }); };

// Stops a process, and waits until it stands, or lets it go on.
function signal(pid, stop) {
    const state = () => { try { return fs.readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/.*\) /s, '')[0]; } catch { return 'T'; } };
    try { process.kill(pid, stop ? 'SIGSTOP' : 'SIGCONT'); } catch { return; /* a worker that ended meanwhile */ }
    for (let i = 0; stop && state() !== 'T' && i < 1e5; i++);
}

export class Stores {
    bin = `${bin}/postgres`;
    async start() {
        this.at = path.join(base, `s-${randomBytes(3).toString('hex')}`);
        fs.mkdirSync(this.at, { recursive: true });
        if (root) execFileSync('chown', ['postgres:', this.at]);
        run([`${bin}/initdb`, '-D', `${this.at}/pg`, '-U', 'madang', '--auth=trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync']);
        await this.startPostgres();
        await this.startRedis();
        return this;
    }
    async startPostgres(...more) { // more: settings, as "-c", "name=value"
        const [c, a] = asPostgres([`${bin}/postgres`, '-D', `${this.at}/pg`, '-k', this.at, '-c', 'listen_addresses=', '-c', 'max_connections=100', ...more]);
        const log = fs.openSync(`${this.at}/pg.log`, 'a');
        this.postgres = start(c, a, { stdio: ['ignore', log, log] });
        fs.closeSync(log);
        await until('Postgres', () => { execFileSync('psql', ['-h', this.at, '-U', 'madang', '-d', 'postgres', '-Atqc', 'select 1'], { stdio: 'ignore', timeout: 10000 }); return true; }, 60000)
            .catch(e => { throw new Error(`${e.message}\n${this.log()}`); });
    }
    async startRedis() {
        this.redis = start('redis-server', ['--port', '0', '--unixsocket', `${this.at}/redis.sock`, '--save', '', '--appendonly', 'no', '--dir', this.at], { stdio: 'ignore' });
        await until('Redis', () => this.cli('ping').includes('PONG'));
    }
    log() { return fs.readFileSync(`${this.at}/pg.log`, 'utf8').slice(-3000); }
    cli(...args) { return String(execFileSync('redis-cli', ['-s', `${this.at}/redis.sock`, ...args], { stdio: ['ignore', 'pipe', 'ignore'] })); }
    environment(database) { return { MADANG_PG_URL: `postgresql://madang@/${database}?host=${this.at}`, MADANG_REDIS_URL: `redis+unix://${this.at}/redis.sock` }; }
    ended(p) { return p.exitCode !== null || p.signalCode !== null ? Promise.resolve() : new Promise(r => p.on('exit', r)); }
    async killRedis() { this.redis.kill('SIGKILL'); await this.ended(this.redis); fs.rmSync(`${this.at}/redis.sock`, { force: true }); }
    // The postmaster and all its children, at once.
    async killPostgres() {
        const pids = String(execFileSync('pgrep', ['-P', String(this.postmaster())])).split('\n').filter(Boolean).map(Number);
        for (const pid of [this.postmaster(), ...pids]) { try { process.kill(pid, 'SIGKILL'); } catch { /* gone already */ } }
        await this.ended(this.postgres);
        fs.rmSync(`${this.at}/pg/postmaster.pid`, { force: true });
    }
    postmaster() { return Number(fs.readFileSync(`${this.at}/pg/postmaster.pid`, 'utf8').split('\n')[0]); }
    freeze(which, on) {
        const first = which === 'redis' ? this.redis.pid : this.postmaster();
        signal(first, on);
        if (which === 'redis') return; // the postmaster first: once it stands still its children are all there are
        for (const pid of String(execFileSync('pgrep', ['-P', String(first)])).split('\n').filter(Boolean).map(Number)) signal(pid, on);
    }
    async stop() {
        this.redis.kill('SIGKILL');
        await this.ended(this.redis);
        try { run([`${bin}/pg_ctl`, '-D', `${this.at}/pg`, '-m', 'immediate', '-w', 'stop']); } catch { /* stopped already */ }
        await this.ended(this.postgres);
        fs.rmSync(this.at, { recursive: true, force: true });
    }
}
