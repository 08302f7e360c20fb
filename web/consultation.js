// A consultation room in the browser: the daemon carries signals, everything else goes from peer to peer.
//
//   const c = new Consultation(m, 'abcdefghjk');
//   c.on('peers', () => …);            // somebody came, went, or changed: c.peers
//   await c.join('password');          // the host, and who has a place, need none
//   await c.setTracks({ audio, video });
//
// Each pair follows the pattern of perfect negotiation; who is polite, the daemon says. What travels on the data channel is in
// docs/protocol.md. What comes from there is a stranger's: it is checked, and never more than shown.
const CHUNK = 16384, IMAGE_MAX = 65536, IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/webp'];
const TEXT_MAX = 1000, NAME_MAX = 20, LOG_MAX = 200, CARDS = 78, LOST_MS = 5000, RETRY_MS = 2000, ICE_MS_MAX = 86400e3; // a timer of more than 2^31 ms fires at once

const MESSAGES = { me: 'onMe', image: 'onImage', chat: 'onChat', table: 'onTable', spread: 'onSpread', pick: 'onPick', card: 'onCard' };

const random = (length, letters = 'abcdefghijkmnpqrstuvwxyz23456789') => Array.from(crypto.getRandomValues(new Uint8Array(length)), b => letters[b % 32]).join('');
function below(n) {
  const edge = Math.floor(2 ** 32 / n) * n, one = new Uint32Array(1);
  do crypto.getRandomValues(one); while (one[0] >= edge);
  return one[0] % n;
}
async function digest(value) {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(value))));
  return Array.from(bytes, b => b.toString(16).padStart(2, '0')).join('');
}
const isText = (x, max) => typeof x === 'string' && x.length > 0 && x.length <= max;
const cardOf = n => ({ number: n >> 1, reversed: (n & 1) === 1 });
const isDeck = d => Array.isArray(d) && d.length === CARDS && d.every(n => Number.isInteger(n) && n >= 0 && n < CARDS * 2) && new Set(d.map(n => n >> 1)).size === CARDS;

class Emitter {
  handlers = new Map();
  on(name, run) {
    if (!this.handlers.has(name)) this.handlers.set(name, new Set());
    this.handlers.get(name).add(run);
    return () => this.handlers.get(name).delete(run);
  }
  emit(name, what) {
    for (const run of this.handlers.get(name) ?? []) try { run(what); } catch (e) { console.error(e); }
  }
}

// Another person in the room, and the connection to them.
class Peer {
  constructor(room, { peer, page, host, polite }) {
    Object.assign(this, { room, id: peer, page, host, polite, name: '', image: null, mic: false, cam: false, away: false });
    this.stream = new MediaStream();
    this.connect();
  }
  connect() {
    const pc = this.pc = new RTCPeerConnection(this.room.ice);
    pc.onnegotiationneeded = () => this.offer();
    pc.onicecandidate = ({ candidate: c }) => this.signal({ candidate: c ? { candidate: c.candidate, mid: c.sdpMid, line: c.sdpMLineIndex, fragment: c.usernameFragment } : { candidate: '' } });
    pc.ontrack = ({ track }) => this.hear(track);
    pc.onconnectionstatechange = () => this.changed();
    // The impolite one makes all there is to negotiate; a channel made on both sides does not outlive a rollback in Chromium.
    pc.ondatachannel = ({ channel }) => this.use(channel);
    if (this.polite) return;
    // One stream for both, so that browsers keep sound and picture in step.
    for (const [kind, track] of Object.entries(this.room.tracks)) pc.addTransceiver(track ?? kind, { streams: [this.room.stream] });
    this.use(pc.createDataChannel('madang'));
  }
  use(channel) {
    this.channel = channel;
    channel.binaryType = 'arraybuffer';
    channel.onopen = () => { this.room.greet(this); this.room.emit('peers'); };
    channel.onclose = () => this.room.emit('peers');
    channel.onmessage = ({ data }) => this.room.receive(this, data);
  }
  get open() { return this.channel?.readyState === 'open'; }
  close() {
    clearTimeout(this.lost);
    if (this.channel) this.channel.onclose = null;
    this.pc.onconnectionstatechange = null;
    this.pc.close();
  }
  get connected() { return this.pc.connectionState === 'connected'; }
  signal(what) { this.room.signal(this, what); }

