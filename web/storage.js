// What this browser (or this tab) remembers. Where storage is blocked, full or missing, it is remembered as long as the page lives.
function store(name) {
  const here = new Map();
  return {
    get(key) {
      try { return here.get(key) ?? window[name].getItem(key); } catch { return here.get(key) ?? null; }
    },
    set(key, value) {
      here.delete(key);
      try { window[name].setItem(key, value); } catch { here.set(key, value); }
    },
  };
}
export const browser = store('localStorage'), tab = store('sessionStorage');
// A text of JSON that came about by whatever hand.
export function json(text) { try { return JSON.parse(text ?? 'null'); } catch { return null; } }
