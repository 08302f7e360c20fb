// An SMTP server that says what the test wants: `answer(command, line, server)` gives a reply or nothing for the usual one. `delay`: ms before
// each reply; `silent`: a command after which it says nothing any more.
import net from 'node:net';

const usual = { '': '220 fake ESMTP', EHLO: '250 fake', HELO: '250 fake', MAIL: '250 2.1.0 ok', RCPT: '250 2.1.5 ok', DATA: '354 go on', '.': '250 2.0.0 taken', QUIT: '221 2.0.0 bye', RSET: '250 ok' };

export class Smtp {
    constructor(how = {}) { Object.assign(this, { delay: 0, answer: () => {}, silent: null, commands: [], letters: [], sockets: new Set() }, how); }
    async start() {
        this.server = net.createServer(s => this.talk(s));
        await new Promise(r => this.server.listen(0, '127.0.0.1', r));
        this.url = `smtp://127.0.0.1:${this.server.address().port}`;
        return this;
    }
    stop() { for (const s of this.sockets) s.destroy(); return new Promise(r => this.server.close(r)); }
    said(command) { return this.commands.filter(c => c.startsWith(command)); }
    talk(s) {
        let rest = '', text = null, to;
        this.sockets.add(s);
        s.on('close', () => this.sockets.delete(s)).on('error', () => {});
        const reply = (command, line) => {
            if (s.deaf ||= this.silent === command) return;
            const what = this.answer(command, line, this) ?? usual[command] ?? '500 5.5.2 what?';
            setTimeout(() => { if (!s.destroyed) s.write(what + '\r\n'); if (command === 'QUIT' || what.startsWith('421')) s.end(); }, this.delay);
        };
        const take = line => {
            if (text !== null) {
                if (line !== '.') { text += line.replace(/^\./, '') + '\r\n'; return; }
                this.letters.push({ to, text });
                text = null;
                reply('.', line);
                return;
            }
            const command = line.split(' ')[0].toUpperCase();
            this.commands.push(line);
            if (command === 'RCPT') to = /<(.*)>/.exec(line)?.[1];
            if (command === 'DATA' && !(this.answer(command, line, this) ?? '354').startsWith('5')) text = '';
            reply(command, line);
        };
        s.on('data', d => { rest += d; for (let i; (i = rest.indexOf('\r\n')) >= 0; rest = rest.slice(i + 2)) take(rest.slice(0, i)); });
        reply('', '');
    }
}
