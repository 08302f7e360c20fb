// Tarot: my chats with the reader, one of them, and a reading that somebody shared.
import { ask, field, h, icon, show, toast, when } from '../dom.js';
import { m, state } from '../state.js';
import { currentLanguage, t } from '../words.js';
import { face, spread, turn } from '../cards.js';
import { Newest, pager } from '../newest.js';
import { go } from '../app.js';

const tell = p => toast(p.message);
const begin = async () => { try { go(`/tarot/${(await m.call('tarot.open', { language: currentLanguage() })).chat.chat}`); } catch (p) { tell(p); } };
const beginButton = () => h('button.primary', { type: 'button', text: t('newReading'), onclick: begin });

export function tarotList(path) {
  const list = h('div'), node = h('section.pane', { 'aria-label': t('tarot') }, h('header', {}, h('h1.grow', { text: t('tarot') }), beginButton()),
    h('a.item.to-video', { href: '/video' }, icon('camera'), h('span.grow', {}, h('span.name', { text: t('consultation') }), h('span.preview', { text: t('consultationShort') }))), list);
  const item = c => h('li', {}, h('a.item', { href: `/tarot/${c.chat}`, 'aria-current': path === `/tarot/${c.chat}` ? 'true' : undefined },
    h('img.mini', { src: c.card ? `/cards/${String(c.card.number).padStart(2, '0')}.svg` : '/cards/back.svg', alt: '' }),
    h('span.grow', {}, h('span.row', {}, h('span.name.grow', { text: c.title || t('untitled') }), h('span.soft.small-text', { text: when(c.at) })), h('span.preview', { text: c.card ? c.card.name[currentLanguage()] : t('noCardYet') }))));
  const load = pager(async before => {
    const out = await m.call('tarot.list', before ? { before } : {}, { rest: true });
    return { items: out.chats, next: out.next };
  }, (chats, more) => {
    list.replaceChildren();
    for (const c of chats) {
      const day = when(c.at, 'day');
      if (list.querySelector('ul:last-of-type')?.dataset.day !== day) list.append(h('h2.day', { text: day }), h('ul.list', { 'data-day': day }));
      list.querySelector('ul:last-of-type').append(item(c));
    }
    if (more) list.append(h('button.more', { type: 'button', text: t('more'), onclick: () => more().catch(tell) }));
    if (!list.children.length) list.append(h('div.empty', {}, icon('moon'), h('p', { text: t('noReadings') })));
  });
  load().catch(tell);
  const offs = ['tarot.ended', 'tarot.result', 'tarot.renamed'].map(n => m.on(n, () => load().catch(tell)));
  return { node, leave: () => offs.forEach(off => off()) };
}

export const tarotHome = () => ({ node: h('div.empty.tarot-home', {}, h('img', { src: '/cards/back.svg', alt: '', width: '150', height: '260' }), h('h1', { text: t('tarotTitle') }), h('p', { text: t('tarotSays') }), h('div.row.middle', {}, beginButton(), h('a.button', { href: '/video' }, icon('camera'), t('consultation')))) });

