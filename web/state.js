// What the pages share: the client, who I am, what is unread.
import { Madang } from './madang.js';
import { currentLanguage, t } from './words.js';

export const m = new Madang({ language: currentLanguage() });
export const state = { me: null, rooms: new Map(), online: new Set(), requests: 0, service: {} };
export const bus = new EventTarget();
export const changed = what => bus.dispatchEvent(new CustomEvent(what));

export async function loadMe() { state.me = await m.call('me.get'); changed('me'); return state.me; }

export async function loadRooms() {
  const out = await m.call('dm.rooms', { limit: 100 });
  state.rooms = new Map(out.rooms.map(r => [r.room, r]));
  for (const r of out.rooms) if (r.online !== null && r.online !== undefined) setOnline(r.other.account, r.online);
  changed('rooms');
}
export async function loadRequests() { state.requests = (await m.call('friends.received', { limit: 100 })).people.length; changed('requests'); }

function setOnline(account, yes) { yes ? state.online.add(account) : state.online.delete(account); }
export const unread = () => [...state.rooms.values()].reduce((n, r) => n + r.unread, 0);

async function refreshRoom(room) {
  try { state.rooms.set(room, await m.call('dm.room', { room })); changed('rooms'); } catch (p) { if (p.status !== 404) throw p; }
}

function onMessage(e) {
  const r = state.rooms.get(e.data.room);
  if (!r) { refreshRoom(e.data.room).catch(() => {}); return; }
  r.last = e.data;
  r.last_at = e.data.at;
  r.head = e.seq;
  if (e.data.sender !== m.account && !e.data.deleted) r.unread++;
  changed('rooms');
}

m.on('dm.message', onMessage);
m.on('dm.opened', e => refreshRoom(e.data.room).catch(() => {}));
m.on('dm.deleted', e => { const r = state.rooms.get(e.data.room); if (r?.last?.seq === e.data.message) { r.last.deleted = true; r.last.body = ''; changed('rooms'); } });
m.on('dm.read', e => {
  const r = state.rooms.get(e.data.room);
  if (!r) return;
  if (e.data.account === m.account) { r.read = e.data.upto; if (r.last && r.last.seq <= e.data.upto) r.unread = 0; else refreshRoom(e.data.room).catch(() => {}); } else r.other_read = e.data.upto;
  changed('rooms');
});
m.on('presence.snapshot', e => { state.online = new Set(e.data.online); changed('presence'); });
m.on('presence.changed', e => { for (const c of e.data.changes) setOnline(c.account, c.online); changed('presence'); });
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
  const n = new Notification(title, { body, icon: '/icon.svg' });
  n.onclick = () => { window.focus(); go?.(); n.close(); };
}
