// Ports of this machine that nobody else is given: from when one is chosen until it is listened on, and while what listens is restarted.
import net from 'node:net';

// All below those that the kernel gives to whoever connects (ip_local_port_range begins at 32768). A block of them is whose process
// listens on its first port: the kernel sees to it that there is one, and that the block is free when the process is gone.
const FROM = 10240, SIZE = 16, BLOCKS = 1400;
const listen = port => new Promise((resolve, reject) => { const s = net.createServer().on('error', reject).listen(port, '127.0.0.1', () => resolve(s)); });
const unlessTaken = e => { if (e.code !== 'EADDRINUSE') throw e; };

let next = 0, end = 0, turn = Promise.resolve();

async function block() {
    for (;;) {
        const first = FROM + SIZE * Math.floor(Math.random() * BLOCKS);
        try {
            (await listen(first)).unref();
            [next, end] = [first + 1, first + SIZE];
            return;
        } catch (e) { unlessTaken(e); }
    }
}
async function take() {
    for (;;) {
        if (next === end) await block();
        const port = next++;
        try {
            const s = await listen(port); // something that is no test of ours may have it
            await new Promise(r => s.close(r));
            return port;
        } catch (e) { unlessTaken(e); }
    }
}
export function freePort() { return turn = turn.then(take); }
