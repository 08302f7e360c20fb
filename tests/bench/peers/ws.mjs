// Node with ws: /echo, /room/N (to all of the room), /pair/N (to the others of it).
import { WebSocketServer } from 'ws';

const rooms = new Map();
const server = new WebSocketServer({ port: Number(process.argv[2]), host: '127.0.0.1', perMessageDeflate: false, clientTracking: false, backlog: 4096 });
server.on('connection', (socket, request) => {
    const [, kind, name] = request.url.split('/');
    socket.on('error', () => {});
    if (kind === 'echo') {
        socket.on('message', m => socket.send(m, { binary: false }));
        return;
    }
    const room = rooms.get(name) ?? rooms.set(name, new Set()).get(name);
    room.add(socket);
    socket.on('close', () => { room.delete(socket); });
    socket.on('message', m => {
        const text = String(m);
        for (const other of room) if (kind === 'room' || other !== socket) other.send(text);
    });
});
