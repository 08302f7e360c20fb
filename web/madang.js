// The client of madang: calls as promises, events, token refresh, a socket that reconnects and resumes.
//
//   const m = new Madang();
//   if (!await m.restore()) await m.login({ email, password });
//   m.on('dm.message', e => …);            // e = { ev, on, seq, data }
//   const out = await m.call('dm.send', { room, client_id, body });
//
// Runs in browsers and, given { base, WebSocket, cookie jar by fetch }, in Node. Types: /api/types.d.ts.
// No clock of the device's is compared with the server's: lengths of time are the server's, and run on a clock that nobody sets.
import calls from './calls.js';

export class Problem extends Error {
  constructor(body) { super(body.title ?? body.code); this.name = 'Problem'; Object.assign(this, body); }
}

const BEAT_MS = 7000, BEAT_HIDDEN_MS = 15000, SILENT_MS = 7000, LATE_MS = 1000, REST_MS = 15000, RETRY_MIN_MS = 250, RETRY_MAX_MS = 8000;
const TOLD_MAX_MS = 60000, PATIENCE_MAX = 4; // how long the server may tell us to wait; how often a slow line doubles what is silence
const RENEW_MIN_MS = 5000, RENEW_MAX_MS = 86400e3; // a timer of more than 2^31 ms fires at once
const OPEN_MAX = 3000; // characters of session.open that travel with the upgrade: proxies take header lines of 4 to 8 KB
const TOPICS_MAX = 256, WAITING_MAX = 1000, LIST_MAX = 10000; // topics that session.open takes; calls on their way; what all() gathers
const LOST = { ko: '연결이 끊겼어요. 다시 연결되면 해 주세요.', en: 'The connection was lost. Please try again once it is back.' };
const jitter = ms => ms * (0.75 + Math.random() / 2);
const between = (least, ms, most) => Math.min(most, Math.max(least, ms));
const escaped = v => String(new URLSearchParams({ v })).slice(2); // in a list, a comma that is escaped belongs to its item
const hidden = () => globalThis.document?.hidden ?? false;

// A key for what is to happen once, also where the page has no secure context.
export const newKey = () => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('');

// Two tabs take turns, so that the cookie is used once at a time; a browser without locks, or that forbids them, goes without.
async function inTurn(run) {
  let began = false;
  try { return await navigator.locks.request('madang-refresh', () => { began = true; return run(); }); } catch (e) { if (began) throw e; }
  return run();
}

