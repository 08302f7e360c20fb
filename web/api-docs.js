// The calls as a page, from the served documents.
import { h } from './dom.js';

const [api, ws] = await Promise.all(['/api/openapi.json', '/api/asyncapi.json'].map(u => fetch(u).then(r => r.json())));
const name = s => s?.$ref?.split('/').at(-1);
const type = s => !s ? '' : s.$ref ? name(s) : s.anyOf ? `${type(s.anyOf[0])} | null` : s.enum ? s.enum.map(x => `"${x}"`).join(' | ') : s.type === 'array' ? `${type(s.items)}[]` : s.format ?? s.type ?? 'any';
const table = schema => h('table', {}, h('tbody', {}, Object.entries(schema.properties ?? {}).map(([k, v]) => h('tr', {}, h('td', {}, h('code', { text: k + (schema.required?.includes(k) ? '' : '?') })), h('td', { text: type(v) }), h('td.soft', { text: v.description ?? '' })))));
const box = (title, schema) => schema ? h('details', {}, h('summary', { text: `${title} ${name(schema) ?? ''}` }), table(schema.$ref ? api.components.schemas[name(schema)] ?? ws.components.schemas[name(schema)] : schema)) : null;

const groups = new Map();
for (const [path, methods] of Object.entries(api.paths)) for (const [method, o] of Object.entries(methods)) {
  const list = groups.get(o.tags[0]) ?? [];
  groups.set(o.tags[0], list);
  list.push(h('article.card.stack', { id: o.operationId }, h('h2', { text: o.operationId }), h('p', { text: o.summary }), h('p', {}, h('code', { text: `${method.toUpperCase()} ${path}` }), ' ', ws.components.messages[o.operationId] ? h('span.soft', { text: '· WebSocket' }) : ''),
    o.parameters.length ? h('p.soft.small-text', { text: o.parameters.map(p => `${p.name}${p.required ? '' : '?'}: ${type(p.schema)}`).join(', ') }) : null, box('in', o.requestBody?.content['application/json'].schema),
    Object.entries(o.responses).filter(([s]) => s < 300).map(([, r]) => box('out', r.content?.['application/json']?.schema)),
    h('p.soft.small-text', { text: Object.values(o.responses).map(r => r.description).filter(d => d.startsWith('Problem: ')).map(d => d.slice(9)).join(', ') })));
}
const events = Object.entries(ws.components.messages).filter(([k]) => k.startsWith('event.')).map(([k, m]) => h('article.card.stack', {}, h('h2', { text: k.slice(6) }), h('p', { text: m.summary }), h('p', {}, h('code', { text: `on ${m['x-topic']}` })), box('data', m.payload.properties.data)));
document.getElementById('docs').append(...[...groups].flatMap(([g, list]) => [h('h1', { text: g }), ...list]), h('h1', { text: 'events' }), ...events);
