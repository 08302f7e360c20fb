// Draws the deck: 78 faces and a back, into web/cards, by `node tools/deck.mjs`. The pictures are kept there; ./dev test draws them anew
// and compares.
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const W = 300, H = 520;
const cards = JSON.parse(fs.readFileSync(path.join(here, '../config/tarot/cards.json'), 'utf8')).cards;
const GOLD = '#e9cf8b', PALE = '#f7ecd0', INK = '#171333';

// A suit: its colours, and its sign around (0, 0), about 60 high.
const suits = {
    major: { name: 'major', from: '#2b2260', to: '#120e2e', glow: '#6a55c8' },
    wands: { from: '#5a2417', to: '#210b0d', glow: '#d8743a', sign: '<path d="M-5 30L-5-14M5 30L5-14"/><path d="M-9 30h18M-8-14q8-22 8-22q0 0 8 22q-8 7-16 0z" class="fill"/><path d="M-5 6l10-6M-5 18l10-6"/>' },
    cups: { from: '#124a58', to: '#071c2b', glow: '#4fb6bf', sign: '<path d="M-19-24h38q0 30-19 30t-19-30z" class="fill"/><path d="M0 6v16M-13 28q13-9 26 0z"/><path d="M-12-32q3-5 6 0t6 0 6 0 6 0"/>' },
    swords: { from: '#2f3b58', to: '#10131f', glow: '#9fb2d8', sign: '<path d="M0-36l6 10v34h-12v-34z" class="fill"/><path d="M-17 8h34M0 8v20"/><circle cx="0" cy="31" r="3.5"/>' },
    pentacles: { from: '#4a4317', to: '#1a1708', glow: '#c9b04a', sign: '<circle cx="0" cy="0" r="26" class="fill"/><circle cx="0" cy="0" r="20"/><path d="M0-19L11.2 15.4-18.1-5.9H18.1L-11.2 15.4z"/>' },
};
const order = ['wands', 'cups', 'swords', 'pentacles'];

const star = (x, y, r, points = 4, thin = 0.32) => {
    let d = '';
    for (let i = 0; i < points * 2; i++) {
        const a = Math.PI * i / points - Math.PI / 2, s = i % 2 ? r * thin : r;
        d += `${i ? 'L' : 'M'}${(x + s * Math.cos(a)).toFixed(1)} ${(y + s * Math.sin(a)).toFixed(1)}`;
    }
    return `<path d="${d}z" class="fill"/>`;
};
const rays = (n, from, to, wavy) => Array.from({ length: n }, (_, i) => {
    const a = 2 * Math.PI * i / n, c = Math.cos(a), s = Math.sin(a), b = wavy && i % 2 ? to - 9 : to;
    return `<path d="M${(from * c).toFixed(1)} ${(from * s).toFixed(1)}L${(b * c).toFixed(1)} ${(b * s).toFixed(1)}"/>`;
}).join('');
const mirror = s => `${s}<g transform="scale(-1 1)">${s}</g>`;

