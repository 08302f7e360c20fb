// Friends, requests, finding people, one person.
import { ask, avatar, field, h, icon, toast } from '../dom.js';
import { asker, Newest } from '../newest.js';
import { askRoom, bus, loadRequests, loadRooms, m, state } from '../state.js';
import { ageBand, interestName, regionName, t } from '../words.js';
import { go } from '../app.js';

const tell = p => toast(p.message);
export async function talkTo(account) {
  try { const r = await askRoom(() => m.call('dm.open', { account })); go(`/chats/${r.room}`); } catch (p) { tell(p); }
}
const button = (text, run, kind = 'small') => h(`button.${kind}`, { type: 'button', text, onclick: async e => { e.target.disabled = true; try { await run(); } catch (p) { tell(p); e.target.disabled = false; } } });

function section(title, people, actions, empty) {
  return h('section.card', {}, h('h2', { text: `${title} ${people.length || ''}` }), people.length ? h('ul.list', {}, people.map(p => h('li.row', {},
    h('a.item.grow', { href: `/people/${p.account}` }, avatar(p, { online: p.online ?? undefined }), h('span.name', { text: p.nickname ?? '?' })), actions(p)))) : h('p.soft', { text: empty ?? '—' }));
}

export function friendsPage() {
  const inner = h('div.narrow'), node = h('div.page', {}, inner);
  const everybody = () => Promise.all(['friends.list', 'friends.received', 'friends.sent', 'blocks.list'].map(op => m.all(op, 'people', { limit: 100 }, { by: 'after' })));
  let all;
  const draw = () => {
    if (!all) return;
    const [friends, received, sent, blocked] = all;
    for (const p of friends) p.online = state.online.has(p.account);
    inner.replaceChildren(h('header', {}, h('h1', { text: t('friends') })),
      received.length ? section(t('received'), received, p => [button(t('accept'), () => m.call('friends.accept', { account: p.account }), 'primary'), button(t('reject'), () => m.call('friends.reject', { account: p.account }))]) : '',
      section(t('friends'), friends, p => [button(t('talk'), () => talkTo(p.account))], t('noFriends')),
      sent.length ? section(t('sentRequests'), sent, p => button(t('cancel'), () => m.call('friends.cancel', { account: p.account }))) : '',
      blocked.length ? section(t('blocked'), blocked, p => button(t('unblock'), async () => { await m.call('blocks.remove', { account: p.account }); load(); })) : '');
  };
  const asks = asker(everybody, lists => { all = lists; draw(); }), load = () => asks().catch(tell);
  load();
  bus.addEventListener('friends', load);
  bus.addEventListener('presence', draw);
  return { node, leave: () => { bus.removeEventListener('friends', load); bus.removeEventListener('presence', draw); } };
}

export function findPage() {
  const results = h('ul.list', { 'aria-live': 'polite' }), input = h('input', { type: 'search', 'aria-label': t('find'), placeholder: t('searchHint'), maxlength: '16' });
  const newest = new Newest();
  let timer;
  const search = async () => {
    const nickname = input.value.trim();
    if (!nickname) { newest.tell(() => results.replaceChildren()); return; }
    await newest.ask(() => m.call('people.search', { nickname }).catch(problem => ({ problem })), ({ people, problem: p }) => {
      if (p) { results.replaceChildren(h('li.soft', { text: p.errors?.[0]?.detail ?? p.message })); return; }
      results.replaceChildren(...people.map(p => h('li', {}, h('a.item', { href: `/people/${p.account}` }, avatar(p), h('span.name', { text: p.nickname })))), ...(people.length ? [] : [h('li.soft', { text: t('nobody') })]));
    });
  };
  input.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(search, 200); });
  setTimeout(() => input.focus());
  return { node: h('div.page', {}, h('div.narrow', {}, h('header', {}, h('h1', { text: t('find') })), h('div.card', {}, input, h('div', { style: 'height:12px' }), results))), leave: () => clearTimeout(timer) };
}

const relationName = r => ({ friend: t('isFriend'), sent: t('isSent'), received: t('isReceived'), blocked: t('isBlocked'), self: t('isSelf') })[r] ?? '';

function actions(p, load) {
  const run = (op, after) => async () => { await m.call(op, { account: p.id }); await after?.(); load(); };
  const by = {
    none: [button(t('ask'), run('friends.request'), 'primary')],
    sent: [button(t('cancel'), run('friends.cancel'))],
    received: [button(t('accept'), run('friends.accept'), 'primary'), button(t('reject'), run('friends.reject'))],
    friend: [button(t('talk'), () => talkTo(p.id), 'primary'), button(t('unfriend'), run('friends.remove', loadRooms))],
    blocked: [button(t('unblock'), run('blocks.remove'))], self: [h('a.button', { href: '/me', text: t('profile') })],
  };
  const more = p.relation === 'self' || p.relation === 'blocked' ? [] : [button(t('block'), run('blocks.add', loadRooms), 'danger')];
  if (p.relation !== 'self') more.push(h('button.quiet', { type: 'button', text: t('report'), onclick: () => ask(t('report'), [field('reason', t('reason'), { tag: 'textarea', rows: '4', maxlength: '2000' })], t('send'), async v => { await m.call('reports.add', { account: p.id, reason: v.reason }); toast(t('reportSent')); }) }));
  return [...(by[p.relation] ?? []), ...more];
}

export function personPage(account) {
  const inner = h('div.narrow'), node = h('div.page', {}, inner);
  let known;
  const asks = asker(() => m.call('people.get', { account }), p => {
    known = true;
    inner.replaceChildren(h('section.card.stack', {}, h('div.row', {}, avatar(p, { big: true, online: p.relation === 'friend' ? state.online.has(p.id) : undefined }),
      h('div.grow', {}, h('h1', { text: p.nickname, style: 'margin:0' }), h('p.soft', { style: 'margin:0', text: [ageBand(p.age_band), p.region ? regionName(p.region) : '', relationName(p.relation)].filter(Boolean).join(' · ') }))),
      p.introduction ? h('p', { text: p.introduction }) : null, p.interests.length ? h('div.chips', {}, p.interests.map(i => h('span.chip', { text: interestName(i) }))) : null, h('div.row', {}, actions(p, load))));
  });
  const load = () => asks().catch(p => { if (known && p.retry) tell(p); else inner.replaceChildren(h('div.empty', {}, icon('people'), h('p', { text: p.message }))); });
  load();
  for (const what of ['friends', 'presence']) bus.addEventListener(what, load);
  loadRequests().catch(() => {});
  return { node, leave: () => { for (const what of ['friends', 'presence']) bus.removeEventListener(what, load); } };
}
