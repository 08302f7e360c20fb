// My profile, points, sessions, password, leaving.
import { ask, avatar, field, form, h, toast, when } from '../dom.js';
import { asker } from '../newest.js';
import { loadMe, m, state } from '../state.js';
import { currentLanguage, setLanguage, t } from '../words.js';
import { genderOptions, interestChips, regionOptions } from './gate.js';

const tell = p => toast(p.message);

function profileCard() {
  const me = state.me, chips = interestChips(me.interests), file = h('input', { type: 'file', accept: 'image/*', hidden: true, onchange: async () => {
    try { const f = await m.upload(file.files[0]); await m.call('me.update', { avatar: f.file }); await loadMe(); toast(t('saved')); redraw(); } catch (p) { tell(p); }
  } });
  const f = form([
    field('nickname', t('nickname'), { value: me.nickname, maxlength: '16' }), h('p.soft.small-text', { text: t('nicknameCost') }),
    field('introduction', t('introduction'), { value: me.introduction ?? '', maxlength: '50' }), field('region', t('region'), { tag: 'select', options: regionOptions() }),
    field('gender', t('gender'), { tag: 'select', options: genderOptions() }), h('p', { text: t('interests') }), chips,
  ], t('save'), async v => {
    const change = { introduction: v.introduction || null, region: v.region, interests: chips.value(), clear_interests: chips.value().length === 0, locale: currentLanguage() };
    if (v.nickname !== me.nickname) change.nickname = v.nickname;
    if (v.gender) change.gender = v.gender;
    await m.call('me.update', change);
    await loadMe();
    toast(t('saved'));
    redraw();
  });
  f.elements.region.value = me.region ?? '';
  f.elements.gender.value = me.gender ?? '';
  return h('section.card', {}, h('h2', { text: t('profile') }), h('div.row', { style: 'margin-bottom:16px' }, avatar(me, { big: true }), h('div', {}, h('p', { style: 'margin:0' }, h('strong', { text: me.nickname })), h('p.soft', { text: me.email ?? '' }), file, h('button.small', { type: 'button', text: t('changePicture'), onclick: () => file.click() }))), f);
}

function pointsCard() {
  const body = h('tbody'), balance = h('strong', { text: String(state.me.points) });
  m.call('me.points', { limit: 20 }).then(out => { balance.textContent = String(out.balance); body.replaceChildren(...out.entries.map(e => h('tr', {}, h('td', { text: when(e.at, 'both') }), h('td', { text: t(`points-${e.reason}`) }), h('td', { text: (e.amount > 0 ? '+' : '') + e.amount, style: 'text-align:right' })))); }).catch(tell);
  return h('section.card', {}, h('h2', {}, `${t('points')} `, balance), h('table', {}, body));
}

function sessionsCard() {
  const list = h('ul.list.stack');
  const asks = asker(() => m.call('sessions.list'), ({ sessions }) => list.replaceChildren(...sessions.map(s => h('li.row', {}, h('span.grow', {}, h('span', { text: s.device.slice(0, 60) }), h('br'), h('span.soft.small-text', { text: `${s.address} · ${when(s.used_at, 'both')}` })),
    s.current ? h('span.soft', { text: t('thisDevice') }) : h('button.small', { type: 'button', text: t('end'), onclick: () => m.call('sessions.end', { session: s.id }).then(load).catch(tell) })))));
  const load = () => asks().catch(tell);
  load();
  return h('section.card', {}, h('h2', { text: t('sessions') }), list, h('div.row', { style: 'margin-top:12px' }, h('button.small', { type: 'button', text: t('endOthers'), onclick: () => m.call('sessions.end-others').then(load).catch(tell) })));
}

function passwordCard() {
  if (!state.me.has_password) return '';
  return h('section.card', {}, h('h2', { text: t('password') }), form([field('old_password', t('oldPassword'), { type: 'password', autocomplete: 'current-password' }), field('new_password', t('newPassword'), { type: 'password', autocomplete: 'new-password' })], t('save'), async (v, f) => { await m.rest('auth.password', v); f.reset(); toast(t('saved')); }));
}

function connectionsCard() {
  const on = ['kakao', 'google'].filter(p => state.service[p]);
  if (!on.length) return '';
  const link = async provider => {
    const r = await fetch(`/api/v1/auth/${provider}/link?return_to=/me`, { method: 'POST', headers: { authorization: `Bearer ${m.token}` } });
    if (r.ok) location.href = (await r.json()).url;
  };
  return h('section.card', {}, h('h2', { text: t('connections') }), on.map(p => h('div.row', {}, h('span.grow', { text: p === 'kakao' ? 'Kakao' : 'Google' }), state.me.providers.includes(p) ? h('span.soft', { text: t('connected') }) : h('button.small', { type: 'button', text: t('connect'), onclick: () => link(p) }))));
}

function houseCard() {
  const language = h('button.small', { type: 'button', text: currentLanguage() === 'ko' ? 'English' : '한국어', onclick: () => { setLanguage(currentLanguage() === 'ko' ? 'en' : 'ko'); location.reload(); } });
  const download = async () => {
    const a = h('a', { href: URL.createObjectURL(new Blob([JSON.stringify(await m.call('me.export'), null, 2)], { type: 'application/json' })), download: 'madang.json' });
    a.click();
  };
  return h('section.card.stack', {}, h('div.row', {}, language,
    'Notification' in window && Notification.permission === 'default' ? h('button.small', { type: 'button', text: t('notifications'), onclick: e => Promise.resolve(Notification.requestPermission()).then(() => e.target.remove(), () => {}) }) : null,
    h('button.small', { type: 'button', text: t('export'), onclick: () => download().catch(tell) }), h('button.small', { type: 'button', text: t('logout'), onclick: () => m.logout() })),
    h('button.danger', { type: 'button', text: t('leave'), onclick: () => ask(t('leave'), [h('p', { text: t('leaveSure') }), state.me.has_password ? field('password', t('password'), { type: 'password' }) : ''], t('leave'), async v => { await m.rest('me.leave', v.password ? { password: v.password } : {}); m.forget('logout'); }) }));
}

const inner = h('div.narrow');
const redraw = () => inner.replaceChildren(h('header', {}, h('h1', { text: t('me') })), profileCard(), pointsCard(), connectionsCard(), passwordCard(), sessionsCard(), houseCard());
export function mePage() {
  redraw();
  return { node: h('div.page', {}, inner) };
}