export class Madang {
  constructor({ base = '', WebSocket = globalThis.WebSocket, fetch = (...a) => globalThis.fetch(...a), language } = {}) {
    Object.assign(this, { base, WebSocket, fetch, language });
    this.seen = {};            // topic → newest number handed on
    this.told = {};            // the same, as it was told at the last opening
    this.live = {};            // topic → newest number that this socket brought
    this.resyncing = new Map(); // topic → whether to ask once more
    this.handlers = new Map();
    this.waiting = new Map();  // id → { at, resolve, reject }, oldest first
    this.nextId = 1;
    this.state = 'closed';     // closed, opening, open
    this.attempt = 0;
    this.patience = 1;
    this.life = 0;             // another one with each account
    globalThis.addEventListener?.('offline', () => this.drop());
    globalThis.addEventListener?.('online', () => this.wake());
    globalThis.document?.addEventListener('visibilitychange', () => { if (!hidden()) this.wake(); });
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
  // The server's clock, as far as it was told.
  now() { return this.clock ? this.clock.told + performance.now() - this.clock.at : Date.now(); }
  setClock(told) { if (Number.isFinite(told)) this.clock = { told, at: performance.now() }; }
  adopt(out) {
    const other = out.account !== this.account;
    if (other) this.become(out.account);
    this.token = out.access_token;
    this.role = out.role;
    const left = (out.expires_in ?? 300) * 1000; // a node of the version before tells none
    this.refreshIn(left - Math.min(60000, left / 3));
    if (this.state === 'open') this.send('session.renew', { token: this.token }).catch(() => {});
    if (other) this.emit('adopted', { account: out.account });
    return out;
  }
  // What was asked for as one account neither goes on nor is answered as another.
  become(account) {
    this.life++;
    this.refreshing = null;
    this.close();
    this.seen = {};
    this.account = account;
  }
  refreshIn(ms) {
    clearTimeout(this.refreshTimer);
    this.refreshTimer = setTimeout(() => this.refresh().catch(() => { if (this.signedIn) this.refreshIn(jitter(RETRY_MAX_MS)); }), between(RENEW_MIN_MS, ms, RENEW_MAX_MS));
    this.refreshTimer.unref?.();
  }
  async restore() {
    try { await this.refresh(); return true; } catch (p) { if (p.status === 401 || p.status === 403) return false; throw p; }
  }
  // The cookie is the browser's: it may have become another account's in another tab, which 'account' tells. A token that came
  // meanwhile is the newer one: it knows what has become of the person since.
  refresh() {
    if (this.refreshing) return this.refreshing;
    const { life, account, token } = this;
    const mine = this.refreshing = (async () => {
      try {
        const out = await inTurn(() => this.rest('auth.refresh'));
        if (life !== this.life) throw this.over();
        if (token !== this.token && out.account === account) return out;
        this.adopt(out);
        if (account !== undefined && out.account !== account) this.emit('account', { account: out.account });
        return out;
      } catch (p) {
        if (life === this.life && (p.status === 401 || p.status === 403)) this.forget(p.code);
        throw p;
      } finally { if (this.refreshing === mine) this.refreshing = null; }
    })();
    return mine;
  }
  // A guest's socket ends with the guest, whose session the server ends: not by a refresh in between, whose refusal takes the new cookie away.
  async login(input) {
    this.close();
    try { return this.adopt(await this.rest('auth.login', input)); } catch (p) { this.connect(); throw p; }
  }
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
    this.become(undefined);
    this.token = this.role = undefined;
    clearTimeout(this.refreshTimer);
    if (was) this.emit('signed-out', { why });
  }

