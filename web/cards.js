// The deck as the pages show it: a face, and all cards lying face down to pick from.
import { h } from './dom.js';
import { currentLanguage, t } from './words.js';

export const CARDS = 78;
export const face = (card, props = {}) => h(`img.face${card.reversed ? '.reversed' : ''}`, { src: `/cards/${String(card.number).padStart(2, '0')}.svg`, alt: `${card.name[currentLanguage()]}, ${t(card.reversed ? 'reversed' : 'upright')}`, width: '300', height: '520', ...props });

// onPick(index, button); without it nobody picks here.
export function spread(says, onPick) {
  const cards = Array.from({ length: CARDS }, (_, i) => h('button.card-back', { type: 'button', 'aria-label': `${t('card')} ${i + 1}`, disabled: !onPick, onclick: e => onPick(i, e.currentTarget) }, h('span.turning', {}, h('img', { src: '/cards/back.svg', alt: '', loading: 'lazy' }))));
  return h('div.spread-box', {}, h('p', { text: says }), h('div.spread', { role: 'group', 'aria-label': says }, cards));
}

export async function turn(button, card) {
  button.classList.add('picked');
  button.firstChild.append(face(card));
  button.offsetWidth; // so that it turns, and is not just there
  button.classList.add('turned');
  button.scrollIntoView({ inline: 'center', block: 'nearest' });
  await new Promise(r => setTimeout(r, matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 1200));
}
