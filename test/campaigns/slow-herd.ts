// Connections that never finish a request, in a process of their own: each sends a byte of a header every few seconds, and comes
// again when it is given up. argv: port, path, how many. Prints a line when all of them are open.
import { connect, type Socket } from 'node:net';

const [port = 0, count = 0] = [process.argv[2], process.argv[4]].map(Number);
const path = process.argv[3] ?? '/';
/** They come from so many addresses that the share of one address keeps none of them out. */
const ADDRESSES = 20;
/** All of them send once in so many turns. */
const TURNS = 40;
const TURN_MS = 100;

const sockets = new Set<Socket>();
let opened = 0;
const open = (): void => {
  opened += 1;
  const socket = connect({ port, host: '127.0.0.1', localAddress: `127.0.0.${2 + (opened % ADDRESSES)}` });
  sockets.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => sockets.delete(socket));
  socket.write(`POST ${path} HTTP/1.1\r\nHost: rollcall\r\nX-Slow: `);
};
let turn = 0;
let told = false;
setInterval(() => {
  while (sockets.size < count) open();
  turn += 1;
  let index = 0;
  for (const socket of sockets) {
    if (index % TURNS === turn % TURNS && socket.writable) socket.write('x');
    index += 1;
  }
  if (!told && turn > 5) {
    told = true;
    console.log(sockets.size);
  }
}, TURN_MS);
