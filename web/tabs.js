// Tabs of one browser have one cookie, so they are one person's: who logs in or out in one of them does so in all.
import { browser } from './storage.js';

const NAME = 'madang-account';

export function followTabs(m) {
  let channel = null;
  try { channel = new BroadcastChannel(NAME); } catch { /* then the storage tells it, and the next refresh */ }
  const tell = account => {
    const text = String(account ?? '');
    channel?.postMessage(text);
    browser.set(NAME, text);
  };
  // Hearsay: whose the cookie is now, the server says. Without cookies each tab is by itself.
  const hear = text => {
    if (!m.signedIn || text === String(m.account) || !navigator.cookieEnabled) return;
    m.refresh().catch(() => {});
  };
  if (channel) channel.onmessage = e => hear(e.data);
  addEventListener('storage', e => { if (e.key === NAME) hear(e.newValue); });
  document.addEventListener('visibilitychange', () => { if (!document.hidden && browser.get(NAME) !== null) hear(browser.get(NAME)); });
  m.on('adopted', ({ account }) => tell(account));
  m.on('signed-out', () => tell());
}