// The Major Arcana around (0, 0), about 200 wide and 240 high.
const majors = [
    `<circle cx="46" cy="-78" r="22"/><g transform="translate(46 -78)">${rays(12, 28, 38)}</g><path d="M-90 104L-20 104 6 70 34 104 90 104"/><path d="M-30 56q-6-44 12-62 20 16 14 62z" class="fill"/><circle cx="-18" cy="-22" r="13"/><path d="M-6 0L34-26M34-26q14-6 16 8-12 10-16-8z"/><path d="M-26 56v34M-8 56v34"/>`,
    `<path d="M0-92c-14-20-44-20-44 0s30 20 44 0 44-20 44 0-30 20-44 0z"/><path d="M0-58v56"/>${star(0, -64, 12)}<path d="M-84 30h168M-70 30v68M70 30v68"/><g transform="translate(-56 4) scale(.5)">${suits.cups.sign}</g><g transform="translate(-18 2) scale(.5)">${suits.pentacles.sign}</g><g transform="translate(20 4) scale(.5)">${suits.swords.sign}</g><g transform="translate(56 4) scale(.5)">${suits.wands.sign}</g>`,
    `${mirror('<path d="M58-96v190M82-96v190M50-96h40M50 94h40"/><path d="M58-70h24M58 68h24"/>')}<path d="M-22-58a30 30 0 1 0 44 0 36 36 0 0 1-44 0z" class="fill"/><circle cx="0" cy="-66" r="14"/><path d="M-30 34q30-16 60 0v44q-30-16-60 0z"/><path d="M0 27v44"/>`,
    `<path d="M0 92q-66-46-66-100a34 34 0 0 1 66-14 34 34 0 0 1 66 14q0 54-66 100z" class="fill"/><circle cx="0" cy="2" r="17"/><path d="M0 19v30M-12 35h24"/>${[-60, -30, 0, 30, 60].map((x, i) => star(x, -84 + Math.abs(i - 2) * 9, 9)).join('')}`,
    `<path d="M-60 96V-6l-22-40 34 14 12-44L0-40l36-36 12 44 34-14-22 40v102z" class="fill"/><path d="M-60 96h120"/><circle cx="0" cy="30" r="20"/><path d="M0 50v36M-14 70h28"/>`,
    `<path d="M0-100v150M-26-70h52M-36-44h72M-20-18h40"/>${mirror('<path d="M10 44L62 92"/><circle cx="68" cy="98" r="12"/><path d="M24 57l10-10M34 66l10-10"/>')}`,
    `<circle cx="-30" cy="14" r="44"/><circle cx="30" cy="14" r="44"/><path d="M0-18q-12-14-22-4t22 30q32-20 22-30t-22 4z" class="fill" transform="translate(0 12)"/><g transform="translate(0 -78)"><circle cx="0" cy="0" r="14"/>${rays(12, 19, 29, true)}</g>`,
    `<path d="M-70 40V-30q70-56 140 0v70z" class="fill"/><path d="M-70-30h140"/>${[-40, 0, 40].map(x => star(x, -58 + Math.abs(x) / 5, 10)).join('')}${mirror(`<g transform="translate(46 66)"><circle cx="0" cy="0" r="30"/><circle cx="0" cy="0" r="6"/>${rays(8, 6, 30)}</g>`)}`,
    `<path d="M0-90c-12-16-36-16-36 0s24 16 36 0 36-16 36 0-24 16-36 0z"/><circle cx="0" cy="16" r="46" class="fill"/><g transform="translate(0 16)">${rays(20, 48, 70, true)}</g><path d="M-18 6q6-7 12 0M6 6q6-7 12 0M-8 24h16l-8 9zM0 33v8M-16 44q16 12 32 0"/>`,
    `<path d="M-26-30L0-66l26 36v74h-52z" class="fill"/><path d="M0-66v-18a12 12 0 1 1 12 12M-34 44h68M-30-30h60"/>${star(0, 6, 22, 6, 0.45)}<path d="M70-96V100"/><g transform="translate(0 8)" opacity=".7">${rays(16, 58, 74, true)}</g>`,
    `<circle cx="0" cy="0" r="84"/><circle cx="0" cy="0" r="58"/><circle cx="0" cy="0" r="16" class="fill"/>${rays(8, 16, 84)}${[0, 1, 2, 3].map(i => `<g transform="rotate(${i * 90}) translate(0 -71)">${star(0, 0, 9)}</g>`).join('')}`,
    `<path d="M0-96V84M-74-62h148M-30 92h60M-20 84h40"/>${mirror('<path d="M74-62L48 6M74-62L100 6"/><path d="M44 6h60q-6 26-30 26t-30-26z" class="fill"/>')}<circle cx="0" cy="-102" r="7"/>`,
    `<path d="M-70-96H70M0-96v34M-70-96V100M70-96V100"/><path d="M0-62L0-4M0-44L24-66M-22 8L22 8 0 44z"/><path d="M-22 4q22-14 44 0L14-8h-28z" class="fill"/><circle cx="0" cy="62" r="18"/><g transform="translate(0 62)">${rays(14, 25, 37, true)}</g>`,
    `<path d="M-60 100q60-190 60-190" /><path d="M2-92q70 0 92 66-50-40-94-36z" class="fill"/><path d="M-96 70h192M-70 70a70 70 0 0 1 140 0"/><circle cx="20" cy="26" r="17" class="fill"/><path d="M20 43v27M20 58l12-10M20 64l-12-8"/><path d="M20 12q10 8 0 26-10-18 0-26z"/>`,
    `${mirror('<g transform="translate(52 -50) rotate(28)"><path d="M-24-20h48q-2 38-24 38t-24-38z" class="fill"/><path d="M0 18v18M-14 40h28"/></g>')}<path d="M-34-30Q0 66 34-30M-26-26Q0 46 26-26"/><path d="M-80 84q20-16 40 0t40 0 40 0 40 0M-80 100q20-16 40 0t40 0 40 0 40 0"/>`,
    `${mirror('<path d="M20-48q44-8 38-52 26 52-14 82"/>')}<path d="M-36-40q36-20 72 0l-8 60q-28 34-56 0z" class="fill"/><path d="M-18-18l12 6M18-18l-12 6M-12 14q12-9 24 0"/>${mirror([0, 1, 2].map(i => `<ellipse cx="${30 + i * 18}" cy="${56 + i * 16}" rx="13" ry="8" transform="rotate(40 ${30 + i * 18} ${56 + i * 16})"/>`).join(''))}`,
    `<path d="M-38 100L-30-50h60l8 150z" class="fill"/><path d="M-40-50h80M-34-50l0-16h14v10h12v-10h16v10h12v-10h14v16"/><path d="M-12-26h24v20h-24zM-12 20h24v22h-24z"/><path d="M86-104L34-62h30L6-18"/>${star(-64, -40, 8)}${star(-74, 10, 6)}${star(70, 24, 7)}`,
    `${star(0, -18, 74, 8, 0.36)}${[[-72, -78, 9], [74, -74, 9], [-84, -4, 7], [86, 4, 7], [-52, 62, 8], [54, 64, 8]].map(([x, y, r]) => star(x, y, r)).join('')}<path d="M-84 96q21-16 42 0t42 0 42 0 42 0"/>`,
    `<path d="M22-100a72 72 0 1 0 0 128 58 58 0 0 1 0-128z" class="fill"/><path d="M-14-50q8 8 0 18l6 6-8 8q6 6 0 12"/>${[[-70, 44], [0, 56], [66, 40], [-36, 70], [36, 74]].map(([x, y]) => `<path d="M${x} ${y}q7 12 0 17-7-5 0-17z"/>`).join('')}<path d="M-90 104q45-22 90 0t90 0"/>`,
    `<circle cx="0" cy="-8" r="46" class="fill"/><g transform="translate(0 -8)">${rays(24, 54, 88, true)}</g><path d="M-18-16q6-7 12 0M6-16q6-7 12 0M-20 8q20 22 40 0"/>`,
    `<path d="M-80-70L30-16l16-34L-60-92z" class="fill"/><path d="M30-16q34 34 56 8t-40-42"/><path d="M52-34v56l36 12V-20"/>${[-50, 0, 50].map(x => `<path d="M${x} 98q-18-40 0-56 18 16 0 56z"/><circle cx="${x}" cy="32" r="9"/>`).join('')}`,
    `<ellipse cx="0" cy="0" rx="66" ry="92"/><ellipse cx="0" cy="0" rx="52" ry="78"/>${Array.from({ length: 20 }, (_, i) => { const a = 2 * Math.PI * i / 20; return `<path d="M0 0q8-9 0-19-8 10 0 19z" transform="translate(${(59 * Math.cos(a)).toFixed(1)} ${(85 * Math.sin(a)).toFixed(1)}) rotate(${Math.round(360 * i / 20)})"/>`; }).join('')}${star(0, 0, 40, 7, 0.42)}${[[-84, -92], [84, -92], [-84, 92], [84, 92]].map(([x, y]) => star(x, y, 11)).join('')}`,
];
const romans = ['0', 'I', 'II', 'III', 'IV', 'V', 'VI', 'VII', 'VIII', 'IX', 'X', 'XI', 'XII', 'XIII', 'XIV', 'XV', 'XVI', 'XVII', 'XVIII', 'XIX', 'XX', 'XXI'];

