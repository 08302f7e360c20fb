// Bun's own server, SQL and Redis clients, and its WebSockets with topics.
const [port, pg, database, redis] = process.argv.slice(2);
const sql = new Bun.SQL({ path: `${pg}/.s.PGSQL.5432`, database, username: 'madang', max: 8 });
const leases = new Bun.RedisClient(`redis+unix://${redis}`);
let key = 0, seat = 0;
Bun.serve({
    port: Number(port), hostname: '127.0.0.1',
    routes: {
        '/json': () => Response.json({ name: 'madang', version: '0.1.0', kakao: false, google: false }),
        '/row': async () => Response.json((await sql`select id, name from rows where id = ${1 + key++ % 10000}`)[0]),
        '/hold': async () => Response.json({ held: await leases.send('SET', [`seat:${++seat}`, 'x', 'PX', '1000', 'NX']) === 'OK' }),
    },
    fetch(request, server) {
        const [, kind, name] = new URL(request.url).pathname.split('/');
        return server.upgrade(request, { data: { kind, name } }) ? undefined : new Response('no', { status: 400 });
    },
    websocket: {
        perMessageDeflate: false, idleTimeout: 960,
        open(socket) { if (socket.data.kind !== 'echo') socket.subscribe(socket.data.name); },
        message(socket, message) {
            const { kind, name } = socket.data;
            if (kind === 'echo') socket.send(message);
            else if (kind === 'pair') socket.publish(name, message);
            else { socket.publish(name, message); socket.send(message); }
        },
    },
});
