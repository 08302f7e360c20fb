// The deck as the pages show it: a face, and all cards lying face down to pick from.
import { h } from './dom.js';
import { currentLanguage, t } from './words.js';

export const CARDS = 78;
export const face = (card, props = {}) => h(`img.face${card.reversed ? '.reversed' : ''}`, { src: `/cards/${String(card.number).padStart(2, '0')}.svg`, alt: `${card.name[currentLanguage()]}, ${t(card.reversed ? 'reversed' : 'upright')}`, width: '300', height: '520', ...props });

// onPick(index, button); without it nobody picks here. One stop of the Tab key; the arrows go from card to card.
export function spread(says, onPick) {
  const walk = e => {
    const at = cards.indexOf(document.activeElement), to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: CARDS - 1 }[e.key];
    if (at < 0 || !cards[to]) return;
    e.preventDefault();
    cards[at].tabIndex = -1;
    cards[to].tabIndex = 0;
    cards[to].focus();
    cards[to].scrollIntoView({ inline: 'center', block: 'nearest' });
  };
  const cards = Array.from({ length: CARDS }, (_, i) => h('button.card-back', { type: 'button', 'aria-label': `${t('card')} ${i + 1}`, disabled: !onPick, tabIndex: i ? -1 : 0, onclick: e => onPick(i, e.currentTarget) }, h('span.turning', {}, h('img', { src: '/cards/back.svg', alt: '', loading: 'lazy' }))));
  return h('div.spread-box', {}, h('p', { text: says }), h('div.spread', { role: 'group', 'aria-label': says, onkeydown: walk }, cards));
}

export async function turn(button, card) {
  button.classList.add('picked');
  button.firstChild.append(face(card));
  button.offsetWidth; // so that it turns, and is not just there
  button.classList.add('turned');
  button.scrollIntoView({ inline: 'center', block: 'nearest' });
  await new Promise(r => setTimeout(r, matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 1200));
}
