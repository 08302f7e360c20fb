// The client of madang: calls as promises, events, token refresh, a socket that reconnects and resumes.
//
//   const m = new Madang();
//   if (!await m.restore()) await m.login({ email, password });
//   m.on('dm.message', e => …);            // e = { ev, on, seq, data }
//   const out = await m.call('dm.send', { room, client_id, body });
//
// Runs in browsers and, given { base, WebSocket, cookie jar by fetch }, in Node. Types: /api/types.d.ts.
import calls from './calls.js';

export class Problem extends Error {
  constructor(body) { super(body.title ?? body.code); this.name = 'Problem'; Object.assign(this, body); }
}

const BEAT_MS = 15000, REPLY_MS = 12000, RETRY_MIN_MS = 250, RETRY_MAX_MS = 8000;
const OPEN_MAX = 3000; // characters of session.open that travel with the upgrade: proxies take header lines of 4 to 8 KB
const wait = ms => new Promise(r => setTimeout(r, ms));
const jitter = ms => ms * (0.75 + Math.random() / 2);

export class Madang {
  constructor({ base = '', WebSocket = globalThis.WebSocket, fetch = (...a) => globalThis.fetch(...a), language } = {}) {
    Object.assign(this, { base, WebSocket, fetch, language });
    this.seen = {};            // topic → newest number handed on
    this.handlers = new Map();
    this.waiting = new Map();  // id → { id, timer, resolve, reject }
    this.nextId = 1;
    this.state = 'closed';     // closed, opening, open
    this.attempt = 0;
  }

  // --- events ---
  on(name, run) {
    if (!this.handlers.has(name)) this.handlers.set(name, new Set());
    this.handlers.get(name).add(run);
    return () => this.handlers.get(name).delete(run);
  }
  emit(name, e) {
    for (const run of [...(this.handlers.get(name) ?? []), ...(this.handlers.get('*') ?? [])]) {
      try { run(e, name); } catch (error) { console.error(error); }
    }
  }

  // --- who I am ---
  get signedIn() { return Boolean(this.token); }
  adopt(out) {
    this.token = out.access_token;
    this.account = out.account;
    this.role = out.role;
    clearTimeout(this.refreshTimer);
    const left = new Date(out.expires) - Date.now();
    this.refreshTimer = setTimeout(() => this.refresh().catch(() => {}), Math.max(1000, left - Math.min(60000, left / 3)));
    this.refreshTimer.unref?.();
    if (this.state === 'open') this.send('session.renew', { token: this.token }).catch(() => {});
    return out;
  }
  async restore() {
    try { await this.refresh(); return true; } catch (p) { if (p.status === 401 || p.status === 403) return false; throw p; }
  }
  // Two tabs take turns, so that the cookie is used once at a time.
  refresh() {
    this.refreshing ??= (async () => {
      const run = async () => this.adopt(await this.rest('auth.refresh'));
      try {
        return await (globalThis.navigator?.locks ? navigator.locks.request('madang-refresh', run) : run());
      } catch (p) {
        if (p.status === 401 || p.status === 403) this.forget(p.code);
        throw p;
      } finally { this.refreshing = null; }
    })();
    return this.refreshing;
  }
  async login(input) { return this.adopt(await this.rest('auth.login', input)); }
  async signup(input) { return this.adopt(await this.rest('auth.signup', input)); }
  async guest() { return this.adopt(await this.rest('auth.guest')); }
  async onboard(input) {
    const out = this.adopt(await this.rest('me.onboard', input));
    this.reconnect();
    return out;
  }
  async logout() {
    try { await this.rest('auth.logout'); } finally { this.forget('logout'); }
  }
  forget(why) {
    const was = this.signedIn;
    this.token = this.account = this.role = undefined;
    clearTimeout(this.refreshTimer);
    this.close();
    this.seen = {};
    if (was) this.emit('signed-out', { why });
  }

