// Before the house: login, sign-up, forgotten password, onboarding.
import { field, form, h, toast } from '../dom.js';
import { Newest } from '../newest.js';
import { m, state } from '../state.js';
import { currentLanguage, interestName, interests, regionName, regions, setLanguage, t } from '../words.js';

const VERSION = '2026-11';

function hall() {
  const art = h('div');
  art.innerHTML = '<svg viewBox="0 0 400 260" aria-hidden="true" fill="none" stroke="#f6c453" stroke-width="5" stroke-linecap="round" stroke-linejoin="round"><path d="M10 120c60-6 120-40 190-92 70 52 130 86 190 92"/><path d="M40 122c50-10 100-34 160-76 60 42 110 66 160 76"/><path d="M60 124v116h280V124M120 240V150h60v90M220 240v-90h60v90M60 240H30m310 0h30"/><path d="M150 150v90m100-90v90M120 195h60m40 0h60"/></svg>';
  const language = h('button.small', { type: 'button', text: currentLanguage() === 'ko' ? 'English' : '한국어', onclick: () => { setLanguage(currentLanguage() === 'ko' ? 'en' : 'ko'); location.reload(); } });
  return h('div.hall', {}, h('h1', { text: t('name') }), h('p', { text: t('slogan') }), h('div', {}, language), art.firstChild);
}

function outsideLogins() {
  // A guest is told of, so that what is theirs comes along.
  const start = provider => async () => {
    const r = m.signedIn && await fetch(`/api/v1/auth/${provider}/link?return_to=/`, { method: 'POST', headers: { authorization: `Bearer ${m.token}` } }).catch(() => null);
    location.href = r?.ok ? (await r.json()).url : `/api/v1/auth/${provider}/start?return_to=/`;
  };
  const { kakao, google } = state.service;
  if (!kakao && !google) return null;
  return [h('div.split', { text: t('or') }), kakao ? h('button.kakao', { type: 'button', text: t('kakao'), onclick: start('kakao') }) : null, google ? h('button.google', { type: 'button', text: t('google'), onclick: start('google') }) : null];
}

function loginForm(enter) {
  const code = field('code', t('code'), { inputmode: 'numeric', maxlength: '6', autocomplete: 'one-time-code' });
  code.hidden = true;
  return [h('h2', { text: t('login') }), form([
    field('email', t('email'), { type: 'email', autocomplete: 'username', required: true }),
    field('password', t('password'), { type: 'password', autocomplete: 'current-password', required: true }), code,
  ], t('login'), async v => {
    try { await m.login({ email: v.email, password: v.password, ...(v.code ? { code: v.code } : {}) }); } catch (p) { if (p.code === 'login.code-required') code.hidden = false; throw p; }
    await enter('/');
  }, h('a', { href: '/forgot', text: t('forgot') })), outsideLogins(), h('p', {}, t('noAccount'), ' ', h('a', { href: '/signup', text: t('signup') })),
    h('p', {}, h('button.small', { type: 'button', text: t('tarotGuest'), onclick: async () => { try { if (!m.signedIn) await m.guest(); await enter('/tarot'); } catch (p) { toast(p.message); } } }))];
}

function signupForm(enter) {
  const rest = h('div', { hidden: true },
    field('code', t('code'), { inputmode: 'numeric', maxlength: '6', autocomplete: 'one-time-code' }),
    field('password', t('password'), { type: 'password', autocomplete: 'new-password', minlength: '8' }),
    field('birth_date', t('birth'), { type: 'date' }), // what is too young the server says, by its clock
    h('label', {}, h('input', { type: 'checkbox', name: 'agree' }), t('terms')));
  const f = form([field('email', t('email'), { type: 'email', autocomplete: 'username' }), rest], t('sendCode'), async (v, self) => {
    if (rest.hidden) {
      await m.rest('auth.code', { email: v.email, purpose: 'signup' });
      rest.hidden = false;
      self.querySelector('button[type=submit]').textContent = t('signup');
      self.elements.code.focus();
      toast(t('codeSent'));
      return;
    }
    if (!v.agree) throw { title: t('terms') };
    await m.signup({ email: v.email, code: v.code, password: v.password, birth_date: v.birth_date, consents: { terms: VERSION, privacy: VERSION }, locale: currentLanguage() });
    await enter('/');
  });
  return [h('h2', { text: t('signup') }), f, outsideLogins(), h('p', {}, t('haveAccount'), ' ', h('a', { href: '/login', text: t('login') }))];
}