// Where the signs of the numbered cards stand.
const L = -52, R = 52;
const pips = {
    1: [[0, 0]], 2: [[0, -70], [0, 70]], 3: [[0, -88], [0, 0], [0, 88]], 4: [[L, -66], [R, -66], [L, 66], [R, 66]], 5: [[L, -80], [R, -80], [0, 0], [L, 80], [R, 80]],
    6: [[L, -92], [R, -92], [L, 0], [R, 0], [L, 92], [R, 92]], 7: [[L, -92], [R, -92], [0, -46], [L, 0], [R, 0], [L, 92], [R, 92]],
    8: [[L, -96], [R, -96], [L, -32], [R, -32], [L, 32], [R, 32], [L, 96], [R, 96]], 9: [[L, -98], [R, -98], [L, -36], [R, -36], [0, 0], [L, 36], [R, 36], [L, 98], [R, 98]],
    10: [[L, -100], [R, -100], [0, -68], [L, -36], [R, -36], [L, 36], [R, 36], [0, 68], [L, 100], [R, 100]],
};
const court = (rank, sign) => {
    const head = '<circle cx="0" cy="-44" r="24"/><path d="M-10-46q4-5 8 0M2-46q4-5 8 0M-7-34q7 5 14 0"/>';
    const body = '<path d="M-62 96q2-92 62-104 60 12 62 104z" class="fill"/><path d="M-18 2q18 20 36 0M0 14v80"/>';
    const hats = [
        '<path d="M-26-56q6-30 40-24 18 4 12 20-26-10-52 4z" class="fill"/><path d="M18-78q14-18 24-8"/>', // page
        '<path d="M-26-46v-16q26-34 52 0v16l-14-8h-24z" class="fill"/><path d="M0-84q-2-24 24-24-14 8-12 24"/>', // knight
        '<path d="M-26-62q0-20 6-30l8 14 12-20 12 20 8-14q6 10 6 30-26-10-52 0z" class="fill"/><circle cx="0" cy="-102" r="4"/>', // queen
        '<path d="M-28-60l-4-38 18 16 14-24 14 24 18-16-4 38q-28-10-56 0z" class="fill"/><path d="M-14-26q14 26 28 0"/>', // king
    ];
    return `${body}${head}${hats[rank]}<g transform="translate(52 18) scale(.95)">${sign}</g>${rank === 3 ? '<path d="M-84 100v-70M84 100V30M-84 30h20M64 30h20"/>' : rank === 1 ? '<path d="M-92 104q46-30 92-6t92-6"/>' : ''}`;
};

