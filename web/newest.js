// What arrives late never overwrites what is newer: an answer is of the time when it was asked for.
//
//   const room = new Newest();
//   room.tell(() => messages.delete(7));                             // an event, or what I did myself
//   await room.ask(() => m.call('dm.history', …), out => show(out)); // the answer; and over it, once more, what was told since it was asked for
//
// A change may thus be made twice, in the same order: it sets, it never adds.
const TOLD_MAX = 2000; // then the answer is too old to be mended, and is asked for anew
const RETRY_MIN_MS = 1000, RETRY_MAX_MS = 30000;
const pauseOf = (p, failed) => Math.min(RETRY_MAX_MS, p.retry_after ? p.retry_after * 1000 : RETRY_MIN_MS << Math.min(failed, 5)) * (0.75 + Math.random() / 2);

export class Newest {
  asked = new Set(); // lists of what was told since, oldest question first
  tell(change) {
    change();
    for (const told of this.asked) told.push(change);
  }
  async ask(call, take) {
    for (;;) {
      const told = [];
      this.asked.add(told);
      try {
        const out = await call();
        if (told.length > TOLD_MAX) continue;
        const change = () => { take(out); for (const one of told) one(); };
        change();
        for (const older of this.asked) if (older === told) break; else older.push(change); // theirs is older than this
        return out;
      } finally { this.asked.delete(told); }
    }
  }
  // For what is asked for again and again: one question at a time, and one more when it was wanted meanwhile. Who asked is told of a
  // problem; one that passes is waited out all the same, or the page would stay as it is for ever: nobody tells when it is over.
  asker(call, take) {
    let running, again, later, failed = 0;
    const ask = () => {
      again = true;
      clearTimeout(later);
      return running ??= (async () => {
        try {
          while (again) { again = false; await this.ask(call, take); }
          failed = 0;
        } catch (p) {
          if (p.retry) later = setTimeout(() => ask().catch(() => {}), pauseOf(p, failed++));
          throw p;
        } finally { running = null; }
      })();
    };
    return ask;
  }
}
// A page that shows just what it last asked for.
export const asker = (call, take) => new Newest().asker(call, take);

// A list that grows by "more" and begins anew when something has changed. call(cursor) → { items, next }; draw(items, more or null).
export function pager(call, draw) {
  const newest = new Newest();
  let items = [], next, growing;
  const set = (all, cursor) => { items = all; next = cursor; draw(items, next ? more : null); };
  const more = async () => {
    if (growing) return;
    growing = true;
    try { await newest.ask(() => call(next), out => set([...items, ...out.items], out.next)); } finally { growing = false; }
  };
  return newest.asker(() => call(), out => set(out.items, out.next));
}