  async offer() {
    if (this.polite && !this.pc.remoteDescription) return; // the first offer is the other's
    this.offering = this.offered = true;
    try {
      await this.pc.setLocalDescription();
      this.signal({ description: this.pc.localDescription.toJSON() });
    } catch (e) { console.warn(e); } finally { this.offering = false; }
  }
  async described(description) {
    const { pc } = this, ready = !this.offering && (pc.signalingState === 'stable' || this.answering);
    this.ignoring = description.type === 'offer' && !ready && !this.polite;
    if (this.ignoring || (description.type === 'answer' && pc.signalingState !== 'have-local-offer')) return;
    this.answering = description.type === 'answer';
    try { await pc.setRemoteDescription(description); } finally { this.answering = false; }
    if (description.type !== 'offer') return;
    await this.answerFully();
    await pc.setLocalDescription();
    this.signal({ description: pc.localDescription.toJSON() });
  }
  // Both ways from the first answer on, with or without a track: then a camera that comes later needs no negotiation.
  async answerFully() {
    for (const t of this.pc.getTransceivers()) {
      if (t.direction === 'sendrecv') continue;
      t.direction = 'sendrecv';
      t.sender.setStreams(this.room.stream);
      await t.sender.replaceTrack(this.room.tracks[t.receiver.track.kind]);
    }
  }
  async candidate({ candidate, mid, line, fragment }) {
    try {
      await (candidate ? this.pc.addIceCandidate({ candidate, sdpMid: mid ?? null, sdpMLineIndex: line ?? null, usernameFragment: fragment ?? null }) : this.pc.addIceCandidate());
    } catch (e) { if (!this.ignoring) throw e; }
  }
  // A signal may have been lost: what was said last is said again, or the way is looked for anew. Who joins again makes both do so.
  nudge() {
    if (this.pc.signalingState === 'have-local-offer') this.signal({ description: this.pc.localDescription.toJSON() });
    else if (!this.connected) this.pc.restartIce();
  }
  changed() {
    const { connectionState } = this.pc;
    clearTimeout(this.lost);
    if (connectionState === 'connected') this.connectedNow();
    if (connectionState === 'failed') this.pc.restartIce();
    if (connectionState === 'disconnected') this.lost = setTimeout(() => this.pc.restartIce(), LOST_MS);
    this.room.emit('peers');
  }
  // In Chromium (seen in 156) the picture freezes when one who has only ever answered takes an offer back: hence an offer at once.
  connectedNow() {
    this.away = false;
    if (this.polite && !this.offered) this.offer();
  }
  hear(track) {
    if (this.stream.getTracks().includes(track)) return;
    for (const before of this.stream.getTracks()) if (before.kind === track.kind) this.stream.removeTrack(before);
    this.stream.addTrack(track);
    this.room.emit('peers');
  }
  async setTrack(kind, track) {
    await this.pc.getTransceivers().find(t => t.receiver.track.kind === kind)?.sender.replaceTrack(track);
  }
  send(message) {
    if (this.open) this.channel.send(typeof message === 'object' && !(message instanceof ArrayBuffer) ? JSON.stringify(message) : message);
  }
}

export class Consultation extends Emitter {
  // memory: { load(), save(object) } keeps the talk and the cards over a reload of this tab.
  constructor(m, room, memory = { load: () => null, save: () => {} }) {
    super();
    Object.assign(this, { m, room, memory, page: random(16), peers: new Map(), tracks: { audio: null, video: null }, stream: new MediaStream(), me: { name: '', image: null, mic: false, cam: false } });
    const { log = [], spread = null, drawn = [] } = memory.load() ?? {};
    Object.assign(this, { log, spread, drawn });
    const mine = run => e => e.data.room === room && this.joined && run(e.data);
    this.offs = [m.on('video.peer-joined', mine(d => this.arrived(d))), m.on('video.peer-away', mine(d => this.away(d.peer))), m.on('video.peer-left', mine(d => this.drop(d.peer))),
      m.on('video.signal', mine(d => this.signalled(d))), m.on('video.closed', mine(d => this.end(d.reason))), m.on('open', () => this.joined && this.rejoin()),
      m.on('resync', e => this.joined && (e.on === '*' || e.on.startsWith(`video:${room}:`)) && this.rejoin())];
  }
  keep() { this.memory.save({ log: this.log, spread: this.spread, drawn: this.drawn }); }

