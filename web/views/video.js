// Consultation by video: opening a room, the door with its mirror, the room itself.
import { ask, avatar, field, form, h, icon, show, toast } from '../dom.js';
import { m, state } from '../state.js';
import { json, tab } from '../storage.js';
import { currentLanguage, t } from '../words.js';
import { Consultation } from '../consultation.js';
import { face, spread, turn } from '../cards.js';
import { Devices, Ears } from '../devices.js';
import { go, holdHere } from '../app.js';

const tell = p => toast(p.message);
const ROOM = /([a-z2-9]{10})(?:#(.+))?\s*$/, HEARD = 0.02, SPEAKS_MS = 700, SHOWN_MAX = 300, IMAGE_SIDE = 160;
const isMember = () => state.me && !['guest', 'newcomer'].includes(state.me.role);
const memory = key => ({ load: () => json(tab.get(key)), save: what => tab.set(key, JSON.stringify(what)) });

// --- opening a room, or finding the one that one was invited to ---
function invitation(room) {
  const url = `${location.origin}${room.path}#${encodeURIComponent(room.password)}`, text = `${url}\n${t('password')}: ${room.password}`;
  const copy = async () => { try { await navigator.clipboard.writeText(text); toast(t('copied')); } catch { show(t('copyInvitation'), [field('text', t('invitation'), { tag: 'textarea', rows: '4', text })]); } };
  const share = () => navigator.share({ text: `${t('password')}: ${room.password}`, url }).catch(() => {});
  return h('div.card.stack', { role: 'status' }, h('h2', { text: t('roomOpened') }), h('p.soft', { text: t('roomOpenedSays') }),
    h('dl.facts', {}, h('dt', { text: t('roomAddress') }), h('dd', {}, h('a', { href: room.path, text: `${location.host}${room.path}` })), h('dt', { text: t('password') }), h('dd', {}, h('code', { text: room.password }))),
    h('div.row', {}, h('button.primary', { type: 'button', text: t('enterRoom'), onclick: () => go(room.path) }), h('button', { type: 'button', text: t('copyInvitation'), onclick: copy }), navigator.share && matchMedia('(pointer: coarse)').matches ? h('button', { type: 'button', text: t('share'), onclick: share }) : null));
}

export function videoHome() {
  const narrow = h('div.narrow.stack', {}, h('header', {}, h('a.button.quiet', { href: '/tarot', 'aria-label': t('back') }, icon('back')), h('h1', { text: t('consultation') })), h('p', { text: t('consultationSays') }));
  const opening = h('div');
  if (isMember()) {
    opening.append(h('div.card', {}, h('h2', { text: t('openRoom') }), form([
      field('title', t('roomTitle'), { maxlength: '30', placeholder: t('roomTitleHint') }), field('password', t('roomPassword'), { maxlength: '64', placeholder: t('roomPasswordHint'), autocomplete: 'off' }),
    ], t('openRoom'), async v => {
      const out = await m.call('video.open', { ...(v.title ? { title: v.title } : {}), ...(v.password ? { password: v.password } : {}) });
      opening.replaceChildren(invitation(out));
      opening.querySelector('button').focus();
    })));
  }
  narrow.append(opening, h('div.card', {}, h('h2', { text: t('invited') }), form([field('room', t('roomCode'), { placeholder: `${location.host}/video/…`, autocomplete: 'off' })], t('toTheDoor'), v => {
    const found = ROOM.exec(v.room.trim());
    if (!found) throw { code: 'room', title: t('noSuchRoom'), errors: [{ pointer: '/room', detail: t('noSuchRoom') }] };
    go(`/video/${found[1]}${found[2] ? `#${found[2]}` : ''}`);
  })));
  return { node: h('div.page', {}, narrow) };
}

async function smallPicture(source) {
  const image = await createImageBitmap(source), side = Math.min(image.width, image.height), canvas = h('canvas', { width: IMAGE_SIDE, height: IMAGE_SIDE });
  canvas.getContext('2d').drawImage(image, (image.width - side) / 2, (image.height - side) / 2, side, side, 0, 0, IMAGE_SIDE, IMAGE_SIDE);
  return new Promise(r => canvas.toBlob(r, 'image/jpeg', 0.85));
}

// --- the room ---
class Room {
  constructor(code) {
    this.code = code;
    this.devices = new Devices();
    this.ears = new Ears();
    this.settings = memory(`video:${code}`);
    this.was = this.settings.load() ?? {};
    this.node = h('section.consult');
    this.devices.trouble = kind => toast(t(kind === 'audio' ? 'noMicrophone' : 'noCamera'));
    this.devices.changed = kind => this.useTrack(kind);
    let hash = location.hash.slice(1);
    try { hash = decodeURIComponent(hash); } catch { /* then as it is */ }
    if (hash) { this.was.password = hash; this.settings.save(this.was); history.replaceState(null, '', location.pathname); } // not for a shared screen
    if (isMember() && state.me.avatar_url) fetch(state.me.avatar_url).then(r => r.blob()).then(smallPicture).then(image => { this.image = image; this.consultation?.tell({ image }); }).catch(() => {});
    this.was.inside ? this.enter() : this.door();
  }
  remember(what) { Object.assign(this.was, what); this.settings.save(this.was); }
  leave() {
    this.gone = true;
    if (this.consultation?.joined) { this.remember({ inside: false }); this.consultation.leave(); }
    this.stop();
  }
  stop() {
    holdHere(null);
    removeEventListener('beforeunload', this.stay);
    this.devices.stop();
    this.ears.stop();
  }
  stay = e => { e.preventDefault(); e.returnValue = ''; };

  // The door: who I am, how I look and sound.
  async door(problem) {
    const { devices } = this;
    const mirror = h('video', { autoplay: true, playsInline: true, muted: true, 'aria-label': t('mirror') }), level = h('span.level', {}, h('i')), dark = h('p.dark', { text: t('cameraOff') }), choices = h('div.choices');
    const toggle = (kind, on, off) => { const b = h('button.round.device', { type: 'button', onclick: async () => { devices.wanted[kind] = !devices.wanted[kind]; await look(kind); } }); b.draw = () => { b.replaceChildren(icon(kind === 'audio' ? (devices.wanted.audio ? 'mic' : 'micOff') : devices.wanted.video ? 'camera' : 'cameraOff')); b.setAttribute('aria-pressed', String(devices.wanted[kind])); b.setAttribute('aria-label', t(devices.wanted[kind] ? on : off)); }; return b; };
    const buttons = { audio: toggle('audio', 'microphoneOn', 'microphoneOff'), video: toggle('video', 'cameraOn', 'cameraOff') };
    const look = async (kind, track) => {
      track ??= await devices.get(kind);
      if (this.gone) devices.stop();
      if (this.gone || this.consultation) return;
      if (kind === 'video') { mirror.srcObject = track ? new MediaStream([track]) : null; mirror.hidden = !track; dark.hidden = Boolean(track); }
      if (kind === 'audio') track ? this.ears.add('me', new MediaStream([track]), v => { level.firstChild.style.width = `${Math.min(100, v * 400)}%`; }) : (this.ears.remove('me'), level.firstChild.style.width = '0');
      buttons[kind].draw();
    };
    const name = field('name', t('yourName'), { maxlength: '20', value: this.was.name ?? state.me?.nickname ?? '', autocomplete: 'nickname' });
    const password = field('password', t('roomPassword'), { type: 'password', maxlength: '64', autocomplete: 'off', value: this.was.password ?? '' });
    const title = h('h1', { text: t('consultation') }), says = h('p.soft', { text: t('doorSays') });
    const picture = field('picture', t('myPicture'), { type: 'file', accept: 'image/*', onchange: e => { const [file] = e.target.files; if (file) smallPicture(file).then(image => { this.image = image; }).catch(() => toast(t('noPicture'))); } });
    const f = form([name, password, picture, choices], t('enterRoom'), async v => {
      this.remember({ name: v.name.trim() || t('guest'), password: v.password || undefined, wanted: devices.wanted, ids: devices.ids });
      await m.call('video.check', { room: this.code, ...(v.password ? { password: v.password } : {}) }).then(out => { if (out.full) throw { code: 'video.full', title: t('roomFull') }; });
      await this.enter(v.password);
    }, h('a', { href: '/video', text: t('back') }));
    this.node.replaceChildren(h('div.door', {}, h('div.mirror', {}, mirror, dark, h('div.row.over', {}, buttons.audio, level, buttons.video)), h('div.panel', {}, title, says, problem ? h('p.error', { role: 'alert', text: problem }) : null, f)));
    Object.values(buttons).forEach(b => b.draw());
    m.call('video.check', { room: this.code, ...(this.was.password ? { password: this.was.password } : {}) }).then(out => { title.textContent = out.title || t('consultation'); password.hidden = out.host; says.textContent = t(out.host ? 'doorSaysHost' : 'doorSays'); }).catch(() => {});
    await (this.looking = devices.getAll().then(() => Promise.all(['audio', 'video'].map(kind => look(kind, devices.tracks[kind])))));
    if (!this.gone && !this.consultation) choices.replaceChildren(await devices.choice('audio', t('microphone'), () => look('audio')), await devices.choice('video', t('camera'), () => look('video')));
  }

  async enter(password = this.was.password) {
    const { devices } = this, consultation = new Consultation(m, this.code, memory(`video-talk:${this.code}`));
    await this.looking;
    Object.assign(devices, { wanted: this.was.wanted ?? devices.wanted, ids: this.was.ids ?? devices.ids });
    await devices.getAll();
    await consultation.setTracks(devices.tracks);
    consultation.tell({ name: this.was.name ?? t('guest'), image: this.image ?? null, mic: Boolean(devices.tracks.audio), cam: Boolean(devices.tracks.video) });
    try { await consultation.join(password); } catch (p) {
      consultation.shut();
      if (!this.was.inside) throw p;
      this.remember({ inside: false }); // a reload that came too late
      this.door(p.message);
      return;
    }
    if (this.gone) { devices.stop(); consultation.leave(); return; }
    this.consultation = consultation;
    this.remember({ inside: true });
    this.build();
  }
  async useTrack(kind) {
    const track = this.devices.tracks[kind], { consultation } = this;
    if (!consultation) return;
    await consultation.setTracks({ [kind]: track });
    consultation.tell({ [kind === 'audio' ? 'mic' : 'cam']: Boolean(track) });
    this.draw();
  }

  build() {
    const c = this.consultation;
    this.tiles = new Map();
    this.ears.remove('me'); // the mirror's
    this.stage = h('div.stage', { role: 'group', 'aria-label': t('peopleHere') });
    this.status = h('p.waiting', { role: 'status' });
    this.table = h('div.table');
    this.log = h('div.messages', { role: 'log', 'aria-live': 'polite', 'aria-label': t('talkTab'), tabindex: '0' });
    this.box = h('textarea', { rows: '1', placeholder: t('write'), 'aria-label': t('write'), maxlength: '1000', onkeydown: e => { if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); this.say(); } } });
    this.side = h('aside.side', { id: 'talk', 'aria-label': t('talkTab') }, h('header', {}, h('h2.grow', { text: t('talkTab') }), h('button.quiet.fold', { type: 'button', 'aria-label': t('close'), text: '×', onclick: () => this.fold(false) })), this.log, h('form.composer', { onsubmit: e => { e.preventDefault(); this.say(); } }, this.box, h('button.primary', { type: 'submit', 'aria-label': t('send') }, icon('send'))));
    const control = (name, label, onclick, props = {}) => h('button.round', { type: 'button', 'aria-label': label, title: label, onclick, ...props }, icon(name));
    this.mic = control('mic', '', () => this.toggle('audio'), { class: 'round device' });
    this.cam = control('camera', '', () => this.toggle('video'), { class: 'round device' });
    this.cards = c.host ? control('cards', t('openSpread'), () => c.spread ? c.closeSpread() : c.openSpread(), { class: 'round lay' }) : null;
    this.talk = control('chat', t('talkTab'), () => this.fold(!this.side.classList.contains('open')), { 'aria-controls': 'talk', 'aria-expanded': 'false' });
    this.unread = h('span.badge', { hidden: true });
    this.talk.append(this.unread);
    this.node.replaceChildren(h('header.bar', {}, h('h1.grow', { text: c.title || t('consultation') }), h('span.soft.small-text', { text: this.code })), h('div.scene', {}, this.stage, this.status, this.table), this.side,
      h('div.controls', { role: 'toolbar', 'aria-label': t('controls') }, this.mic, this.cam, this.cards, this.talk, control('gear', t('deviceSettings'), () => this.chooseDevices()), h('button.round.end', { type: 'button', 'aria-label': t('leaveRoom'), title: t('leaveRoom'), onclick: () => this.askToLeave().then(yes => yes && this.out()) }, icon('hangUp'))));
    c.on('peers', () => this.draw());
    c.on('chat', entry => { this.note(entry); if (!entry.mine && !this.side.classList.contains('open')) { this.unseen = (this.unseen ?? 0) + 1; this.unread.textContent = String(this.unseen); this.unread.hidden = false; } });
    c.on('table', () => this.drawTable());
    c.on('card', ({ at, card }) => this.turnUp(at, card));
    c.on('dishonest', () => toast(t('dishonest')));
    c.on('closed', reason => this.closed(reason));
    c.log.forEach(entry => this.note(entry));
    holdHere(() => this.askToLeave());
    addEventListener('beforeunload', this.stay);
    this.draw();
    this.drawTable();
    this.mic.focus({ preventScroll: true });
  }
  fold(open) {
    this.side.classList.toggle('open', open);
    this.talk.setAttribute('aria-expanded', String(open));
    this.unseen = 0;
    this.unread.hidden = true;
    if (open) this.box.focus();
    this.log.scrollTop = this.log.scrollHeight;
  }

  // One tile for each person; mine is last.
  tile(key, mine) {
    if (this.tiles.has(key)) return this.tiles.get(key);
    const video = h('video', { autoplay: true, playsInline: true, muted: mine }), who = h('span.who'), blank = h('div.blank');
    const tile = { node: h(`figure.tile${mine ? '.mine' : ''}`, {}, video, blank, h('figcaption', {}, who)), video, who, blank };
    this.tiles.set(key, tile);
    return tile;
  }
  fill(key, { name, image, mic, cam, stream, mine, note, kick }) {
    const tile = this.tile(key, mine), shows = cam && stream.getVideoTracks().length > 0, audio = stream.getAudioTracks()[0];
    if (tile.video.srcObject !== stream) tile.video.srcObject = stream;
    tile.video.hidden = !shows;
    if (!mine && tile.video.paused && stream.getTracks().length) tile.video.play().then(() => this.sound?.remove(), e => e.name === 'NotAllowedError' && this.askForSound());
    if (image !== tile.image) { URL.revokeObjectURL(tile.url); tile.image = image; tile.url = image ? URL.createObjectURL(image) : undefined; }
    tile.blank.hidden = shows;
    tile.blank.replaceChildren(avatar({ nickname: name || '?', avatar_url: tile.url }, { big: true }), note ? h('p', { text: note }) : '');
    tile.who.replaceChildren(...[mic ? null : icon('micOff'), mine ? `${name} (${t('isSelf')})` : name || '…', kick && (tile.kick ??= kick())].filter(Boolean));
    if (!mine && name && !tile.greeted) { tile.greeted = name; toast(`${t('cameIn')}: ${name}`); }
    tile.node.setAttribute('aria-label', `${name || t('guest')}${mic ? '' : `, ${t('microphoneOff')}`}${shows ? '' : `, ${t('cameraOff')}`}`);
    if (!audio) this.ears.remove(key);
    else if (!this.ears.hears(key, audio)) this.ears.add(key, stream, v => {
      if (v > HEARD) tile.heard = performance.now();
      tile.node.classList.toggle('speaking', performance.now() - tile.heard < SPEAKS_MS);
    });
    return tile.node;
  }
  draw() {
    const c = this.consultation;
    if (!c?.joined) return;
    const peers = [...c.peers.values()], nodes = peers.map(p => this.fill(p.id, { name: p.name, image: p.image, mic: p.mic, cam: p.cam, stream: p.stream, note: p.away ? t('comesBack') : p.connected ? '' : t('connecting'),
      kick: c.host && (() => h('button.quiet.small', { type: 'button', text: t('sendOut'), onclick: () => ask(t('sendOutSure'), [], t('sendOut'), () => c.kick(p.id)) })) }));
    nodes.push(this.fill('me', { name: this.was.name ?? t('guest'), image: this.image, mic: c.me.mic, cam: c.me.cam, stream: c.stream, mine: true }));
    for (const [key, tile] of this.tiles) if (key !== 'me' && !c.peers.has(key)) { this.ears.remove(key); URL.revokeObjectURL(tile.url); tile.node.remove(); this.tiles.delete(key); if (tile.greeted) toast(`${t('wentOut')}: ${tile.greeted}`); }
    nodes.forEach((node, i) => { if (this.stage.children[i] !== node) this.stage.insertBefore(node, this.stage.children[i] ?? null); });
    this.stage.dataset.count = String(nodes.length);
    this.status.textContent = peers.length ? '' : t(c.host ? 'waitingForGuest' : 'waitingForHost');
    this.status.hidden = peers.length > 0;
    for (const [button, on, kind, name, off] of [[this.mic, c.me.mic, 'microphone', 'mic', 'micOff'], [this.cam, c.me.cam, 'camera', 'camera', 'cameraOff']]) {
      button.replaceChildren(icon(on ? name : off));
      button.setAttribute('aria-pressed', String(on));
      button.setAttribute('aria-label', t(`${kind}${on ? 'On' : 'Off'}`));
      button.title = t(`${kind}${on ? 'On' : 'Off'}`);
    }
  }
  askForSound() {
    if (this.sound?.isConnected) return;
    this.sound = h('button.primary.sound', { type: 'button', text: t('soundOn'), onclick: () => { this.stage.querySelectorAll('video').forEach(v => v.play().catch(() => {})); this.ears.context?.resume(); this.sound.remove(); } });
    this.stage.after(this.sound);
  }
  async toggle(kind) {
    const { devices } = this;
    devices.wanted[kind] = !devices.tracks[kind];
    this.remember({ wanted: devices.wanted });
    devices.wanted[kind] ? await devices.get(kind) : devices.drop(kind);
    await this.useTrack(kind);
  }
  async chooseDevices() {
    const { devices } = this, take = kind => async () => { devices.wanted[kind] = true; await devices.get(kind); this.remember({ ids: devices.ids, wanted: devices.wanted }); await this.useTrack(kind); };
    show(t('deviceSettings'), [await devices.choice('audio', t('microphone'), take('audio')), await devices.choice('video', t('camera'), take('video'))]);
  }

  // --- talk ---
  say() {
    const text = this.box.value.trim(), c = this.consultation;
    if (!text) return;
    if (![...c.peers.values()].some(p => p.open)) { toast(t('nobodyHears')); return; }
    this.box.value = '';
    c.say(text);
  }
  note(entry) {
    const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 80;
    this.log.append(h(`div.bubble${entry.mine ? '.mine' : ''}`, {}, entry.mine || !entry.name ? null : h('div.from', { text: entry.name }), h('div.text', { text: entry.text })));
    if (this.log.children.length > SHOWN_MAX) this.log.firstChild.remove();
    if (atEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  // --- the cards ---
  drawTable() {
    const c = this.consultation;
    if (this.turning) return;
    this.cards?.setAttribute('aria-pressed', String(Boolean(c.spread)));
    if (this.cards) this.cards.title = t(c.spread ? 'closeSpread' : 'openSpread');
    this.cards?.setAttribute('aria-label', this.cards.title);
    if (c.spread && this.spreadId !== c.spread.id) this.spreadBox = spread(t(c.host ? 'guestPicks' : 'pickCard'), c.host ? null : at => c.pick(at));
    this.spreadId = c.spread?.id;
    this.table.replaceChildren(...[c.spread ? this.spreadBox : null, c.drawn.length ? h('div.drawn-cards', { role: 'list', 'aria-label': t('drawnCards') }, c.drawn.map(card => h('div.one', { role: 'listitem' }, this.cardFace(card)))) : null].filter(Boolean));
    this.node.classList.toggle('with-table', this.table.children.length > 0);
  }
  cardFace(drawn) {
    const button = h('button.quiet', { type: 'button' });
    deck().then(cards => {
      const card = { ...drawn, name: cards[drawn.number] }, way = t(drawn.reversed ? 'reversed' : 'upright'), name = card.name[currentLanguage()];
      button.append(face(card), h('span', { text: `${name} · ${way}` }));
      button.onclick = () => show(`${name} · ${way}`, [h('div.drawn', {}, face(card), h('p', { text: card.name[drawn.reversed ? 'reversed' : 'upright'][currentLanguage()] }))]);
    }).catch(() => button.append(h('span', { text: String(drawn.number) })));
    return button;
  }
  async turnUp(at, drawn) {
    const cards = await deck().catch(() => null), button = this.spreadBox?.querySelectorAll('.card-back')[at];
    if (button?.isConnected && cards) {
      this.turning = true;
      await turn(button, { ...drawn, name: cards[drawn.number] });
      this.turning = false;
    }
    this.drawTable();
  }

  // --- leaving ---
  askToLeave() {
    return new Promise(resolve => {
      let yes = false;
      const d = ask(t('leaveRoom'), [h('p', { text: t(this.consultation.host ? 'leaveSureHost' : 'leaveSureGuest') })], t('leaveRoom'), () => { yes = true; });
      d.addEventListener('close', () => resolve(yes));
    });
  }
  out() { this.leave(); go('/video'); }
  closed(reason) {
    this.remember({ inside: false });
    this.stop();
    this.consultation = null;
    this.node.replaceChildren(h('div.empty', {}, icon('hangUp'), h('h1', { text: t('roomClosed') }), h('p', { role: 'alert', text: t(`closed-${reason}`) }), h('a.button', { href: '/video', text: t('back') })));
  }
}

let cards;
const deck = () => cards ??= m.call('tarot.cards', {}, { rest: true }).then(out => out.cards).catch(e => { cards = null; throw e; });

export function videoRoom(code) {
  const r = new Room(code);
  return { node: r.node, leave: () => r.leave() };
}
