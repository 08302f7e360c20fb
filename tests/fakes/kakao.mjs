// A double of Kakao's login: secret in the form alone, single-use codes, PKCE, its errors with their codes, profiles with holes.
import { createHash, randomBytes } from 'node:crypto';
import http from 'node:http';

export class Kakao {
    constructor() { this.codes = new Map(); this.tokens = new Map(); this.user = { id: 9007199254740993n, email: undefined }; this.mode = 'good'; this.seen = []; }
    async start() {
        this.server = http.createServer((q, r) => { const parts = []; q.on('data', d => parts.push(d)); q.on('end', () => this.answer(q, r, new URLSearchParams(Buffer.concat(parts).toString()))); });
        await new Promise(r => this.server.listen(0, '127.0.0.1', r));
        this.base = `http://127.0.0.1:${this.server.address().port}`;
        return this;
    }
    stop() { this.server.closeAllConnections(); return new Promise(r => this.server.close(r)); }
    json(r, status, body) { r.writeHead(status, { 'content-type': 'application/json;charset=UTF-8' }); r.end(body); }
    answer(q, r, form) {
        const url = new URL(q.url, this.base);
        this.seen.push(`${q.method} ${url.pathname}`);
        if (this.mode === 'down') { this.json(r, 500, '{"error":"server_error","error_code":"KOE003"}'); return; }
        if (this.mode === 'garbage') { this.json(r, 200, '<html>'); return; }
        if (url.pathname === '/authorize') return this.authorize(url.searchParams, r);
        if (url.pathname === '/token') return this.token(q, form, r);
        if (url.pathname === '/me') return this.me(q, r);
        this.json(r, 404, '{}');
    }
    authorize(p, r) {
        const back = new URL(p.get('redirect_uri'));
        back.searchParams.set('state', p.get('state'));
        if (this.mode === 'refuse') { back.searchParams.set('error', 'access_denied'); back.searchParams.set('error_description', 'User denied access'); } else {
            const code = randomBytes(12).toString('hex');
            this.codes.set(code, { redirect: p.get('redirect_uri'), challenge: p.get('code_challenge') });
            back.searchParams.set('code', code);
        }
        r.writeHead(302, { location: String(back) });
        r.end();
    }
    token(q, form, r) {
        const known = this.codes.get(form.get('code'));
        this.codes.delete(form.get('code'));
        if (q.headers.authorization || form.get('client_secret') !== 'kakao-secret') return this.json(r, 401, '{"error":"invalid_client","error_description":"Bad client credentials","error_code":"KOE010"}');
        if (!known) return this.json(r, 400, '{"error":"invalid_grant","error_description":"authorization code not found","error_code":"KOE320"}');
        if (known.redirect !== form.get('redirect_uri')) return this.json(r, 400, '{"error":"invalid_grant","error_code":"KOE303"}');
        if (known.challenge && createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url') !== known.challenge) return this.json(r, 400, '{"error":"invalid_grant","error_code":"KOE320"}');
        const token = randomBytes(12).toString('hex');
        this.tokens.set(token, this.user);
        this.json(r, 200, JSON.stringify({ token_type: 'bearer', access_token: token, expires_in: 21599, refresh_token: 'r', refresh_token_expires_in: 5183999, scope: 'account_email' }));
    }
    me(q, r) {
        const user = this.tokens.get(/^Bearer (.+)$/.exec(q.headers.authorization ?? '')?.[1]);
        if (!user) return this.json(r, 401, '{"msg":"this access token does not exist","code":-401}');
        const account = user.email ? { has_email: true, is_email_valid: user.valid ?? true, is_email_verified: user.verified ?? true, email: user.email } : { profile_nickname_needs_agreement: true };
        this.json(r, 200, `{"id":${user.id},"connected_at":"2026-01-02T03:04:05Z","kakao_account":${JSON.stringify(account)}}`);
    }
}