  // --- the room ---
  async join(password) {
    if (password) this.password = password;
    const out = await this.m.call('video.join', { room: this.room, page: this.page, ...(this.password ? { password: this.password } : {}) });
    Object.assign(this, { joined: true, title: out.title, id: out.peer, host: out.host });
    this.useIce(out.ice);
    for (const id of [...this.peers.keys()]) if (!out.peers.some(p => p.peer === id)) this.drop(id);
    for (const p of out.peers) this.meet(p);
    this.emit('peers');
    return out;
  }
  // With a new socket: the place is asked for again, the connections stand.
  async rejoin() {
    try { await this.join(); } catch (p) {
      if (!this.joined) return;
      if (p.status >= 400 && p.status < 500 && p.status !== 429) this.end(p.code === 'video.kicked' ? 'kicked' : 'gone');
      else if (this.m.state === 'open') setTimeout(() => this.joined && this.rejoin(), RETRY_MS * (0.75 + Math.random() / 2));
    }
  }
  async leave() {
    if (!this.joined) return;
    this.shut();
    await this.m.send('video.leave', { room: this.room }).catch(() => {});
  }
  async close() { await this.m.call('video.close', { room: this.room }); }
  async kick(peer) { await this.m.call('video.kick', { room: this.room, peer }); }
  end(reason) {
    this.shut();
    this.emit('closed', reason);
  }
  shut() {
    this.joined = false;
    clearTimeout(this.iceTimer);
    this.offs.forEach(off => off());
    for (const id of [...this.peers.keys()]) this.drop(id);
  }

  // --- who is there ---
  meet(info) {
    const known = this.peers.get(info.peer);
    if (known?.page === info.page) { known.away = false; known.nudge(); return known; }
    known?.close();
    const peer = new Peer(this, info);
    this.peers.set(info.peer, peer);
    if (known) Object.assign(peer, { name: known.name, image: known.image });
    return peer;
  }
  arrived({ peer }) { this.meet(peer); this.emit('peers'); }
  away(id) {
    const peer = this.peers.get(id);
    if (peer) peer.away = true;
    this.emit('peers');
  }
  drop(id) {
    this.peers.get(id)?.close();
    this.peers.delete(id);
    this.emit('peers');
  }

  // --- signals ---
  signal(peer, what) {
    if (this.joined && this.m.state === 'open') this.m.send('video.signal', { room: this.room, to: peer.id, ...what }).catch(() => {}); // what is lost is said again after joining again
  }
  async signalled({ from, page, description, candidate }) {
    const peer = this.peers.get(from);
    if (!peer || peer.page !== page) return;
    try { await (description ? peer.described(description) : peer.candidate(candidate)); } catch (e) { console.warn(e); }
  }
  useIce({ servers, policy, ttl_s: ttl }) {
    this.ice = { iceServers: servers, iceTransportPolicy: policy };
    clearTimeout(this.iceTimer);
    this.iceTimer = setTimeout(() => this.freshIce(), Math.min(ICE_MS_MAX, Math.max(LOST_MS, ttl * 800)));
  }
  async freshIce() {
    try {
      this.useIce(await this.m.send('video.ice', { room: this.room }));
      for (const peer of this.peers.values()) { peer.pc.setConfiguration(this.ice); if (!peer.polite) peer.pc.restartIce(); }
    } catch { if (this.joined) this.iceTimer = setTimeout(() => this.freshIce(), RETRY_MS * 5); }
  }

  // --- sound and picture ---
  async setTracks(tracks) {
    Object.assign(this.tracks, tracks);
    for (const before of this.stream.getTracks()) this.stream.removeTrack(before);
    for (const track of Object.values(this.tracks)) if (track) this.stream.addTrack(track);
    for (const peer of this.peers.values()) for (const [kind, track] of Object.entries(tracks)) await peer.setTrack(kind, track);
  }
  tell(what) {
    Object.assign(this.me, what);
    for (const peer of this.peers.values()) {
      this.introduce(peer);
      if (what.image) this.showImage(peer);
    }
  }

