// A plain TCP gateway in front of a server, which can be taken away: connections are then refused, as at a host that is down.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Gateway extends AsyncDisposable {
  /** The same address with this gateway's port. */
  readonly url: (of: string) => string;
  /** Where it leads to. */
  readonly leadTo: (url: string) => void;
  readonly down: () => Promise<void>;
  readonly up: () => Promise<void>;
}

export async function openGateway(): Promise<Gateway> {
  let target = 0;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
  };
  const server = createServer((inner) => {
    const outer = connect(target, '127.0.0.1');
    keep(inner);
    keep(outer);
    inner.pipe(outer).pipe(inner);
    inner.on('close', () => outer.destroy());
    outer.on('close', () => inner.destroy());
  });
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const down = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    url: (of) => Object.assign(new URL(of), { port: String(port) }).href,
    leadTo: (url) => {
      target = Number(new URL(url).port);
    },
    down,
    up: () => listen(port),
    [Symbol.asyncDispose]: down,
  };
}