class Reading {
  constructor(chat) {
    this.chat = chat;
    this.newest = new Newest();
    this.lines = new Map(); // by number
    this.turn = null;       // { turn, text } while the reader speaks
    this.latest = 0;        // number of the newest turn that is known of
    this.asks = this.newest.asker(() => this.read(), out => this.take(out));
    this.log = h('div.messages', { role: 'log', 'aria-live': 'polite', 'aria-label': t('tarot'), tabindex: '0' });
    this.speech = h('div.text');
    this.speaking = h('div.bubble.speaking', { hidden: true, 'aria-live': 'off' }, this.speech);
    this.below = h('div');
    this.header = h('header');
    this.box = h('textarea', { rows: '1', placeholder: t('tellReader'), 'aria-label': t('tellReader'), maxlength: '1000', onkeydown: e => { if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) { e.preventDefault(); this.say(); } } });
    this.stop = h('button.quiet', { type: 'button', text: t('stopTalking'), hidden: true, onclick: () => m.call('tarot.stop', { chat }).catch(tell) });
    this.send = h('button.primary', { type: 'submit', 'aria-label': t('send') }, icon('send'));
    this.composer = h('form.composer', { onsubmit: e => { e.preventDefault(); this.say(); } }, this.box, this.stop, this.send);
    this.node = h('section.chat.tarot', {}, this.header, this.log, h('div', {}, this.below, this.composer));
    const mine = run => e => e.data.chat === chat && run(e.data);
    this.offs = [m.on('tarot.started', mine(d => this.started(d))), m.on('tarot.delta', mine(d => this.delta(d))), m.on('tarot.ended', mine(d => this.ended(d))), m.on('tarot.failed', mine(d => this.failed(d))),
      m.on('tarot.spread', mine(() => this.load())), m.on('tarot.card', mine(() => this.load())), m.on('tarot.result', mine(() => this.load())), m.on('open', () => this.load()),
      m.on('resync', e => { if (e.on === `tarot:${chat}`) { this.anew = true; this.load(); } })];
    this.load();
  }
  leave() { this.offs.forEach(off => off()); this.gone = true; }

  // What is known is asked for from its end on; from the beginning when the server may have gone back behind it.
  async read() {
    const { anew } = this, lines = [];
    let since = anew ? 0 : Math.max(0, ...this.lines.keys());
    for (;;) {
      const out = await m.call('tarot.read', { chat: this.chat, since });
      lines.push(...out.lines);
      if (!out.more) { this.anew = false; return { ...out, lines, anew }; }
      since = lines.at(-1).seq;
    }
  }
  take(out) {
    if (out.anew) { this.lines.clear(); this.latest = 0; }
    this.info = out.chat;
    this.notice = out.notice;
    for (const l of out.lines) this.lines.set(l.seq, l);
    this.turn = null;
    if (out.turn && out.turn.turn >= this.latest) { this.begin(out.turn.turn); this.turn.text = out.turn.text; }
    if (!this.gone) this.draw();
  }
  async load() {
    try { await this.asks(); } catch (p) {
      if (this.gone) return;
      if (p.status === 404) go('/tarot', true); else if (p.code !== 'connection-lost') tell(p);
    }
  }
  // --- what is told; a turn that is over is not gone back to ---
  begin(turn) {
    this.latest = turn;
    if (this.turn?.turn !== turn) this.turn = { turn, text: '' };
    this.problem = null;
  }
  tell(turn, change) { this.newest.tell(() => { if (turn >= this.latest) change(); }); }
  started(d) { this.tell(d.turn, () => this.begin(d.turn)); if (this.info) this.draw(); }
  delta(d) {
    this.tell(d.turn, () => {
      if (this.turn?.turn !== d.turn || d.from > this.turn.text.length) { this.load(); return; }
      this.turn.text += d.text.slice(this.turn.text.length - d.from);
      this.speak();
    });
  }
  ended(d) {
    this.tell(d.turn, () => {
      this.latest = d.turn;
      this.turn = null;
      if (d.line) this.lines.set(d.line.seq, d.line);
      if (this.info) this.draw();
    });
    this.load();
  }
  failed(d) {
    this.tell(d.turn, () => { this.latest = d.turn; this.turn = null; this.problem = d.problem; if (this.info) this.draw(); });
    this.load();
  }

  async say() {
    const text = this.box.value.trim();
    if (!text || this.turn) return;
    this.box.value = '';
    try { await m.call('tarot.say', { chat: this.chat, text }); this.load(); } catch (p) { this.box.value = text; tell(p); }
  }
  speak() {
    const atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 80;
    this.speech.textContent = this.turn?.text || '…';
    if (atEnd) this.log.scrollTop = this.log.scrollHeight;
  }
  draw() {
    const c = this.info;
    this.header.replaceChildren(h('a.button.quiet.back', { href: '/tarot', 'aria-label': t('back') }, icon('back')), h('h1.grow', { text: c.title || t('untitled') }),
      h('button.small', { type: 'button', text: t('rename'), onclick: () => ask(t('rename'), [field('title', t('title'), { value: c.title, maxlength: '30' })], t('save'), async v => { await m.call('tarot.rename', { chat: this.chat, title: v.title }); this.newest.tell(() => { this.info.title = v.title; this.draw(); }); m.emit('tarot.renamed', {}); }) }),
      h('button.small.danger', { type: 'button', text: t('remove'), onclick: () => ask(t('removeReading'), [], t('remove'), async () => { await m.call('tarot.remove', { chat: this.chat }); go('/tarot', true); }) }));
    this.log.replaceChildren(h('p.notice', { text: this.notice }), ...[...this.lines.values()].sort((a, b) => a.seq - b.seq).map(l => this.line(l)), this.speaking);
    this.speaking.hidden = this.stop.hidden = !this.turn;
    this.send.hidden = Boolean(this.turn);
    this.speak();
    this.drawBelow();
    this.log.scrollTop = this.log.scrollHeight;
  }
  line(l) {
    if (l.by === 'card') return h('figure.drawn', {}, face(this.info.card), h('figcaption', {}, h('strong', { text: `${this.info.card.name[currentLanguage()]} · ${t(this.info.card.reversed ? 'reversed' : 'upright')}` }), h('p', { text: this.info.card.meaning })));
    return h(`div.bubble${l.by === 'visitor' ? '.mine' : ''}${l.by === 'reading' ? '.reading' : ''}${l.by === 'help' ? '.help' : ''}`, {}, h('div.text', { text: l.body }), h('div.meta', {}, h('span', { text: when(l.at) })));
  }
  drawBelow() {
    const c = this.info, parts = [];
    if (this.problem) parts.push(h('p.error', { role: 'alert' }, this.problem.title, ' ', c.state === 'drawn' ? h('button.small', { type: 'button', text: t('readAgain'), onclick: () => this.drawCard() }) : t('goOn')));
    if (c.state === 'spread' && !this.turn) parts.push(this.spread ??= this.makeSpread());
    else this.spread = null;
    if (c.state === 'drawn' && !this.turn && !this.problem) parts.push(h('p.error', {}, h('button.small', { type: 'button', text: t('readAgain'), onclick: () => this.drawCard() })));
    if (c.state === 'done') parts.push(h('div.row.result', {}, h('button', { type: 'button', text: t('copyReading'), onclick: () => this.copy([...this.lines.values()].find(l => l.by === 'reading').body) }), h('button.primary', { type: 'button', text: t('share'), onclick: () => this.share() }),
      c.path ? h('button.quiet', { type: 'button', text: t('unshare'), onclick: async () => { await this.newest.ask(() => m.call('tarot.unshare', { chat: this.chat }), () => { this.info.path = null; this.drawBelow(); }); } }) : null, beginButton()));
    this.composer.hidden = ['drawn', 'done'].includes(c.state);
    this.below.replaceChildren(...parts);
  }
  // All cards face down; whichever is picked, the server has drawn.
  makeSpread() { return spread(t('pickCard'), (_, button) => this.pick(button)); }
  async pick(button) {
    if (this.picking) return;
    this.picking = true;
    button.classList.add('picked');
    try {
      const out = await m.call('tarot.draw', { chat: this.chat });
      await turn(button, out.card);
    } catch (p) { button.classList.remove('picked'); tell(p); } finally { this.picking = false; this.load(); }
  }
  async drawCard() { try { await m.call('tarot.draw', { chat: this.chat }); } catch (p) { tell(p); } }
  async copy(text) { try { await navigator.clipboard.writeText(text); toast(t('copied')); } catch { show(t('copyReading'), [field('text', t('body'), { tag: 'textarea', rows: '10', text })]); } }
  async share() {
    try {
      const { path } = await this.newest.ask(() => m.call('tarot.share', { chat: this.chat }), out => { this.info.path = out.path; this.drawBelow(); }), url = location.origin + path;
      if (navigator.share && matchMedia('(pointer: coarse)').matches) await navigator.share({ title: this.info.card.name[currentLanguage()], url }).catch(() => {});
      else await this.copy(url);
    } catch (p) { tell(p); }
  }
}

export function tarotView(chat) {
  const r = new Reading(chat);
  return { node: r.node, leave: () => r.leave() };
}