  // --- calls ---
  // Over the socket when it is open, else by REST. again: may be sent once more after a lost answer (it has a natural key).
  async call(op, input, { key, again = false, rest = false } = {}) {
    const row = calls[op];
    if (!row) throw new Error(`no call ${op}`);
    if (!row[0]) await this.ready(); // over the socket alone
    if (!row[0] || (this.state === 'open' && !row[2] && !rest)) return this.send(op, input, { key, again });
    if (again) return this.persist(op, input, key);
    return this.rest(op, input, { key });
  }
  // Until it is answered: outages are waited out.
  async persist(op, input, key) {
    for (let i = 0; ; i++) {
      try {
        return await (this.state === 'open' && !calls[op][2] ? this.send(op, input, { key, again: true }) : this.rest(op, input, { key }));
      } catch (p) {
        if (p instanceof Problem && !p.retry) throw p;
        await wait(jitter(Math.min(RETRY_MAX_MS, (p.retry_after ?? 0) * 1000 || RETRY_MIN_MS << Math.min(i, 5))));
      }
    }
  }
  async rest(op, input = {}, { key, retried } = {}) {
    const [method, path] = calls[op], left = { ...input };
    let url = path.replace(/\{(\w+)\}/g, (_, name) => { const v = left[name]; delete left[name]; return encodeURIComponent(v); });
    const headers = {};
    if (this.language) headers['accept-language'] = this.language;
    if (this.token && op !== 'auth.refresh' && op !== 'auth.login') headers.authorization = `Bearer ${this.token}`;
    if (key) headers['idempotency-key'] = `"${key}"`;
    const options = { method, headers, credentials: 'same-origin' };
    if (method === 'GET' || method === 'DELETE') {
      const query = new URLSearchParams(Object.entries(left).filter(([, v]) => v !== undefined && v !== null && v !== ''));
      if ([...query].length) url += `?${query}`;
    } else if (op !== 'auth.refresh' && op !== 'auth.guest' && op !== 'auth.logout') {
      headers['content-type'] = 'application/json';
      options.body = JSON.stringify(left);
    }
    const answer = await this.fetch(this.base + url, options);
    const body = answer.status === 204 ? {} : await answer.json().catch(() => ({}));
    if (answer.ok) return body;
    if (body.code === 'auth.token' && !retried && op !== 'auth.refresh') {
      await this.refresh();
      return this.rest(op, input, { key, retried: true });
    }
    throw new Problem({ status: answer.status, ...body });
  }
  // A picture; onProgress(0…1) where the platform can tell.
  upload(file, onProgress) {
    return new Promise((resolve, reject) => {
      const x = new XMLHttpRequest();
      x.open('POST', `${this.base}/api/v1/files`);
      x.setRequestHeader('authorization', `Bearer ${this.token}`);
      x.setRequestHeader('content-type', file.type || 'application/octet-stream');
      if (this.language) x.setRequestHeader('accept-language', this.language);
      x.upload.onprogress = e => onProgress?.(e.loaded / e.total);
      x.onload = () => {
        let body = {};
        try { body = JSON.parse(x.responseText); } catch { /* a proxy's page */ }
        x.status < 300 ? resolve(body) : reject(new Problem({ status: x.status, ...body }));
      };
      x.onerror = () => reject(new Problem({ code: 'network', title: 'network', retry: true }));
      x.send(file);
    });
  }

