// The list of rooms, and one room.
import { avatar, h, icon, toast, when } from '../dom.js';
import { newKey } from '../madang.js';
import { Newest } from '../newest.js';
import { askRoom, bus, changed, m, readUpTo, state } from '../state.js';
import { t } from '../words.js';
import { go } from '../app.js';

const nameOf = card => card.departed ? t('departed') : card.nickname ?? '?';
const preview = last => !last ? '' : last.deleted ? t('deleted') : last.body || t('picture');

export function chatList(path) {
  const list = h('ul.list'), node = h('section.pane', { 'aria-label': t('chats') }, h('header', {}, h('h1', { text: t('chats') })), list);
  const draw = () => {
    const rooms = [...state.rooms.values()].sort((a, b) => b.last_at < a.last_at ? -1 : 1);
    list.replaceChildren(...rooms.map(r => h('li', {}, h('a.item', { href: `/chats/${r.room}`, 'aria-current': path === `/chats/${r.room}` ? 'true' : undefined },
      avatar(r.other, { online: r.open ? state.online.has(r.other.account) : undefined }),
      h('span.grow', {}, h('span.row', {}, h('span.name.grow', { text: nameOf(r.other) }), h('span.soft.small-text', { text: r.last ? when(r.last.at) : '' })),
        h('span.row', {}, h('span.preview.grow', { text: preview(r.last) }), r.unread ? h('span.badge', { text: String(r.unread), 'aria-label': `${r.unread}` }) : null))))),
      ...(rooms.length ? [] : [h('li.empty', {}, icon('chat'), h('p', { text: t('noChats') }), h('a.button', { href: '/find', text: t('find') }))]));
  };
  draw();
  for (const what of ['rooms', 'presence']) bus.addEventListener(what, draw);
  return { node, leave: () => { for (const what of ['rooms', 'presence']) bus.removeEventListener(what, draw); } };
}

function showPicture(p) {
  const d = h('dialog.picture', { 'aria-label': t('picture'), onclick: () => d.close() }, h('img', { src: p.url, alt: t('picture') }));
  d.addEventListener('close', () => d.remove());
  document.body.append(d);
  d.showModal();
}

// A signed address lasts ten minutes: an old one is made anew when it fails.
function pictureButton(p) {
  const img = h('img', { src: p.thumb_url, alt: t('picture'), loading: 'lazy', onerror: async () => {
    if (img.dataset.again) return;
    img.dataset.again = '1';
    try { Object.assign(p, await m.call('files.link', { file: p.file })); img.src = p.thumb_url; } catch { /* it is gone */ }
  } });
  return h('button.quiet', { type: 'button', 'aria-label': t('picture'), onclick: () => showPicture(p) }, img);
}

// What was written in a room and is not there yet: it outlives the page, on which it is seen again when one comes back.
const unsent = new Map(); // room → by client_id
m.on('adopted', () => unsent.clear());
m.on('signed-out', () => unsent.clear());
const unsentIn = room => {
  if (!unsent.has(room)) unsent.set(room, new Map());
  return unsent.get(room);
};

const NEAR_PX = 120; // from the end: then what comes is followed

