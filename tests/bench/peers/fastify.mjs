// fastify: a constant, a row by pg, a lease in Redis.
import fastify from 'fastify';
import { Redis } from 'ioredis';
import pg from 'pg';

const [port, host, database, redis] = process.argv.slice(2);
const pool = new pg.Pool({ host, database, user: 'madang', max: 8 }), leases = new Redis(redis), app = fastify();
let key = 0, seat = 0;
app.get('/json', async () => ({ name: 'madang', version: '0.1.0', kakao: false, google: false }));
app.get('/row', async () => (await pool.query({ name: 'row', text: 'select id, name from rows where id = $1', values: [1 + key++ % 10000] })).rows[0]);
app.post('/hold', async () => ({ held: await leases.set(`seat:${++seat}`, 'x', 'PX', 1000, 'NX') === 'OK' }));
await app.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
