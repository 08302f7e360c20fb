// Small helpers over the DOM: elements, forms, dialogs, notes.
import { t } from './words.js';

export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split('.');
  const e = document.createElement(name || 'div');
  if (classes.length) e.className = classes.join(' ');
  for (const [k, v] of Object.entries(props ?? {})) {
    if (v === undefined || v === null || v === false) continue;
    if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
    else if (k === 'text') e.textContent = v;
    else if (k === 'style') e.style.cssText = v; // the policy forbids the attribute
    else if (k in e && typeof v !== 'string') e[k] = v;
    else e.setAttribute(k, v === true ? '' : v);
  }
  e.append(...children.flat(9).filter(c => c !== undefined && c !== null && c !== false));
  return e;
}

const svgNs = 'http://www.w3.org/2000/svg';
export function icon(name) {
  const paths = {
    chat: 'M4 5h16v11H9l-5 4z', people: 'M8 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zm8 0a3 3 0 1 0 0-6M2 20c0-4 3-6 6-6s6 2 6 6m2-6c3 0 6 2 6 6',
    search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zm5-1.5L21 21', bell: 'M6 16V11a6 6 0 0 1 12 0v5l2 2H4zm4 4h4',
    me: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zm-8 9c0-5 4-7 8-7s8 2 8 7', moon: 'M19 15.5A8 8 0 1 1 9.5 4a6.5 6.5 0 0 0 9.5 11.5zM17 4l.8 2 2 .8-2 .8L17 9.6l-.8-2-2-.8 2-.8z', shield: 'M12 3l8 3v6c0 5-4 8-8 9-4-1-8-4-8-9V6z', image: 'M4 5h16v14H4zm0 11l5-5 4 4 3-3 4 4M15 9.5h.01', back: 'M15 5l-7 7 7 7', send: 'M4 12l16-8-6 16-3-6z',
    mic: 'M12 15a3.5 3.5 0 0 0 3.5-3.5v-5a3.5 3.5 0 0 0-7 0v5A3.5 3.5 0 0 0 12 15zm-6.5-4a6.5 6.5 0 0 0 13 0M12 17.5V21m-3.5 0h7', micOff: 'M15.5 9V6.5a3.5 3.5 0 0 0-6.7-1.4M8.5 9v2.5a3.5 3.5 0 0 0 5.6 2.8M5.5 11a6.5 6.5 0 0 0 10.3 5.3M18.5 11a6.4 6.4 0 0 1-.6 2.7M12 17.5V21m-3.5 0h7M4 4l16 16',
    camera: 'M3 7h12v10H3zm12 3.5 6-3v9l-6-3', cameraOff: 'M9 7h6v6m0 4H3V7h2m10 3.5 6-3v9l-6-3M4 4l16 16', gear: 'M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zm0-12v2.5m0 13V21M3 12h2.5m13 0H21M5.6 5.6l1.8 1.8m9.2 9.2 1.8 1.8m0-12.8-1.8 1.8m-9.2 9.2-1.8 1.8',
    hangUp: 'M3 14.5c0-4 4-6.5 9-6.5s9 2.5 9 6.5l-4 1.5-1-3.5a12 12 0 0 0-8 0L7 16z', cards: 'M8 4h9v14H8zm0 2-4 1 3 13 7-1.5M12.5 8.5l2 2.5-2 2.5-2-2.5z',
  };
  const svg = document.createElementNS(svgNs, 'svg'), path = document.createElementNS(svgNs, 'path');
  svg.setAttribute('viewBox', '0 0 24 24'); svg.setAttribute('fill', 'none'); svg.setAttribute('stroke', 'currentColor'); svg.setAttribute('stroke-width', '1.8');
  svg.setAttribute('stroke-linecap', 'round'); svg.setAttribute('stroke-linejoin', 'round'); svg.setAttribute('aria-hidden', 'true'); svg.setAttribute('width', '22'); svg.setAttribute('height', '22');
  path.setAttribute('d', paths[name]);
  svg.append(path);
  return svg;
}

export function avatar(person, { big, online } = {}) {
  const name = person?.nickname ?? '?';
  return h(`span.avatar${big ? '.big' : ''}`, { 'aria-hidden': 'true' }, person?.avatar_url ? h('img', { src: person.avatar_url, alt: '' }) : name.slice(0, 1).toUpperCase(),
    online === undefined || online === null ? null : h(`span.dot${online ? '.on' : ''}`));
}

export function toast(text) {
  if (!text) return; // of what nobody waits for any more
  const e = h('div.toast', { text });
  document.getElementById('toasts').append(e);
  setTimeout(() => e.remove(), 4000);
}

// A labelled field; errors of the server find it by name.
export function field(name, label, props = {}) {
  const { tag = 'input', options, ...rest } = props, id = `f-${name}-${Math.random().toString(36).slice(2, 7)}`;
  const control = h(tag, { id, name, 'aria-describedby': `${id}-e`, ...rest }, (options ?? []).map(([v, text]) => h('option', { value: v, text })));
  return h('label', { for: id }, label, control, h('p.error', { id: `${id}-e` }));
}

export function showProblem(form, p) {
  for (const e of form.querySelectorAll('.error')) e.textContent = '';
  for (const e of form.querySelectorAll('[aria-invalid]')) e.removeAttribute('aria-invalid');
  let first;
  const rest = [];
  for (const f of p.errors ?? []) {
    const control = form.elements[f.pointer.split('/')[1]] ?? form.elements[f.pointer.slice(1)];
    const label = control?.closest?.('label');
    if (!label) { rest.push(`${f.pointer.slice(1)}: ${f.detail}`); continue; }
    control.setAttribute('aria-invalid', 'true');
    label.querySelector('.error').textContent = f.detail;
    first ??= control;
  }
  const general = form.querySelector('.form-error');
  if (general) general.textContent = first && !rest.length ? '' : [p.title ?? p.message, ...rest].join(' ');
  first?.focus();
}

// A form that calls `run(values, form)` and shows its problem in place.
export function form(children, submit, run, extra) {
  const button = h('button.primary', { type: 'submit', text: submit });
  const f = h('form', { novalidate: true, onsubmit: async e => {
    e.preventDefault();
    button.disabled = true;
    try { await run(Object.fromEntries(new FormData(f)), f); } catch (p) { showProblem(f, p); if (!p.code) console.error(p); } finally { button.disabled = false; }
  } }, children, h('p.error.form-error', { role: 'alert' }), h('div.row', {}, button, extra));
  return f;
}

function dialog(title, content) {
  const d = h('dialog', { 'aria-label': title }, h('h2', { text: title }), content);
  d.addEventListener('close', () => d.remove());
  document.body.append(d);
  d.showModal();
  return d;
}
// A question: a form that may be cancelled.
export function ask(title, body, submit, run) {
  const cancel = h('button.quiet', { type: 'button', text: t('cancel'), onclick: () => d.close() });
  const d = dialog(title, form(body, submit, async (v, f) => { await run(v, f); d.close(); }, cancel));
  return d;
}
// Something to look at, or to set at once.
export function show(title, body) { return dialog(title, form(body, t('close'), (v, f) => f.closest('dialog').close())); }

export const when = (iso, style = 'time') => new Intl.DateTimeFormat(document.documentElement.lang, style === 'day' ? { dateStyle: 'full' } : style === 'both' ? { dateStyle: 'medium', timeStyle: 'short' } : { timeStyle: 'short' }).format(new Date(iso));