class Chat {
  constructor(room) {
    this.room = room;
    this.newest = new Newest();
    this.messages = new Map(); // by number
    this.sending = unsentIn(room);
    this.pictures = [];
    this.log = h('div.messages', { role: 'log', 'aria-live': 'polite', 'aria-label': t('chats'), tabindex: '0' });
    this.typing = h('div.typing', { 'aria-live': 'polite' });
    this.header = h('header');
    this.previews = h('div.row.previews');
    this.box = h('textarea', { rows: '1', placeholder: t('write'), 'aria-label': t('write'), maxlength: '2000', oninput: () => this.onInput(), onkeydown: e => { if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); this.send(); } } });
    this.file = h('input', { type: 'file', accept: 'image/jpeg,image/png,image/gif,image/webp', multiple: true, hidden: true, onchange: () => this.addPictures() });
    this.composer = h('form.composer', { onsubmit: e => { e.preventDefault(); this.send(); } }, this.file,
      h('button.quiet', { type: 'button', 'aria-label': t('addPicture'), onclick: () => this.file.click() }, icon('image')), this.box, h('button.primary', { type: 'submit', 'aria-label': t('send') }, icon('send')));
    this.node = h('section.chat', {}, this.header, h('div', { style: '' }, this.log), h('div', {}, this.typing, this.previews, this.composer));
    this.node.replaceChild(this.log, this.node.children[1]);
    this.offs = [m.on('dm.message', e => e.data.room === room && this.onMessage(e.data)), m.on('dm.deleted', e => e.data.room === room && this.onDeleted(e.data.message)),
      m.on('dm.read', e => e.data.room === room && this.draw()), m.on('dm.typing', e => e.data.room === room && e.data.account !== m.account && this.onTyping()),
      m.on('resync', e => { if (e.on === `room:${room}`) this.load(); })];
    this.asks = this.newest.asker(async () => {
      if (!this.info) await askRoom(() => m.call('dm.room', { room }));
      return m.call('dm.history', { room, limit: 50 });
    }, out => this.take(out));
    // What is seen to its end stays so when pictures arrive, which have no height before.
    this.top = 0;
    this.atEnd = true;
    this.log.addEventListener('scroll', () => {
      const { scrollTop, clientHeight, scrollHeight } = this.log, up = scrollTop < this.top;
      this.top = scrollTop;
      if (scrollTop + clientHeight > scrollHeight - NEAR_PX) this.atEnd = true;
      else if (up) this.atEnd = false;
    });
    this.log.addEventListener('load', () => { if (this.atEnd) this.toEnd(); }, true);
    this.onVisible = () => { if (!document.hidden) this.markRead(); };
    this.onPresence = () => this.drawHeader();
    this.onUnsent = () => this.draw();
    bus.addEventListener('unsent', this.onUnsent);
    document.addEventListener('visibilitychange', this.onVisible);
    bus.addEventListener('presence', this.onPresence);
    bus.addEventListener('rooms', this.onPresence);
    if (this.sending.size) this.draw(true);
    this.load();
  }
  leave() {
    this.gone = true;
    this.offs.forEach(off => off());
    bus.removeEventListener('unsent', this.onUnsent);
    document.removeEventListener('visibilitychange', this.onVisible);
    bus.removeEventListener('presence', this.onPresence);
    bus.removeEventListener('rooms', this.onPresence);
    clearTimeout(this.typingTimer);
  }
  get info() { return state.rooms.get(this.room); }
  async load() {
    try {
      await this.asks();
      this.box.focus({ preventScroll: true });
    } catch (p) {
      if (this.gone) return;
      toast(p.message);
      if (p.status === 404) go('/', true);
    }
  }
  // The newest page begins the room anew: between it and what was there before, there may be a hole, or what never was.
  take(out) {
    this.unreadFrom ??= this.info?.unread ? this.info.read : 0;
    this.messages.clear();
    for (const x of out.messages) this.put(x);
    this.more = out.more;
    this.draw(true);
    this.markRead();
  }
  put(x) {
    this.sending.delete(x.client_id);
    if (!this.messages.get(x.seq)?.deleted) this.messages.set(x.seq, x);
  }
  async older() {
    const first = Math.min(...this.messages.keys()), height = this.log.scrollHeight;
    await this.newest.ask(() => m.call('dm.history', { room: this.room, before: first, limit: 50 }), out => {
      for (const x of out.messages) this.put(x);
      this.more = out.more;
      this.draw();
    });
    this.log.scrollTop += this.log.scrollHeight - height;
  }
  markRead() {
    const last = Math.max(0, ...this.messages.keys());
    if (this.gone || document.hidden || !this.info || this.info.read >= last || !last) return;
    readUpTo(this.room, last);
    m.call('dm.read', { room: this.room, seq: last }).catch(() => {});
  }
  shown(x) {
    this.put(x);
    this.typing.textContent = '';
    this.draw(x.sender === m.account || this.atEnd);
    this.markRead();
  }
  onMessage(x) { this.newest.tell(() => this.shown(x)); }
  onDeleted(seq) {
    this.newest.tell(() => {
      const x = this.messages.get(seq);
      if (x) { Object.assign(x, { deleted: true, body: '', images: [] }); this.draw(); }
    });
  }
  onTyping() {
    this.typing.textContent = `${nameOf(this.info.other)} ${t('typing')}`;
    clearTimeout(this.typingTimer);
    this.typingTimer = setTimeout(() => { this.typing.textContent = ''; }, 5000);
  }
  onInput() {
    this.box.style.height = 'auto';
    this.box.style.height = `${this.box.scrollHeight}px`;
    if (this.box.value && performance.now() - (this.typed ?? -Infinity) > 3000) { this.typed = performance.now(); m.call('dm.typing', { room: this.room }).catch(() => {}); }
  }
  addPictures() {
    const files = [...this.file.files];
    this.file.value = '';
    for (const f of files) {
      if (this.pictures.length >= 4) { toast(t('tooMany')); return; }
      const p = { file: f, url: URL.createObjectURL(f), done: m.upload(f) };
      p.done.catch(e => { toast(e.message); this.pictures = this.pictures.filter(q => q !== p); this.drawPreviews(); });
      this.pictures.push(p);
    }
    this.drawPreviews();
  }
  drawPreviews() {
    this.previews.replaceChildren(...this.pictures.map(p => h('span.thumb', {}, h('img', { src: p.url, alt: t('picture') }),
      h('button', { type: 'button', 'aria-label': t('removePicture'), text: '×', onclick: () => { this.pictures = this.pictures.filter(q => q !== p); this.drawPreviews(); } }))));
  }
  async send() {
    const body = this.box.value.trim(), pictures = this.pictures;
    if (!body && !pictures.length) return;
    const x = { client_id: newKey(), body, images: [], pictures, at: new Date(m.now()).toISOString(), sender: m.account };
    this.box.value = '';
    this.pictures = [];
    this.onInput();
    this.drawPreviews();
    this.sending.set(x.client_id, x);
    this.draw(true);
    await this.deliver(x);
  }
  async deliver(x) {
    const { client_id, body, pictures } = x, { sending } = this;
    try {
      const images = (await Promise.all(pictures.map(p => p.done))).map(f => f.file);
      await this.newest.ask(() => m.call('dm.send', { room: this.room, client_id, body, images }, { again: true }), sent => this.shown(sent));
    } catch (p) {
      x.failed = true;
      if (sending.has(client_id)) toast(p.message);
    }
    changed('unsent'); // to whichever page shows the room by now
  }
  // By the same key: what had arrived after all is not there twice.
  sendAgain(x) {
    x.failed = false;
    for (const p of x.pictures) p.done = p.done.catch(() => m.upload(p.file));
    changed('unsent');
    return this.deliver(x);
  }
  giveUp(x) {
    this.sending.delete(x.client_id);
    changed('unsent');
  }
  drawHeader() {
    const r = this.info;
    if (!r) return;
    const on = state.online.has(r.other.account);
    this.header.replaceChildren(h('a.back.button', { href: '/', 'aria-label': t('back') }, icon('back')), avatar(r.other, { online: r.open ? on : undefined }),
      h('div.grow', {}, h('h2', { style: 'margin:0' }, r.other.departed ? nameOf(r.other) : h('a', { href: `/people/${r.other.account}`, style: 'color:inherit;text-decoration:none', text: nameOf(r.other) })), h('span.soft.small-text', { text: r.open ? t(on ? 'online' : 'offline') : t('closedRoom') })));
    this.box.disabled = !r.open;
    this.composer.hidden = !r.open;
  }
  bubble(x) {
    const mine = x.sender === m.account, waiting = !x.seq;
    const pictures = [...(x.images ?? []).map(pictureButton), ...(waiting ? x.pictures.map(p => h('img', { src: p.url, alt: '' })) : [])];
    return h(`div.bubble${mine ? '.mine' : ''}${x.deleted ? '.gone' : ''}${waiting ? '.waiting' : ''}`, { 'data-seq': x.seq ? String(x.seq) : undefined },
      pictures.length ? h('div.pictures', {}, pictures) : null, x.body || x.deleted ? h('div.text', { text: x.deleted ? t('deleted') : x.body }) : null,
      h('div.meta', {}, x.failed ? [h('span.error', { text: t('failed') }), h('button.quiet.small', { type: 'button', text: t('sendAgain'), onclick: () => this.sendAgain(x) }), h('button.quiet.small', { type: 'button', text: t('remove'), onclick: () => this.giveUp(x) })] : h('span', { text: when(x.at) }), mine && x.seq && this.info?.other_read >= x.seq ? h('span.read', { text: t('read') }) : null,
        mine && x.seq && !x.deleted ? h('button.quiet.small', { type: 'button', text: t('remove'), onclick: () => m.call('dm.delete', { room: this.room, seq: x.seq }).catch(p => toast(p.message)) }) : null));
  }
  draw(down) {
    this.drawHeader();
    const out = [];
    let day = '';
    if (this.more) out.push(h('button.small', { type: 'button', style: 'align-self:center', text: t('more'), onclick: () => this.older().catch(p => toast(p.message)) }));
    for (const x of [...[...this.messages.values()].sort((a, b) => a.seq - b.seq), ...this.sending.values()]) {
      const d = when(x.at, 'day');
      if (d !== day) out.push(h('div.day', { text: day = d }));
      out.push(this.bubble(x));
      if (x.seq && x.seq === this.unreadFrom) out.push(h('div.newline', { text: t('newMessages') }));
    }
    this.log.replaceChildren(...out);
    if (down || this.atEnd) this.toEnd();
  }
  toEnd() {
    this.atEnd = true;
    this.log.scrollTop = this.log.scrollHeight;
    this.top = this.log.scrollTop;
  }
}

export function chatView(room) {
  const c = new Chat(room);
  return { node: c.node, leave: () => c.leave() };
}
