// The single-page application: routes, the house around the pages.
import { h, icon, toast } from './dom.js';
import { bus, loadMe, loadRequests, loadRooms, m, notify, state, unread } from './state.js';
import { t } from './words.js';
import { gate, onboarding } from './views/gate.js';
import { chatList, chatView } from './views/chat.js';
import { friendsPage, findPage, personPage } from './views/people.js';
import { mePage } from './views/me.js';
import { noticesPage, managePage } from './views/notices.js';
import { tarotHome, tarotList, tarotView } from './views/tarot.js';
import { videoHome, videoRoom } from './views/video.js';

const app = document.getElementById('app');
let leave = null; // what the present page wants done when it goes
let hold = null;  // asks whether it may go at all
let here = location.pathname;

export function go(path, replace) {
  if (hold && !replace) { letGo(() => go(path)); return; }
  history[replace ? 'replaceState' : 'pushState'](null, '', path);
  route();
}
// Until holdHere(null), whoever goes elsewhere in these pages is asked first: run() promises yes or no.
export function holdHere(run) { hold = run; }
async function letGo(then) {
  if (!await hold()) return;
  hold = null;
  then();
}
addEventListener('popstate', () => {
  if (!hold) { route(); return; }
  const to = location.pathname;
  history.pushState(null, '', here);
  letGo(() => go(to));
});
document.addEventListener('click', e => {
  const a = e.target.closest('a[href^="/"]');
  if (!a || a.target || a.hasAttribute('download') || e.metaKey || e.ctrlKey || a.getAttribute('href').startsWith('/api')) return;
  e.preventDefault();
  go(a.getAttribute('href'));
});

const pages = [
  { path: /^\/$|^\/chats$/, nav: 'chats', pane: chatList, view: () => ({ node: h('div.empty', {}, icon('chat'), h('p', { text: t('pickChat') })) }) },
  { path: /^\/chats\/(\d+)$/, nav: 'chats', pane: chatList, view: match => chatView(Number(match[1])), detail: true },
  { path: /^\/friends$/, nav: 'friends', view: friendsPage },
  { path: /^\/find$/, nav: 'find', view: findPage },
  { path: /^\/people\/(\d+)$/, nav: 'find', view: match => personPage(Number(match[1])) },
  { path: /^\/tarot$/, nav: 'tarot', guests: true, pane: tarotList, view: tarotHome },
  { path: /^\/tarot\/(\d+)$/, nav: 'tarot', guests: true, pane: tarotList, view: match => tarotView(Number(match[1])), detail: true },
  { path: /^\/video$/, nav: 'tarot', guests: true, view: videoHome },
  { path: /^\/video\/([a-z2-9]{10})$/, guests: true, bare: true, view: match => videoRoom(match[1]) },
  { path: /^\/notices$/, nav: 'notices', view: noticesPage },
  { path: /^\/manage$/, nav: 'manage', view: managePage },
  { path: /^\/me$/, nav: 'me', view: mePage },
];

const GATES = ['/login', '/signup', '/forgot', '/password-reset']; // where a guest becomes a member, and takes along what is theirs
const isGuest = () => state.me?.role === 'guest';
function navigation(current) {
  const link = (name, href, glyph, badge) => h('a', { href, 'aria-current': current === name ? 'page' : undefined }, icon(glyph), t(name), badge ? h('span.badge', { text: String(badge) }) : null);
  const nav = h('nav.main', { 'aria-label': t('main') });
  const draw = () => nav.replaceChildren(
    h('a.brand', { href: '/', 'aria-label': t('name') }, h('img', { src: '/icon.svg', alt: '' })),
    ...(isGuest() ? [link('tarot', '/tarot', 'moon'), link('login', '/login', 'me')] : [
    link('chats', '/', 'chat', unread()), link('friends', '/friends', 'people', state.requests), link('find', '/find', 'search'), link('tarot', '/tarot', 'moon'), link('notices', '/notices', 'bell'),
    ...(['manager', 'admin'].includes(state.me?.role) ? [link('manage', '/manage', 'shield')] : []), link('me', '/me', 'me')]));
  draw();
  for (const what of ['rooms', 'requests', 'me']) bus.addEventListener(what, draw);
  nav.forget = () => { for (const what of ['rooms', 'requests', 'me']) bus.removeEventListener(what, draw); };
  return nav;
}