  // --- the data channel ---
  introduce(peer) { peer.send({ t: 'me', name: this.me.name, mic: this.me.mic, cam: this.me.cam }); }
  greet(peer) {
    this.introduce(peer);
    if (this.host) peer.send({ t: 'table', spread: this.spread && { id: this.spread.id, seal: this.spread.seal }, drawn: this.drawn });
    if (this.me.image) this.showImage(peer);
  }
  async showImage(peer) {
    const { image } = this.me, bytes = await image.arrayBuffer();
    peer.send({ t: 'image', type: image.type, size: image.size });
    for (let at = 0; at < bytes.byteLength; at += CHUNK) peer.send(bytes.slice(at, at + CHUNK));
  }
  broadcast(message) { for (const peer of this.peers.values()) peer.send(message); }
  receive(peer, data) {
    if (data instanceof ArrayBuffer) { this.imagePart(peer, data); return; }
    let message;
    try { message = JSON.parse(data); } catch { return; }
    if (Object.hasOwn(MESSAGES, message?.t ?? '')) this[MESSAGES[message.t]](peer, message);
  }
  onMe(peer, { name, mic, cam }) {
    if (isText(name, NAME_MAX)) peer.name = name;
    Object.assign(peer, { mic: mic === true, cam: cam === true });
    this.emit('peers');
  }
  onImage(peer, { type, size }) {
    const fits = IMAGE_TYPES.includes(type) && Number.isInteger(size) && size > 0 && size <= IMAGE_MAX;
    peer.incoming = fits ? { type, left: size, parts: [] } : null;
  }
  imagePart(peer, bytes) {
    const coming = peer.incoming;
    if (!coming || bytes.byteLength > Math.min(CHUNK, coming.left)) { peer.incoming = null; return; }
    coming.parts.push(bytes);
    coming.left -= bytes.byteLength;
    if (coming.left) return;
    peer.incoming = null;
    peer.image = new Blob(coming.parts, { type: coming.type });
    this.emit('peers');
  }

  say(text) {
    const message = { t: 'chat', id: random(12), text, at: new Date(this.m.now()).toISOString() }; // told, never compared: the order is that of coming
    this.broadcast(message);
    this.note({ ...message, mine: true });
  }
  onChat(peer, { id, text, at }) {
    if (isText(id, 40) && isText(text, TEXT_MAX) && !this.log.some(x => x.id === id)) this.note({ id, text, at: Number.isNaN(Date.parse(at)) ? new Date().toISOString() : at, name: peer.name });
  }
  note(entry) {
    this.log.push(entry);
    if (this.log.length > LOG_MAX) this.log.shift();
    this.keep();
    this.emit('chat', entry);
  }

  // --- the cards: the host shuffles and says the digest of the order first, so that nobody can change it once a card is picked ---
  async openSpread() {
    const deck = Array.from({ length: CARDS }, (_, i) => i * 2 + below(2)), salt = random(24);
    for (let i = CARDS - 1; i > 0; i--) { const k = below(i + 1); [deck[i], deck[k]] = [deck[k], deck[i]]; }
    this.spread = { id: random(12), deck, salt, seal: await digest([deck, salt]) };
    this.keep();
    this.broadcast({ t: 'spread', id: this.spread.id, seal: this.spread.seal });
    this.emit('table');
  }
  closeSpread() {
    this.spread = null;
    this.keep();
    this.broadcast({ t: 'spread' });
    this.emit('table');
  }
  pick(at) { if (this.spread && !this.host) this.broadcast({ t: 'pick', spread: this.spread.id, at }); }
  readSpread(s) { return isText(s?.id, 40) && isText(s.seal, 64) ? { id: s.id, seal: s.seal } : null; }
  onSpread(peer, message) {
    if (!peer.host) return;
    this.spread = this.readSpread(message);
    this.emit('table');
  }
  onTable(peer, { spread, drawn }) {
    if (!peer.host || !Array.isArray(drawn) || drawn.length > CARDS) return;
    this.spread = this.readSpread(spread);
    this.drawn = drawn.filter(c => Number.isInteger(c?.number) && c.number >= 0 && c.number < CARDS).map(c => ({ number: c.number, reversed: c.reversed === true }));
    this.keep();
    this.emit('table');
  }
  onPick(peer, { spread, at }) {
    if (!this.host || !this.spread || this.spread.id !== spread || !Number.isInteger(at) || at < 0 || at >= CARDS) return;
    const { id, deck, salt } = this.spread;
    this.broadcast({ t: 'card', spread: id, at, deck, salt });
    this.turnUp(at, deck);
  }
  async onCard(peer, { spread, at, deck, salt }) {
    if (!peer.host || this.spread?.id !== spread || !isDeck(deck) || !isText(salt, 64) || !Number.isInteger(at) || at < 0 || at >= CARDS) return;
    const { seal } = this.spread, honest = await digest([deck, salt]) === seal;
    if (honest) this.turnUp(at, deck);
    else this.emit('dishonest');
  }
  turnUp(at, deck) {
    const card = cardOf(deck[at]);
    this.spread = null;
    this.drawn.push(card);
    if (this.drawn.length > CARDS) this.drawn.shift();
    this.keep();
    this.emit('card', { at, card });
  }
}