  // --- calls ---
  lostProblem() { return new Problem({ code: 'connection-lost', title: LOST[this.language] ?? LOST.en, retry: true, status: 0 }); }
  over() { return new Problem({ code: 'signed-out', title: '', status: 0 }); }
  // Over the socket when it is open, else by REST. What a lost connection took away is asked again when that does no harm: when it
  // only reads, or has a key, by which it happens once. again: outages are waited out, too (it has a natural key).
  async call(op, input, { key, again = false, rest = false } = {}) {
    const row = calls[op], { life } = this;
    if (!row) throw new Error(`no call ${op}`);
    const [method, , restAlone, keyed] = row, once = key ?? (keyed ? newKey() : undefined);
    for (let i = 0; ; i++) {
      try {
        if (!method) await this.ready(); // over the socket alone
        const out = await (this.state === 'open' && !restAlone && !rest ? this.send(op, input, { key: once }) : this.rest(op, input, { key: once }));
        if (life !== this.life) throw this.over();
        return out;
      } catch (p) {
        const lost = p.status === 0 || p.code === 'idempotency.running';
        if (!(p instanceof Problem) || !p.retry || life !== this.life || !(again || (lost && (once || method === 'GET')))) throw p;
        await this.pause(i, p);
        if (life !== this.life) throw this.over();
      }
    }
  }
  persist(op, input, key) { return this.call(op, input, { key, again: true }); }
  // Before a repetition: as long as the server says, else longer each time; not longer than until the connection is back.
  pause(i, p) {
    const ms = jitter(p.retry_after ? Math.min(TOLD_MAX_MS, p.retry_after * 1000) : Math.min(RETRY_MAX_MS, RETRY_MIN_MS << Math.min(i, 5)));
    return new Promise(resolve => {
      const done = () => { clearTimeout(timer); offs.forEach(off => off()); resolve(); };
      const timer = setTimeout(done, ms), offs = p.status === 0 ? ['open', 'online'].map(name => this.on(name, done)) : [];
    });
  }
  // All pages of a list, by its cursor: for await (const out of m.pages('friends.list', { limit: 100 }, { by: 'after' })) …
  async *pages(op, input, { by = 'before', ...options } = {}) {
    for (let next; ;) {
      const out = await this.call(op, next ? { ...input, [by]: next } : input, options);
      yield out;
      if (!out.next || out.next === next) return;
      ({ next } = out);
    }
  }
  // What stands in all pages under this name.
  async all(op, name, input, options) {
    const all = [];
    for await (const out of this.pages(op, input, options)) {
      all.push(...out[name]);
      if (all.length >= LIST_MAX) break;
    }
    return all;
  }
  async rest(op, input = {}, { key, retried } = {}) {
    const [method, path] = calls[op], left = { ...input }, { life } = this;
    let url = path.replace(/\{(\w+)\}/g, (_, name) => { const v = left[name]; delete left[name]; return encodeURIComponent(v); });
    const headers = {};
    if (this.language) headers['accept-language'] = this.language;
    if (this.token && op !== 'auth.refresh') headers.authorization = `Bearer ${this.token}`;
    if (key) headers['idempotency-key'] = `"${key}"`;
    const options = { method, headers, credentials: 'same-origin', signal: AbortSignal.timeout?.(REST_MS) };
    if (method === 'GET' || method === 'DELETE') {
      const query = Object.entries(left).filter(([, v]) => v !== undefined && v !== null && v !== '').map(([k, v]) => `${k}=${[v].flat().map(escaped).join(',')}`);
      if (query.length) url += `?${query.join('&')}`;
    } else if (op !== 'auth.refresh' && op !== 'auth.guest' && op !== 'auth.logout') {
      headers['content-type'] = 'application/json';
      options.body = JSON.stringify(left);
    }
    const { ok, status, body } = await this.fetched(this.base + url, options);
    if (ok) return body;
    if (body.code === 'auth.token' && !retried && op !== 'auth.refresh') {
      await this.refresh();
      if (life !== this.life) throw this.over();
      return this.rest(op, input, { key, retried: true });
    }
    if (!body.code && status >= 502) throw this.lostProblem(); // a proxy's page
    throw new Problem({ code: 'http', title: `HTTP ${status}`, status, ...body });
  }
  async fetched(url, options) {
    try {
      const answer = await this.fetch(url, options), { ok, status } = answer;
      if (!this.clock) this.setClock(Date.parse(answer.headers.get('date')));
      const text = status === 204 ? '' : await answer.text();
      let body = {};
      try { body = JSON.parse(text || '{}'); } catch { if (ok) throw this.lostProblem(); }
      return { ok, status, body };
    } catch { throw this.lostProblem(); }
  }
  // A picture; onProgress(0…1) where the platform can tell.
  async upload(file, onProgress) {
    try { return await this.put(file, onProgress); } catch (p) { if (p.code !== 'auth.token') throw p; }
    const { life } = this;
    await this.refresh();
    if (life !== this.life) throw this.over();
    return this.put(file, onProgress);
  }
  put(file, onProgress) {
    return new Promise((resolve, reject) => {
      const x = new XMLHttpRequest();
      let stalled;
      const goesOn = () => { clearTimeout(stalled); stalled = setTimeout(() => x.abort(), REST_MS); };
      x.open('POST', `${this.base}/api/v1/files`);
      x.setRequestHeader('authorization', `Bearer ${this.token}`);
      x.setRequestHeader('content-type', file.type || 'application/octet-stream');
      if (this.language) x.setRequestHeader('accept-language', this.language);
      x.upload.onprogress = e => { goesOn(); onProgress?.(e.loaded / e.total); };
      x.upload.onloadend = () => clearTimeout(stalled); // from here on the server has its own deadline
      x.onload = () => {
        let body = {};
        try { body = JSON.parse(x.responseText); } catch { /* a proxy's page */ }
        x.status < 300 ? resolve(body) : reject(body.code ? new Problem({ status: x.status, ...body }) : this.lostProblem());
      };
      x.onloadend = () => { clearTimeout(stalled); reject(this.lostProblem()); }; // unless it was settled before
      x.send(file);
      goesOn();
    });
  }