  // --- the socket ---
  connect() {
    if (this.state !== 'closed' || !this.signedIn) return;
    clearTimeout(this.reconnectTimer);
    this.wanted = true;
    this.state = 'opening';
    const address = (this.base || location.origin).replace(/^http/, 'ws') + '/ws';
    const opening = this.opening();
    const ws = this.ws = new this.WebSocket(address, ['madang.v1', ...opening]);
    ws.onopen = () => this.open(ws, opening.length > 0);
    ws.onmessage = e => this.ws === ws && this.receive(JSON.parse(e.data));
    ws.onclose = e => this.ws === ws && this.lost(e.code, e.reason);
    ws.onerror = () => {};
  }
  // session.open as subprotocols: it saves a round trip, and is answered with the id 0. Not when it is too long for a header.
  opening() {
    const open = btoa(JSON.stringify({ seen: this.seen })).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
    return open.length > OPEN_MAX ? [] : [`bearer.${this.token}`, `open.${open}`];
  }
  async open(ws, asked) {
    try {
      const out = await (asked ? this.answer(0) : this.transmit('session.open', { token: this.token, seen: this.seen }));
      if (this.ws !== ws) return;
      for (const [topic, head] of Object.entries(out.heads)) this.seen[topic] ??= head;
      this.state = 'open';
      this.attempt = 0;
      this.beat();
      this.emit('open', out);
    } catch (p) {
      if (p.code === 'auth.token') { try { await this.refresh(); } catch { return; } }
      ws.close();
    }
  }
  // When the socket is open; it is opened if need be.
  ready() {
    if (this.state === 'open') return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => { off(); reject(new Problem({ code: 'connection-lost', title: 'connection lost', retry: true, status: 0 })); }, REPLY_MS);
      const off = this.on('open', () => { clearTimeout(timer); off(); resolve(); });
      this.connect();
    });
  }
  beat() {
    clearTimeout(this.beatTimer);
    this.beatTimer = setTimeout(async () => {
      try { await this.send('session.beat'); } catch { this.ws?.close(); }
      if (this.state === 'open') this.beat();
    }, BEAT_MS);
    this.beatTimer.unref?.();
  }
  transmit(op, input, { key } = {}) {
    const id = this.nextId++, answer = this.answer(id);
    this.ws.send(JSON.stringify({ op, id, ...(input ? { in: input } : {}), ...(key ? { key } : {}) }));
    return answer;
  }
  // What comes back with this id.
  answer(id) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => { if (this.waiting.has(id)) this.ws?.close(); }, REPLY_MS);
      timer.unref?.();
      this.waiting.set(id, { id, timer, resolve, reject });
    });
  }
  async send(op, input, options = {}) {
    for (let i = 0; ; i++) {
      try { return await this.transmit(op, input, options); } catch (p) {
        if (!options.again || !p.retry || !this.signedIn) throw p;
        await wait(jitter(Math.min(RETRY_MAX_MS, (p.retry_after ?? 0) * 1000 || RETRY_MIN_MS << Math.min(i, 5))));
        if (this.state !== 'open') return this.persist(op, input, options.key);
      }
    }
  }
  receive(m) {
    if (m.ev) { this.event(m); return; }
    const w = this.waiting.get(m.id);
    if (!w) return;
    this.waiting.delete(m.id);
    clearTimeout(w.timer);
    m.problem ? w.reject(new Problem(m.problem)) : w.resolve(m.out);
  }
  // Numbered events are handed on once and in order; a hole is filled from the server.
  event(m) {
    if (m.ev === 'resync') { this.resync(m.on); return; }
    if (m.seq === undefined) { this.emit(m.ev, m); return; }
    const last = this.seen[m.on];
    if (last !== undefined && m.seq <= last) return;
    if (last !== undefined && m.seq > last + 1) { this.resync(m.on); return; }
    this.seen[m.on] = m.seq;
    this.emit(m.ev, m);
  }
  async resync(topic) {
    if (topic === '*') { for (const t of Object.keys(this.seen)) this.resync(t); return; }
    this.resyncing ??= new Map();
    if (this.resyncing.has(topic)) { this.resyncing.set(topic, true); return; }
    this.resyncing.set(topic, false);
    try {
      do {
        this.resyncing.set(topic, false);
        await this.catchUp(topic);
      } while (this.resyncing.get(topic));
    } catch (p) {
      if (p.code === 'auth.forbidden') delete this.seen[topic];
      else if (this.state === 'open') setTimeout(() => this.resync(topic), jitter(1000)).unref?.();
    } finally { this.resyncing.delete(topic); }
  }
  async catchUp(topic) {
    for (;;) {
      const since = this.seen[topic] ?? 0;
      const out = await this.send('topic.sync', { topic, since });
      if (!out.complete) { this.seen[topic] = out.head; this.emit('resync', { on: topic, head: out.head }); return; }
      for (const e of out.events) {
        if (e.seq <= (this.seen[topic] ?? 0)) continue;
        this.seen[topic] = e.seq;
        this.emit(e.ev, { ev: e.ev, on: topic, seq: e.seq, data: e.data });
      }
      if ((this.seen[topic] ?? 0) >= out.head) return;
    }
  }
  lost(code, reason = '') {
    this.ws = null;
    this.state = 'closed';
    clearTimeout(this.beatTimer);
    for (const w of [...this.waiting.values()]) {
      clearTimeout(w.timer);
      this.waiting.delete(w.id);
      w.reject(new Problem({ code: 'connection-lost', title: 'connection lost', retry: true, status: 0 }));
    }
    this.emit('closed', { code, reason });
    if (code === 4403) { this.forget('account.suspended'); return; }
    if (!this.wanted) return;
    const told = /reconnect in (\d+) ms/.exec(reason);
    const delay = told ? Number(told[1]) : jitter(Math.min(RETRY_MAX_MS, RETRY_MIN_MS << Math.min(this.attempt++, 6)));
    this.reconnectTimer = setTimeout(async () => {
      if (code === 4401) {
        try { await this.refresh(); } catch (p) { if (p.status === 401 || p.status === 403) return; }
      }
      if (this.wanted) this.connect();
    }, delay);
  }
  reconnect() { if (this.ws) this.ws.close(); else this.connect(); }
  close() {
    this.wanted = false;
    clearTimeout(this.reconnectTimer);
    const ws = this.ws;
    if (ws) { this.lost(1000); ws.close(); }
  }
}