const defs = s => `<defs><linearGradient id="g" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="${s.from}"/><stop offset="1" stop-color="${s.to}"/></linearGradient><radialGradient id="l" cx=".5" cy=".46" r=".5"><stop offset="0" stop-color="${s.glow}" stop-opacity=".55"/><stop offset="1" stop-color="${s.glow}" stop-opacity="0"/></radialGradient></defs>`;
// Attributes, not a style sheet: where a picture is opened by itself, the pages' policy forbids one.
const LINES = `fill="none" stroke="${GOLD}" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round"`, FILL = `fill="${GOLD}" fill-opacity=".17"`;
const TEXT = `font-family="'Noto Serif KR','Noto Serif CJK KR','Nanum Myeongjo',Georgia,serif" fill="${PALE}" text-anchor="middle"`;
const frame = `<rect x="1" y="1" width="298" height="518" rx="20" fill="url(#g)" stroke="${INK}" stroke-width="2"/><rect width="300" height="520" rx="20" fill="url(#l)"/><g class="a"><rect x="13" y="13" width="274" height="494" rx="13"/><rect x="20" y="20" width="260" height="480" rx="9" stroke-width="1" opacity=".7"/>${[[34, 34], [266, 34], [34, 486], [266, 486]].map(([x, y]) => star(x, y, 9)).join('')}</g>`;
const sky = seed => Array.from({ length: 16 }, (_, i) => { const a = (seed * 7919 + i * 104729) % 9973, x = 34 + a % 232, y = 70 + (a * 31) % 350; return `<circle cx="${x}" cy="${y}" r="${(0.7 + a % 3 * 0.4).toFixed(1)}" fill="${PALE}" opacity=".${3 + a % 5}"/>`; }).join('');
const whole = (s, inside, title) => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${W} ${H}" width="${W}" height="${H}" role="img"><title>${title}</title>${defs(s)}${frame}${inside}</svg>\n`.replaceAll('class="a"', LINES).replaceAll('class="fill"', FILL).replaceAll('<text ', `<text ${TEXT} `);

