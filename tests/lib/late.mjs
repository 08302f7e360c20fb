// Holds back the answers that a page asks for, at both doors, while events pass; or answers itself that there is a problem. Meanwhile
// the line is heard of: on a busy machine a test may hold an answer longer than a client takes a silent line for alive.
import { until } from './daemon.mjs';

export class Late {
    static async of(page) {
        const late = new Late();
        Object.assign(late, { page, held: [], heard: [], log: [], only: null, refused: new Map(), sockets: new Set(), isCut: false });
        await page.routeWebSocket(/\/ws$/, ws => {
            if (late.isCut) { ws.close(); return; }
            late.sockets.add(ws);
            const alive = setInterval(() => { if (late.held.length) ws.send('{"ev":"late.alive","data":{}}'); }, 1000).unref();
            const server = ws.connectToServer(), ops = new Map([[0, 'session.open']]);
            ws.onClose((code, reason) => { clearInterval(alive); late.sockets.delete(ws); server.close({ code, reason }); });
            ws.onMessage(text => {
                const { op, id } = JSON.parse(text);
                ops.set(id, op);
                late.log.push(`> ${op}`);
                if (late.refused.has(op)) ws.send(JSON.stringify({ id, problem: late.refused.get(op) }));
                else server.send(text);
            });
            server.onMessage(text => {
                const m = JSON.parse(text);
                if (m.ev) late.heard.push(m);
                late.log.push(m.ev ? `! ${m.ev} ${m.on}` : `< ${ops.get(m.id)}${m.problem ? ` ${m.problem.code}` : ''}`);
                m.ev ? ws.send(text) : late.pass(ops.get(m.id), () => ws.send(text));
            });
        });
        await page.route(/\/api\/v1\//, async route => {
            if (late.isCut) { await route.abort(); return; }
            late.log.push(`> ${route.request().method()} ${route.request().url()}`);
            const response = await route.fetch();
            late.pass(new URL(route.request().url()).pathname, () => route.fulfill({ response }).catch(() => {}));
        });
        return late;
    }
    // only: the call's name, or its path; they are held until let go.
    hold(only) { this.log.push(`holding ${only}`); Object.assign(this, { only, held: [], heard: [] }); }
    pass(what, go) { this.only && what?.startsWith(this.only) ? this.held.push(go) : go(); }
    // Until there is no problem any more (over the socket alone).
    refuse(op, problem) { problem ? this.refused.set(op, problem) : this.refused.delete(op); }
    // No network, and one again.
    cut(yes) {
        this.isCut = yes;
        if (!yes) return;
        for (const ws of this.sockets) ws.close();
        this.sockets.clear();
    }
    holds(count = 1) { return until(`${count} answers to ${this.only}`, () => this.held.length >= count, 20000); }
    hears(name, check = () => true) {
        return until(`event ${name}`, () => this.heard.some(e => e.ev === name && check(e)), 20000).catch(e => { throw new Error(`${e.message}\n${this.log.slice(-40).join('\n')}`); });
    }
    // The last asked for is answered first.
    letGo() { this.only = null; for (const go of this.held.splice(0).reverse()) go(); }
}
