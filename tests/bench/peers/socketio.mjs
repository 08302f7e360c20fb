// socket.io over WebSocket alone, with its Redis adapter when a socket's path is given: "echo" is acknowledged, "say" goes to the
// room of the query, "relay" to the others in it.
import { createAdapter } from '@socket.io/redis-adapter';
import { Redis } from 'ioredis';
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const [port, redis] = process.argv.slice(2);
const http = createServer();
const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false, pingInterval: 300000, pingTimeout: 300000, serveClient: false });
if (redis) io.adapter(createAdapter(new Redis(redis), new Redis(redis)));
io.on('connection', socket => {
    const room = `room:${socket.handshake.query.room}`;
    socket.join(room);
    socket.on('echo', (body, reply) => reply(body));
    socket.on('say', body => io.to(room).emit('said', body));
    socket.on('relay', body => socket.to(room).emit('said', body));
});
http.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
