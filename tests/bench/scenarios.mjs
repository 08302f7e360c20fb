// What is measured: how each subject is asked, and what madang must reach (reference: the same run's floors and peers).
const BODY = '0123456789012345678901234567890123456789';
const EVENT = `{"ev":"bench.said","on":"bench:10","data":{"body":"${BODY}"}}`; // what madang's members get: the others pass as many bytes on
const get = (path, more = '') => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
const bearer = 'Authorization: Bearer %t\r\n';
const io = { path: '/socket.io/?EIO=4&transport=websocket&room=%r', greeted: 1, hello: ['40'] };
const open = '{"op":"session.open","id":1,"in":{"token":"%t"}}', join = '{"op":"bench.join","id":2,"in":{"room":1%r}}';
const OPEN = `open.${Buffer.from('{}').toString('base64url')}`; // session.open with the upgrade, as madang.js does
const said = '{"ev":"bench.said"', say = op => `{"op":"bench.${op}","in":{"room":1%r,"body":"${BODY}"}}`;
const ours = (tokens, more) => ({ path: '/ws', protocol: 'madang.v1', tokens, hello: [open, ...(more.room ? [join] : [])], message: more.message, match: more.match });
const PLAIN = ['floor', 'bun', 'ws', 'go']; // take frames as they are