  // --- the socket ---
  connect() {
    if (this.state !== 'closed' || !this.signedIn) return;
    clearTimeout(this.reconnectTimer);
    this.wanted = true;
    this.state = 'opening';
    this.live = {};
    const address = (this.base || location.origin).replace(/^http/, 'ws') + '/ws';
    const opening = this.opening();
    const ws = this.ws = new this.WebSocket(address, ['madang.v1', ...opening]);
    this.heard = this.sent = performance.now();
    this.watch();
    ws.onopen = () => this.ws === ws && this.open(ws, opening.length > 0);
    ws.onmessage = e => this.ws === ws && this.receive(JSON.parse(e.data));
    ws.onclose = e => this.ws === ws && this.lost(e.code, e.reason);
    ws.onerror = () => {};
  }
  known() { return (this.told = Object.fromEntries(Object.entries(this.seen).slice(0, TOPICS_MAX))); } // what the server is told that I have seen
  // session.open as subprotocols: it saves a round trip, and is answered with the id 0. Not when it is too long for a header.
  opening() {
    const open = btoa(JSON.stringify({ seen: this.known() })).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
    return open.length > OPEN_MAX ? [] : [`bearer.${this.token}`, `open.${open}`];
  }
  async open(ws, asked) {
    try {
      const out = await (asked ? this.answer(0) : this.send('session.open', { token: this.token, seen: this.known() }));
      if (this.ws !== ws) return;
      const behind = this.takeHeads(out.heads);
      this.state = 'open';
      this.attempt = 0;
      this.emit('open', out);
      for (const on of behind) this.emit('resync', { on, head: this.seen[on] });
    } catch (p) {
      if (p.code === 'auth.token') { try { await this.refresh(); } catch { return; } }
      ws.close();
    }
  }
  // A head below what I said that I have seen is of a server that has gone back, to a backup: it counts on from there. (Below what I have
  // seen by now, it may just be older than an event that came with it.) Other topics are not followed.
  takeHeads(heads) {
    const behind = Object.keys(heads).filter(topic => this.told[topic] > heads[topic]);
    this.seen = Object.fromEntries(Object.entries(heads).map(([topic, head]) => [topic, behind.includes(topic) ? head : this.seen[topic] ?? head]));
    return behind;
  }
  // When the socket is open; it is opened if need be.
  ready() {
    if (this.state === 'open') return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => { off(); reject(this.lostProblem()); }, REST_MS);
      const off = this.on('open', () => { clearTimeout(timer); off(); resolve(); });
      this.connect();
    });
  }
  // The line is dead when nothing comes although something is waited for; when nothing is, a beat asks. A browser would find out minutes later.
  get due() {
    const [oldest] = this.waiting.values();
    if (oldest || this.state !== 'open') return Math.max(this.heard, oldest?.at ?? 0) + SILENT_MS * this.patience;
    return this.sent + (hidden() ? BEAT_HIDDEN_MS : BEAT_MS);
  }
  watch(ms = this.due - performance.now()) {
    clearTimeout(this.watcher);
    const due = performance.now() + Math.max(0, ms);
    this.watcher = setTimeout(() => this.look(due), Math.max(0, ms));
    this.watcher.unref?.();
  }
  look(due) {
    const now = performance.now();
    if (!this.ws) return;
    if (this.due > now) this.watch();
    else if (this.state === 'open' && !this.waiting.size) this.beat();
    else if (now - due > LATE_MS && !this.slept) { this.slept = true; this.watch(LATE_MS); } // this tab slept: first what has come meanwhile
    else { this.patience = Math.min(PATIENCE_MAX, this.patience * 2); this.drop(); }
  }
  beat() {
    const { ws } = this;
    this.send('session.beat').then(out => { this.patience = 1; this.setClock(Date.parse(out.now)); }, () => this.ws === ws && this.drop());
  }
  // Does not wait for the browser's farewell, which a silent network keeps back.
  drop() {
    const { ws } = this;
    if (!ws) return;
    this.lost(1006);
    ws.close();
  }
  // There is a network again, or somebody looks: what waited for its time goes on at once.
  wake() {
    this.emit('online', {});
    if (this.state === 'open') { if (!this.waiting.size) this.beat(); } else if (this.wanted && this.state === 'closed') { this.attempt = 0; this.connect(); }
  }
  send(op, input, { key } = {}) {
    if (!this.ws || this.ws.readyState !== 1 || this.waiting.size >= WAITING_MAX) return Promise.reject(this.lostProblem());
    const id = this.nextId++, answer = this.answer(id);
    this.sent = performance.now();
    this.ws.send(JSON.stringify({ op, id, ...(input ? { in: input } : {}), ...(key ? { key } : {}) }));
    return answer;
  }
  // What comes back with this id.
  answer(id) {
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { at: performance.now(), resolve, reject });
      if (this.waiting.size === 1) this.watch();
    });
  }
  receive(m) {
    this.heard = performance.now();
    this.slept = false;
    if (m.ev) { this.event(m); return; }
    const w = this.waiting.get(m.id);
    if (!w) return;
    this.waiting.delete(m.id);
    if (!this.waiting.size) this.watch();
    m.problem ? w.reject(new Problem(m.problem)) : w.resolve(m.out);
  }
  // Numbered events are handed on once and in order. A hole is filled from the server; and when it counts from further back than it did,
  // it is asked how far it is.
  event(m) {
    if (m.ev === 'resync') { this.resync(m.on); return; }
    if (m.seq === undefined) { this.emit(m.ev, m); return; }
    const last = this.seen[m.on] ?? m.seq - 1, wentBack = m.seq <= (this.live[m.on] ?? 0);
    this.live[m.on] = m.seq;
    if (wentBack || m.seq > last + 1 || (m.seq <= last && this.resyncing.has(m.on))) { this.resync(m.on); return; }
    if (m.seq <= last) return; // it was caught up with before it came
    this.seen[m.on] = m.seq;
    this.emit(m.ev, m);
  }
  async resync(topic) {
    if (topic === '*') { for (const t of Object.keys(this.seen)) this.resync(t); return; }
    if (this.resyncing.has(topic)) { this.resyncing.set(topic, true); return; }
    const { life } = this;
    try {
      do {
        this.resyncing.set(topic, false);
        await this.catchUp(topic, life);
      } while (this.resyncing.get(topic));
    } catch (p) {
      if (life !== this.life) return;
      if (p.code === 'auth.forbidden') delete this.seen[topic];
      else if (this.state === 'open') setTimeout(() => life === this.life && this.resync(topic), jitter(Math.min(TOLD_MAX_MS, (p.retry_after ?? 1) * 1000))).unref?.();
    } finally { this.resyncing.delete(topic); }
  }
  async catchUp(topic, life) {
    for (;;) {
      const since = this.seen[topic] ?? 0, out = await this.send('topic.sync', { topic, since });
      if (life !== this.life) return;
      if (!out.complete || out.head < since) { // too much was missed; or the server has gone back, and its head counts, not mine
        this.seen[topic] = out.head < since ? out.head : Math.max(out.head, this.seen[topic] ?? 0);
        this.emit('resync', { on: topic, head: out.head });
        return;
      }
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
    clearTimeout(this.watcher);
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const w of waiting) w.reject(this.lostProblem());
    this.emit('closed', { code, reason });
    if (code === 4403) { this.forget('account.suspended'); return; }
    if (!this.wanted) return;
    const told = /reconnect in (\d+) ms/.exec(reason);
    const delay = told ? Math.min(TOLD_MAX_MS, Number(told[1])) : jitter(Math.min(RETRY_MAX_MS, RETRY_MIN_MS << Math.min(this.attempt++, 6)));
    clearTimeout(this.reconnectTimer);
    this.reconnectTimer = setTimeout(async () => {
      if (code === 4401) {
        try { await this.refresh(); } catch (p) { if (p.status === 401 || p.status === 403) return; }
      }
      if (this.wanted) this.connect();
    }, delay);
  }
  reconnect() { this.drop(); this.connect(); }
  close() {
    this.wanted = false;
    clearTimeout(this.reconnectTimer);
    const ws = this.ws;
    if (ws) { this.lost(1000); ws.close(); }
  }
}