export function face(n) {
    const card = cards[n], minor = n >= 22, suit = minor ? suits[order[Math.floor((n - 22) / 14)]] : suits.major, rank = minor ? (n - 22) % 14 + 1 : 0;
    const number = minor ? (rank === 1 ? 'A' : rank <= 10 ? String(rank) : '') : romans[n];
    const scale = rank === 1 ? 2.3 : rank > 7 ? 0.84 : 0.96, art = !minor ? `<g transform="scale(1.12)">${majors[n]}</g>` : rank > 10 ? `<g transform="scale(1.25)">${court(rank - 11, suit.sign)}</g>` : pips[rank].map(([x, y]) => `<g transform="translate(${(x * 1.2).toFixed(1)} ${(y * 1.22).toFixed(1)}) scale(${scale})">${suit.sign}</g>`).join('');
    const extra = rank === 1 ? `<g opacity=".6">${rays(28, 100, 116, true)}</g>` : '';
    return whole(suit, `${sky(n + 1)}<text x="150" y="62" font-size="24" letter-spacing="2">${number}</text><g class="a" transform="translate(150 242)">${extra}${art}</g><path d="M70 424h160" stroke="${GOLD}" opacity=".6"/><text x="150" y="455" font-size="24" font-weight="700">${card.ko}</text><text x="150" y="479" font-size="14" letter-spacing="1.5" opacity=".85">${card.en.toUpperCase()}</text>`, `${card.ko} · ${card.en}`);
}

export function back() {
    const net = Array.from({ length: 7 }, (_, r) => Array.from({ length: 4 }, (_, c) => star(60 + c * 60, 70 + r * 63.3, 8)).join('')).join('') + Array.from({ length: 6 }, (_, r) => Array.from({ length: 3 }, (_, c) => `<circle cx="${90 + c * 60}" cy="${(101.6 + r * 63.3).toFixed(1)}" r="5"/>`).join('')).join('');
    return whole(suits.major, `<g class="a" opacity=".55">${net}</g><g class="a" transform="translate(150 260)"><circle cx="0" cy="0" r="74" fill="#1d1747"/><circle cx="0" cy="0" r="62"/><path d="M16-46a48 48 0 1 0 0 92 38 38 0 0 1 0-92z" class="fill"/>${star(22, 0, 20, 8, 0.4)}${rays(24, 80, 92, true)}</g>`, 'madang');
}

export const files = () => [...cards.map((_, n) => [`${String(n).padStart(2, '0')}.svg`, face(n)]), ['back.svg', back()]];
if (process.argv[1] === fileURLToPath(import.meta.url)) for (const [name, svg] of files()) fs.writeFileSync(path.join(here, '../web/cards', name), svg);