const forgotForm = () => [h('h2', { text: t('forgot') }), form([field('email', t('email'), { type: 'email' })], t('send'), async v => { await m.rest('auth.forgot', v); toast(t('forgotSent')); }, h('a', { href: '/login', text: t('login') }))];

const resetForm = enter => [h('h2', { text: t('setPassword') }), form([field('password', t('newPassword'), { type: 'password', autocomplete: 'new-password' })], t('setPassword'), async v => {
  await m.rest('auth.reset', { token: new URLSearchParams(location.search).get('token') ?? '', password: v.password });
  toast(t('saved'));
  location.href = '/login';
})];

// Who was invited to a consultation needs no account.
const guestDoor = enter => [h('h2', { text: t('invited') }), h('p', { text: t('invitedSays') }),
  h('p', {}, h('button.primary', { type: 'button', text: t('goOnAsGuest'), onclick: async () => { try { await m.guest(); await enter(location.pathname + location.hash); } catch (p) { toast(p.message); } } })),
  h('div.split', { text: t('or') }), ...loginForm(() => enter(location.pathname + location.hash)).slice(1, 2)];

export function gate(app, { path, enter }) {
  const inner = path.startsWith('/video/') ? guestDoor(enter) : path === '/signup' ? signupForm(enter) : path === '/forgot' ? forgotForm() : path === '/password-reset' ? resetForm(enter) : loginForm(enter);
  const problem = new URLSearchParams(location.search).get('problem');
  app.replaceChildren(h('div.gate', {}, hall(), h('main.door', { id: 'main' }, problem ? h('p.error', { role: 'alert', text: problem }) : null, m.signedIn ? h('p.soft', { text: t('guestKeeps') }) : null, inner)));
  app.querySelector('input')?.focus();
  return null;
}

export function interestChips(chosen) {
  const set = new Set(chosen);
  const box = h('div.chips', { role: 'group', 'aria-label': t('interests') }, interests.map(i => h('button.chip', { type: 'button', 'aria-pressed': String(set.has(i)), text: interestName(i), onclick: e => {
    if (set.has(i)) set.delete(i); else if (set.size < 6) set.add(i);
    e.target.setAttribute('aria-pressed', String(set.has(i)));
  } })));
  box.value = () => [...set];
  return box;
}

export const regionOptions = () => regions.map(r => [r, regionName(r)]);
export const genderOptions = () => [['', t('none')], ['female', t('female')], ['male', t('male')], ['other', t('other')]];

export function onboarding(app, { enter }) {
  const chips = interestChips([]), outside = !state.me.birth_date;
  const nickname = field('nickname', t('nickname'), { placeholder: t('nicknameHint'), maxlength: '16', autocomplete: 'nickname' });
  const newest = new Newest(), note = nickname.querySelector('.error');
  nickname.querySelector('input').addEventListener('change', e => newest.ask(() => m.rest('nickname.check', { nickname: e.target.value }).catch(problem => ({ problem })),
    ({ available, problem }) => { note.textContent = problem ? problem.errors?.[0]?.detail ?? '' : available ? t('free') : ''; }));
  const f = form([
    nickname, ...(outside ? [field('birth_date', t('birth'), { type: 'date' })] : []),
    field('region', t('region'), { tag: 'select', options: regionOptions() }), field('gender', t('gender'), { tag: 'select', options: genderOptions() }),
    field('introduction', t('introduction'), { maxlength: '50' }), h('p', { text: t('interests') }), chips,
    ...(outside ? [h('label', {}, h('input', { type: 'checkbox', name: 'agree' }), t('terms'))] : []),
  ], t('start'), async v => {
    if (outside && !v.agree) throw { title: t('terms') };
    await m.onboard({ nickname: v.nickname, region: v.region, interests: chips.value(), ...(v.gender ? { gender: v.gender } : {}), ...(v.introduction ? { introduction: v.introduction } : {}),
      ...(outside ? { birth_date: v.birth_date, consents: { terms: VERSION, privacy: VERSION } } : {}) });
    await enter('/');
  }, h('button.quiet', { type: 'button', text: t('logout'), onclick: () => m.logout() }));
  app.replaceChildren(h('div.gate', {}, hall(), h('main.door', { id: 'main' }, h('h2', { text: t('welcome') }), f)));
  return null;
}
