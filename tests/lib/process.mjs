// Processes that a test starts, and that never outlive it: whatever happened to the test, they are killed when its file ends.
import { spawn } from 'node:child_process';

const running = new Set();
process.on('exit', () => { for (const p of running) p.kill('SIGKILL'); });
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => process.exit(1));

// As spawn of node:child_process. Do not let it inherit our standard error: who reads that waits for all who hold it.
export function start(command, args, options = {}) {
    const p = spawn(command, args, options);
    running.add(p);
    p.on('exit', () => running.delete(p)).on('error', () => running.delete(p));
    p.ended = new Promise(r => p.on('exit', (code, signal) => r({ code, signal })).on('error', r));
    return p;
}

// Each in turn, whatever became of the one before; the first that failed is thrown.
export async function all(...ends) {
    const failed = [];
    for (const end of ends) { try { await end?.(); } catch (e) { failed.push(e); } }
    if (failed.length) throw failed[0];
}