// Since when there is no connection: another page does not bring it back, and one more attempt is not a beginning.
const BANNER_MS = 1200;
let lostAt = null;
m.on('closed', () => { lostAt ??= performance.now(); });
m.on('open', () => { lostAt = null; });
function banner() {
  const b = h('div.banner', { role: 'status', text: t('reconnecting'), hidden: true });
  let timer;
  const draw = () => {
    clearTimeout(timer);
    if (lostAt === null) b.hidden = true;
    else timer = setTimeout(() => { b.hidden = false; }, Math.max(0, lostAt + BANNER_MS - performance.now()));
  };
  const offs = [m.on('closed', draw), m.on('open', draw)];
  draw();
  b.forget = () => { clearTimeout(timer); offs.forEach(off => off()); };
  return b;
}

async function route() {
  leave?.();
  leave = null;
  const path = here = location.pathname;
  if (!m.signedIn || (isGuest() && GATES.includes(path))) { leave = gate(app, { path, enter }); return; }
  if (state.me?.role === 'newcomer') { leave = onboarding(app, { enter }); return; }
  const page = pages.find(p => p.path.test(path) && (p.guests || !isGuest()));
  if (!page) { go(isGuest() ? '/tarot' : '/', true); return; }
  const nav = page.bare ? null : navigation(page.nav), pane = page.pane?.(path), view = page.view(page.path.exec(path)), b = banner();
  app.replaceChildren(b, h(`div.house${page.pane ? '' : '.single'}${page.detail ? '.detail' : ''}${page.bare ? '.bare' : ''}`, {}, nav, pane?.node, h('main.view', { id: 'main', tabindex: '-1' }, view.node)));
  leave = () => { nav?.forget(); b.forget(); pane?.leave?.(); view.leave?.(); };
}

const isMember = () => state.me && !['newcomer', 'guest'].includes(state.me.role);
async function enter(to = '/') {
  await loadMe();
  if (!state.me) return;
  if (state.me.role !== 'newcomer') m.connect();
  if (isMember()) await Promise.all([loadRooms(), loadRequests()]);
  go(to, true);
}

m.on('account', () => { app.replaceChildren(); location.replace('/'); }); // another tab logged in as somebody else: nothing of the former person stays
m.on('signed-out', ({ why }) => {
  if (why !== 'logout') toast(t(why === 'account.suspended' ? 'suspendedNow' : 'ended'));
  go('/login', true);
});
m.on('friend.requested', e => { if (!e.data.mine && !e.data.other.departed) { toast(`${e.data.other.nickname}${t('wantsFriend')}`); notify(t('name'), `${e.data.other.nickname}${t('wantsFriend')}`, () => go('/friends')); } });
m.on('friend.accepted', e => { if (!e.data.other.departed) toast(`${e.data.other.nickname}${t('nowFriend')}`); });
m.on('dm.message', e => {
  if (e.data.sender === m.account || e.data.deleted) return; // told late, it is a tombstone
  const r = state.rooms.get(e.data.room);
  notify(r?.other.nickname ?? t('name'), e.data.body || t('picture'), () => go(`/chats/${e.data.room}`));
});
m.on('notice.posted', e => { toast(e.data.title); notify(t('notices'), e.data.title, () => go('/notices')); });
m.on('open', () => { if (isMember()) { loadRooms().catch(() => {}); loadRequests().catch(() => {}); } });

try {
  state.service = await m.call('system.info', {}, { rest: true }).catch(() => ({}));
  if (await m.restore()) await enter(location.pathname === '/login' ? '/' : location.pathname + location.search + location.hash);
  else await route();
} catch (p) {
  toast(p.message);
  setTimeout(() => location.reload(), 3000);
}
