// What the pages share: the client, who I am, what is unread.
import { Madang } from './madang.js';
import { Newest } from './newest.js';
import { followTabs } from './tabs.js';
import { currentLanguage, t } from './words.js';

export const m = new Madang({ language: currentLanguage() });
const nothing = () => ({ me: null, rooms: new Map(), online: new Set(), requests: 0 });
export const state = { ...nothing(), service: {} };
export const bus = new EventTarget();
export const changed = what => bus.dispatchEvent(new CustomEvent(what));
export const known = new Newest(); // what of it was asked for and told
followTabs(m);
m.on('signed-out', () => Object.assign(state, nothing()));

export const loadMe = known.asker(() => m.call('me.get'), me => { state.me = me; changed('me'); });
export const loadRooms = known.asker(() => m.all('dm.rooms', 'rooms', { limit: 100 }), rooms => {
  state.rooms = new Map(rooms.map(r => [r.room, r]));
  for (const r of rooms) if (r.online !== null && r.online !== undefined) setOnline(r.other.account, r.online);
  changed('rooms');
});
export const loadRequests = known.asker(() => m.all('friends.received', 'people', { limit: 100 }, { by: 'after' }), people => { state.requests = people.length; changed('requests'); });
// A room as an answer has it.
export const askRoom = call => known.ask(call, r => { state.rooms.set(r.room, r); changed('rooms'); });

function setOnline(account, yes) { yes ? state.online.add(account) : state.online.delete(account); }
export const unread = () => [...state.rooms.values()].reduce((n, r) => n + r.unread, 0);

const refreshRoom = room => askRoom(() => m.call('dm.room', { room })).catch(() => {}); // who cannot see it any more needs none
// What is told of a room that is known; by its number it counts once.
function inRoom(room, change) {
  if (!state.rooms.has(room)) { refreshRoom(room); return; }
  known.tell(() => {
    const r = state.rooms.get(room);
    if (!r) return;
    change(r);
    changed('rooms');
  });
}
export function readUpTo(room, seq) {
  inRoom(room, r => {
    if (seq <= r.read) return;
    r.read = seq;
    if (!r.last || r.last.seq <= seq) r.unread = 0;
  });
}

m.on('dm.message', e => inRoom(e.data.room, r => {
  if (e.seq <= r.head) return;
  Object.assign(r, { last: e.data, last_at: e.data.at, head: e.seq });
  if (e.data.sender !== m.account && !e.data.deleted) r.unread++;
}));
m.on('dm.opened', e => refreshRoom(e.data.room));
m.on('dm.deleted', e => inRoom(e.data.room, r => { if (r.last?.seq === e.data.message) Object.assign(r.last, { deleted: true, body: '' }); }));
m.on('dm.read', e => {
  const { room, account, upto } = e.data;
  if (account !== m.account) { inRoom(room, r => { r.other_read = Math.max(r.other_read, upto); }); return; }
  readUpTo(room, upto);
  if (state.rooms.get(room)?.unread) refreshRoom(room);
});
m.on('presence.snapshot', e => { known.tell(() => { state.online = new Set(e.data.online); }); changed('presence'); });
m.on('presence.changed', e => { known.tell(() => { for (const c of e.data.changes) setOnline(c.account, c.online); }); changed('presence'); });
m.on('me.changed', () => loadMe().catch(() => {}));
m.on('resync', e => { if (state.me?.role === 'guest' || /^(tarot|video):/.test(e.on)) return; if (e.on.startsWith('room:') || e.on === '*') loadRooms().catch(() => {}); else { loadRequests().catch(() => {}); loadMe().catch(() => {}); } });
for (const name of ['friend.requested', 'friend.accepted', 'friend.rejected', 'friend.cancelled', 'friend.removed'])
  m.on(name, () => { loadRequests().catch(() => {}); changed('friends'); if (name !== 'friend.requested') loadRooms().catch(() => {}); });

// The title and the Notification API tell of what is unread.
function tellUnread() {
  const n = unread();
  document.title = n ? `(${n}) ${t('name')}` : t('name');
}
bus.addEventListener('rooms', tellUnread);
export function notify(title, body, go) {
  if (!document.hidden || !('Notification' in window) || Notification.permission !== 'granted') return;
  try {
    const n = new Notification(title, { body, icon: '/icon.svg' });
    n.onclick = () => { window.focus(); go?.(); n.close(); };
  } catch { /* some browsers let only service workers do so */ }
}
