// Notices for everybody; the managers' desk.
import { ask, field, h, icon, toast, when } from '../dom.js';
import { asker, pager } from '../newest.js';
import { m, state } from '../state.js';
import { t } from '../words.js';

const tell = p => toast(p.message);
const isManager = () => ['manager', 'admin'].includes(state.me?.role);
const texts = n => [field('title', t('title'), { value: n?.title ?? '', maxlength: '100' }), field('body', t('body'), { tag: 'textarea', rows: '6', maxlength: '10000', text: n?.body ?? '' })];

export function noticesPage() {
  const list = h('div'), inner = h('div.narrow', {}, h('header', {}, h('h1.grow', { text: t('notices') }), isManager() ? h('button.primary', { type: 'button', text: t('post'), onclick: () => ask(t('post'), texts(), t('post'), async v => { await m.call('notices.post', v); }) }) : null), list);
  const card = n => h('article.card', {}, h('h2', { text: n.title }), h('p.soft.small-text', { text: when(n.created_at, 'both') }), h('p', { style: 'white-space:pre-wrap', text: n.body }),
    isManager() ? h('div.row', {}, h('button.small', { type: 'button', text: t('edit'), onclick: () => ask(t('edit'), texts(n), t('save'), v => m.call('notices.edit', { notice: n.notice, ...v })) }), h('button.small.danger', { type: 'button', text: t('remove'), onclick: () => m.call('notices.delete', { notice: n.notice }).catch(tell) })) : null);
  const load = pager(async before => {
    const out = await m.call('notices.list', before ? { before } : {});
    return { items: out.notices, next: out.next };
  }, (notices, more) => {
    list.replaceChildren(...notices.map(card), ...(more ? [h('button.more', { type: 'button', text: t('more'), onclick: () => more().catch(tell) })] : []));
    if (!list.children.length) list.append(h('div.empty', {}, icon('bell'), h('p', { text: t('noNotices') })));
  });
  load().catch(tell);
  const offs = ['notice.posted', 'notice.edited', 'notice.deleted'].map(n => m.on(n, () => load().catch(tell)));
  return { node: h('div.page', {}, inner), leave: () => offs.forEach(off => off()) };
}

export function managePage() {
  const list = h('div'), inner = h('div.narrow', {}, h('header', {}, h('h1', { text: t('reports') })), list);
  // A week from now by the server's clock, as a clock on the wall here shows it.
  const in7 = () => { const d = new Date(m.now() + 7 * 86400e3); return new Date(d - d.getTimezoneOffset() * 60e3).toISOString().slice(0, 16); };
  const card = r => h('article.card.stack', {}, h('div.row', {}, h('strong.grow', { text: `${r.reporter_nickname ?? '?'} → ${r.reported_nickname ?? '?'}` }), h('span.soft.small-text', { text: when(r.at, 'both') })), h('p', { text: r.reason }),
    r.evidence.length ? h('details', {}, h('summary', { text: `${t('evidence')} ${r.evidence.length}` }), r.evidence.map(e => h('blockquote', { text: e.body }))) : null,
    r.state === 'open' ? h('div.row', {}, h('button.primary', { type: 'button', text: t('acceptReport'), onclick: () => ask(t('acceptReport'), [field('until', t('suspendUntil'), { type: 'datetime-local', value: in7() }), field('note', t('reason'), { maxlength: '500' })], t('acceptReport'), async v => { await m.call('reports.accept', { report: r.id, until: new Date(v.until).toISOString(), note: v.note || undefined }); load(); }) }),
      h('button', { type: 'button', text: t('dismiss'), onclick: () => m.call('reports.dismiss', { report: r.id }).then(load).catch(tell) })) : h('p.soft', { text: `${t(`report-${r.state}`)} ${r.note ?? ''}` }));
  const asks = asker(() => m.all('reports.list', 'reports', { limit: 50 }), reports => list.replaceChildren(...reports.map(card), ...(reports.length ? [] : [h('p.soft', { text: '—' })])));
  const load = () => asks().catch(tell);
  load();
  return { node: h('div.page', {}, inner) };
}
