// Language models as they answer in streams: CLOVA Studio v1 and v3, and OpenAI's dialect. What is said, how it is cut and what goes
// wrong is the test's: `answers` are taken one a request; each is { words, … }, { raw: bytes, type } or a function of the request.
import http from 'node:http';

const sleep = ms => new Promise(r => setTimeout(r, ms));

export class Llm {
    constructor({ key = 'nv-test-key' } = {}) {
        Object.assign(this, { key, answers: [], requests: [], open: 0, gone: 0 });
        this.otherwise = { words: ['음, ', '그렇', '군요.'] };
        this.server = http.createServer((q, r) => this.take(q, r).catch(() => r.destroy()));
    }
    async start() {
        await new Promise(r => this.server.listen(0, '127.0.0.1', r));
        this.url = `http://127.0.0.1:${this.server.address().port}`;
        return this;
    }
    stop() { this.server.closeAllConnections(); return new Promise(r => this.server.close(r)); }

    async take(q, r) {
        let text = '';
        for await (const d of q) text += d;
        const body = JSON.parse(text), request = { path: q.url, headers: q.headers, body, at: Date.now() };
        this.requests.push(request);
        const clova = /^(\/\w+)?\/(v1|v3)\/chat-completions\//.exec(q.url), answer = this.answers.shift() ?? this.otherwise;
        if (q.headers.authorization !== `Bearer ${this.key}`) return this.refuse(r, clova, 401, '40100');
        const how = typeof answer === 'function' ? answer(request) : answer;
        if (how.status) return this.refuse(r, clova, how.status, how.code ?? String(how.status * 100), how.headers);
        this.open++;
        r.on('close', () => { this.open--; if (!r.writableFinished) this.gone = Date.now(); });
        if (how.slow) await sleep(how.slow);
        r.writeHead(200, { 'content-type': how.type ?? 'text/event-stream;charset=UTF-8' });
        if (how.raw) { for (let i = 0; i < how.raw.length; i += how.cut ?? how.raw.length) { r.write(how.raw.subarray(i, i + (how.cut ?? how.raw.length))); await sleep(0); } return void r.end(); }
        await this.speak(r, clova?.[2], how);
    }
    refuse(r, clova, status, code, headers = {}) {
        r.writeHead(status, { 'content-type': 'application/json', ...headers });
        r.end(JSON.stringify(clova ? { status: { code, message: 'no' }, result: null } : { error: { message: 'no', type: null, param: null, code } }));
    }
    // cut: bytes a write; line: '\n', '\r\n' or '\r'; gap: ms between events; silent: stops there and stays open; broken: … and hangs up;
    // error: a code instead of the end; noSignal, noResult; noise: comments, ids, unknown events between.
    async speak(r, version, { words = [], cut = 0, line = '\n', gap = 0, silent, broken, error, noSignal, noResult, noise }) {
        const write = async s => {
            const bytes = Buffer.from(s);
            for (let i = 0; i < bytes.length; i += cut || bytes.length) {
                if (r.destroyed) return;
                r.write(bytes.subarray(i, i + (cut || bytes.length)));
                if (cut) await sleep(0);
            }
        };
        let n = 0;
        const event = (name, data) => write(`${name ? `id: ${++n}${line}event:${n % 2 ? ' ' : ''}${name}${line}` : ''}data: ${data}${line}${line}`);
        if (noise) await write(`\uFEFF: a comment${line}${line}retry: 10${line}${line}`);
        for (const w of words) {
            if (r.destroyed) return;
            if (gap) await sleep(gap);
            if (noise) await write(`: still there${line}`);
            if (version === 'v1') await event('token', JSON.stringify({ message: { role: 'assistant', content: w }, stopReason: null, inputLength: 5 }));
            else if (version) await event('token', JSON.stringify({ message: { role: 'assistant', content: w }, finishReason: null, created: 1, seed: 7, usage: null }));
            else await event('', JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta: { content: w }, finish_reason: null }] }));
            if (noise) await event('unheard-of', '{"x":1}');
        }
        if (silent) return;
        if (broken) { await sleep(20); r.destroy(); return; }
        if (error) { await event(version ? 'error' : '', version ? JSON.stringify({ status: { code: error, message: 'no' } }) : JSON.stringify({ error: { message: 'no', code: error } })); r.end(); return; }
        const all = words.join('');
        if (version && !noResult) await event('result', JSON.stringify({ message: { role: 'assistant', content: all }, ...(version === 'v1' ? { stopReason: 'stop_before' } : { finishReason: 'stop', usage: { promptTokens: 1, completionTokens: 1, totalTokens: 2 } }) }));
        if (version && !noSignal) await event('signal', '{"data":"[DONE]"}');
        if (!version) {
            await event('', JSON.stringify({ id: 'c1', choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }));
            if (!noSignal) await event('', '[DONE]');
        }
        r.end();
    }
}
