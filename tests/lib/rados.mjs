// A real S3 server: Ceph's gateway over one monitor and one OSD in memory, all on loopback.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { until } from './daemon.mjs';
import { freePort } from './ports.mjs';
import { start } from './process.mjs';


export class Rados {
    // Ceph now and then does not come up on ports that were free a moment ago: up to three attempts, each with its own, and more
    // patient than the one before, for the machine may be busy.
    async start(at) {
        for (let i = 1; ; i++) {
            try { return await this.attempt(`${at}/${i}`, 30000 * i); } catch (e) {
                await this.stop();
                if (i === 3) throw e;
            }
        }
    }
    async attempt(at, patience) {
        this.at = at;
        this.processes = [];
        fs.mkdirSync(`${at}/mon`, { recursive: true });
        fs.mkdirSync(`${at}/osd`);
        fs.mkdirSync(`${at}/rgw`);
        const mon = await freePort(), fsid = randomUUID(), osd = randomUUID();
        this.port = await freePort();
        this.key = 'TESTACCESSKEY';
        this.secret = 'a/secret+of=the/tests';
        fs.writeFileSync(`${at}/ceph.conf`, `[global]
fsid = ${fsid}
mon initial members = a
mon host = [v1:127.0.0.1:${mon}]
auth cluster required = none
auth service required = none
auth client required = none
auth allow insecure global id reclaim = true
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
mon allow pool size one = true
mon warn on pool no redundancy = false
osd crush chooseleaf type = 0
osd objectstore = memstore
memstore device bytes = 536870912
ms bind ipv6 = false
public addr = 127.0.0.1
mon data = ${at}/mon
osd data = ${at}/osd
rgw data = ${at}/rgw
run dir = ${at}
log file = ${at}/$name.log
admin socket = ${at}/$name.asok
pid file = ${at}/$name.pid
keyring = ${at}/keyring
rgw frontends = beast endpoint=127.0.0.1:${this.port}
rgw dns name = localhost
`);
        const c = ['--conf', `${at}/ceph.conf`], run = (tool, ...args) => execFileSync(tool, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 60000 });
        run('monmaptool', '--create', '--clobber', '--addv', 'a', `[v1:127.0.0.1:${mon}]`, '--fsid', fsid, `${at}/monmap`);
        run('ceph-mon', ...c, '--mkfs', '-i', 'a', '--monmap', `${at}/monmap`);
        this.processes.push(start('ceph-mon', [...c, '-i', 'a', '-f'], { stdio: 'ignore' }));
        await until('the monitor', () => { run('ceph', ...c, '--connect-timeout', '5', 'mon', 'stat'); return true; }, 30000);
        run('ceph', ...c, 'osd', 'new', osd);
        run('ceph-osd', ...c, '-i', '0', '--mkfs', '--osd-uuid', osd);
        this.processes.push(start('ceph-osd', [...c, '-i', '0', '-f'], { stdio: 'ignore' }));
        run('ceph', ...c, 'osd', 'crush', 'add', 'osd.0', '1', 'root=default');
        await until('the OSD', () => String(run('ceph', ...c, 'osd', 'stat')).includes('1 up'), patience);
        run('radosgw-admin', ...c, 'user', 'create', '--uid=tests', '--display-name=tests', `--access-key=${this.key}`, `--secret=${this.secret}`);
        this.processes.push(start('radosgw', [...c, '-n', 'client.rgw', '-f'], { stdio: 'ignore' }));
        await until('the gateway', async () => (await fetch(`http://127.0.0.1:${this.port}/`)).ok, 40000);
        return this;
    }
    async stop() {
        for (const p of this.processes.reverse()) { p.kill('SIGKILL'); if (p.exitCode === null && p.signalCode === null) await new Promise(r => p.on('exit', r)); }
        fs.rmSync(this.at, { recursive: true, force: true });
    }
}
