// Bounds on connections. Whoever opens many and says nothing loses the oldest of them: a request that comes at once always finds a
// place, however many slow ones wait.
import type { Server, Socket } from 'node:net';

export interface ConnectionLimits {
  readonly total: number;
  /** Null where every connection comes from one proxy. */
  readonly perAddress: number | null;
}

export interface Connections {
  /** A whole request has arrived here and is being answered: this one is not given up. */
  readonly begin: (socket: Socket) => void;
  readonly end: (socket: Socket) => void;
}

/** TLS wraps the socket that was counted: both have the same two ends. */
const nameOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress ?? ''} ${remotePort ?? 0}`;

export function boundConnections(server: Server, limits: ConnectionLimits): Connections {
  /** Oldest first. */
  const sockets = new Map<string, Socket>();
  const busy = new Set<string>();
  const byAddress = new Map<string, Set<string>>();

  const forget = (name: string, address: string, socket: Socket): void => {
    if (sockets.get(name) !== socket) return;
    sockets.delete(name);
    busy.delete(name);
    const own = byAddress.get(address);
    own?.delete(name);
    if (own?.size === 0) byAddress.delete(address);
  };
  /** Gives up the oldest of these that nobody answers just now. */
  const evict = (names: Iterable<string>): boolean => {
    for (const name of names) {
      if (busy.has(name)) continue;
      const socket = sockets.get(name);
      if (socket === undefined) continue;
      socket.destroy();
      forget(name, socket.remoteAddress ?? name.slice(0, name.lastIndexOf(' ')), socket);
      return true;
    }
    return false;
  };

  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const name = nameOf(socket);
    const own = byAddress.get(address) ?? new Set<string>();
    const crowded = limits.perAddress !== null && own.size >= limits.perAddress;
    if ((crowded && !evict(own)) || (sockets.size >= limits.total && !evict(sockets.keys()))) {
      socket.destroy();
      return;
    }
    // Giving one up may have dropped the set that was empty then.
    const set = byAddress.get(address) ?? new Set<string>();
    byAddress.set(address, set);
    set.add(name);
    sockets.set(name, socket);
    socket.once('close', () => forget(name, address, socket));
  });
  return {
    begin: (socket) => void busy.add(nameOf(socket)),
    end: (socket) => void busy.delete(nameOf(socket)),
  };
}