// A line: who takes part and how; `must` and `moonshot` are [subject, ratio] of the best rates.
export function scenarios(files) {
    const tokens = files.all;
    const all = (subjects, of) => Object.fromEntries(subjects.map(s => [s, of(s)]));
    const fan = (n, flight) => ({
        ...all(PLAIN, () => ['fan', { conns: n, flight, path: '/room/1', message: EVENT, match: '' }]),
        socketio: ['fan', { conns: n, flight, ...io, message: `42["say","${BODY}"]`, match: '42' }],
        madang: ['fan', { conns: n, flight, ...ours(tokens, { room: true, message: say('say'), match: said }) }],
    });
    const pairs = (io2, ours2) => ({
        [io2]: ['pairs', { conns: 1000, per_room: 2, ...io, message: `42["relay","${BODY}"]`, match: '42' }],
        [ours2]: ['pairs', { conns: 1000, per_room: 2, ...ours(tokens, { room: true, message: say('relay'), match: said }) }],
    });
    const echo = n => ({
        ...all(PLAIN, () => ['echo', { conns: n, path: '/echo', message: BODY, match: '' }]),
        socketio: ['echo', { conns: n, ...io, message: `420["echo","${BODY}"]`, match: '43' }],
        madang: ['echo', { conns: n, ...ours(tokens, { message: '{"op":"session.beat","id":7}', match: '{"id":7,"out"' }) }],
    });
    const http = (paths, conns = 64) => Object.fromEntries(Object.entries(paths).map(([s, message]) => [s, ['http', { conns, message, ...(s === 'madang' ? { tokens } : {}) }]]));
    return [
        { id: 'json', title: 'GET of a constant JSON', unit: 'requests', floor: 'floor', must: [['uv', 0.85]], moonshot: [['nginx', 1], ['uv', 0.9]],
            subjects: http({ ...all(['floor', 'uv', 'nginx', 'bun', 'go', 'fastify'], () => get('/json')), madang: get('/api/v1/info', bearer) }) },
        { id: 'row', title: 'GET with one indexed SELECT', unit: 'requests', floor: 'pq', must: [['bun', 1.15]], moonshot: [['pq', 0.95]],
            subjects: http({ ...all(['pq', 'bun', 'go', 'fastify'], () => get('/row')), madang: get('/api/v1/bench/rows/%i', bearer).replace('%i', '1%i') }) },
        { id: 'hold', title: 'POST with one Redis lease', unit: 'requests', floor: 'floor', must: [['bun', 1], ['fastify', 1.7]], moonshot: [['bun', 1.3]],
            subjects: http({ ...all(['floor', 'bun', 'fastify'], () => 'POST /hold HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n'), madang: `POST /api/v1/bench/seats/1%i HTTP/1.1\r\nHost: localhost\r\n${bearer}Content-Length: 0\r\n\r\n` }) },
        { id: 'echo1', title: 'WebSocket call round trip, 1 socket', unit: 'calls', floor: 'floor', subjects: echo(1), latency: true, mustTime: [['floor', 1.1]], moonshotTime: [['floor', 1.03]] },
        { id: 'echo', title: 'WebSocket call round trip, 1,000 sockets', unit: 'calls', floor: 'floor', must: [['floor', 0.8], ['ws', 1.5], ['socketio', 2.5]], moonshot: [['floor', 0.9], ['bun', 1]], subjects: echo(1000), latency: true },
        { id: 'fan', title: 'One event to 1,000 members, one at a time', unit: 'deliveries', floor: 'floor', must: [['floor', 0.9]], moonshot: [['floor', 0.97], ['bun', 1]], subjects: fan(1000, 1) },
        { id: 'fan16', title: 'The same, 16 unfinished', unit: 'deliveries', floor: 'floor', must: [['floor', 0.6], ['ws', 13]], moonshot: [['floor', 0.9], ['socketio', 25]], subjects: fan(1000, 16) },
        { id: 'pairs', title: 'Relay between 500 pairs', unit: 'messages', floor: 'floor', must: [['floor', 0.75], ['socketio', 2]], moonshot: [['floor', 0.9], ['bun', 1]],
            subjects: { ...all(PLAIN, () => ['pairs', { conns: 1000, per_room: 2, path: '/pair/%r', message: EVENT, match: '' }]), ...pairs('socketio', 'madang') } },
        { id: 'nodes', title: 'The same across two nodes through Redis', unit: 'messages', floor: 'socketioNodes', must: [['socketioNodes', 2]], moonshot: [['socketioNodes', 4]], subjects: pairs('socketioNodes', 'nodes') },
        { id: 'churn', title: 'Handshakes with a token', unit: 'handshakes', floor: 'floor', must: [['floor', 0.6], ['socketio', 5]], moonshot: [['floor', 0.8]],
            subjects: { ...all(PLAIN, () => ['churn', { conns: 64, path: '/echo' }]), socketio: ['churn', { conns: 64, ...io }], madang: ['churn', { conns: 64, ...ours(tokens, {}), protocol: `madang.v1, bearer.%t, ${OPEN}`, greeted: 1, hello: [] }] } },
        { id: 'apart', title: 'The same, session.open sent behind it', unit: 'handshakes', floor: 'floor',
            subjects: { floor: ['churn', { conns: 64, path: '/echo' }], madang: ['churn', { conns: 64, ...ours(tokens, {}) }] } },
        { id: 'notice', title: 'A notice posted, committed and told to 1,000 sockets', unit: 'deliveries', floor: 'floor',
            subjects: { floor: fan(1000, 1).floor, madang: ['fan', { conns: 1000, ...ours(files.manager, { message: '{"op":"notices.post","in":{"title":"bench","body":"a notice of the benchmark"}}', match: '{"ev":"notice.posted"' }) }] } },
        { id: 'send', title: 'A message sent and committed, 32 at a time', unit: 'messages', floor: 'pgbench', plain: true,
            subjects: { pgbench: ['commits'], madang: ['http', { conns: 32, tokens: files.senders, per_room: 1, message: `POST /api/v1/rooms/1%r/messages HTTP/1.1\r\nHost: localhost\r\n${bearer}Content-Type: application/json\r\n\r\n{"client_id":"bench-%n","body":"${BODY}"}` }] } },
    ];
}
// Many sockets that do little: memory, heartbeats, rooms.
export const many = {
    ...Object.fromEntries(PLAIN.map(s => [s, () => ({ path: '/room/%r', message: 'x'.repeat(512), match: '' })])),
    socketio: () => ({ ...io, message: `420["echo","${'x'.repeat(500)}"]`, match: '43' }),
    madang: tokens => ours(tokens, { room: true, message: '{"op":"session.beat","id":7}', match: '{"id":7,"out"' }),
};
export const quiet = { ...many, ...Object.fromEntries(PLAIN.map(s => [s, () => ({ path: '/echo', message: 'x'.repeat(512), match: '' })])) };
export const talk = {
    ...Object.fromEntries(PLAIN.map(s => [s, () => ({ path: '/room/%r', message: EVENT, match: '' })])),
    madang: tokens => ours(tokens, { room: true, message: say('say'), match: said }),
};
