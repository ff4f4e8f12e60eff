// A real SSH server with an SFTP subsystem over files in memory. It can hang, cut a transfer, replace a file while it is read, and
// list names that no honest server lists. What was asked of it stands in its log.
import { generateKeyPairSync } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { posix } from 'node:path';
import ssh2, { type Connection, type SFTPWrapper } from 'ssh2';
import { onTestFinished } from 'vitest';
import { fingerprintOf } from '../../src/sources/sftp/host-key.ts';

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp;

type Node =
  | { readonly kind: 'file'; readonly content: Buffer; readonly mtime: number }
  | { readonly kind: 'folder'; readonly mtime: number }
  | { readonly kind: 'fifo'; readonly mtime: number }
  | { readonly kind: 'link'; readonly to: string; readonly mtime: number };

/** What happens to a request; `go` lets it pass. */
export type Trouble = 'go' | 'hang' | 'cut' | 'end' | 'deny';

export interface SftpServerOptions {
  readonly password?: string;
  /** Asks for the password in a dialogue instead. */
  readonly dialogue?: boolean;
  /** Public key of the one user, as OpenSSH writes it. */
  readonly publicKey?: string;
  readonly hostKey?: string;
}

export interface SftpServer {
  readonly port: number;
  /** `SHA256:…` of its key. */
  readonly fingerprint: string;
  /** Its public key as a line. */
  readonly publicKey: string;
  readonly write: (path: string, content: string | Uint8Array, mtime?: string) => void;
  readonly mkdir: (path: string) => void;
  readonly link: (path: string, to: string) => void;
  readonly fifo: (path: string) => void;
  readonly remove: (path: string) => void;
  /** Paths of everything that is there, sorted. */
  readonly paths: () => readonly string[];
  /** Operation and path of everything that was asked, `login` and `refused` included. */
  readonly log: string[];
  /** Passwords that were offered. */
  readonly offered: string[];
  /** Asked before each operation. */
  trouble: (operation: string, path: string, nth: number) => Trouble;
  /** Called before each read of a file. */
  onRead: (path: string, position: number) => void;
  /** More names in every folder. */
  names: readonly string[];
  /** Names in one answer. */
  namesAtOnce: number;
  /** Bytes that a read gives at most. */
  readBytesMax: number;
  /** Connections that are open. */
  readonly open: () => number;
  /** Resolves when none is. */
  readonly allClosed: () => Promise<void>;
  /** The most that ever were open at once. */
  readonly openMost: () => number;
}

/** About three pairs in a thousand that the library makes it cannot read itself: such a one is made again. */
export function sshKeys(): { readonly private: string; readonly public: string } {
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync('ed25519');
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error)) return pair;
  }
}

/** A PEM key with a passphrase, as OpenSSL writes it. */
export const protectedKey = (passphrase: string): { readonly private: string; readonly public: string } => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const pem = privateKey.export({ type: 'pkcs1', format: 'pem', cipher: 'aes-256-cbc', passphrase }) as string;
  const parsed = ssh2.utils.parseKey(pem, passphrase);
  if (parsed instanceof Error) throw parsed;
  return { private: pem, public: `ssh-rsa ${parsed.getPublicSSH().toString('base64')}` };
};

const TYPE_BITS = { file: 0o100644, folder: 0o040755, fifo: 0o010644, link: 0o120777 } as const;

export async function startSftpServer(options: SftpServerOptions = {}): Promise<SftpServer> {
  const host = options.hostKey ?? sshKeys().private;
  const parsed = ssh2.utils.parseKey(host);
  if (parsed instanceof Error) throw parsed;
  const blob = parsed.getPublicSSH();
  const nodes = new Map<string, Node>([['/', { kind: 'folder', mtime: 0 }]]);
  const connections = new Set<Connection>();
  let most = 0;
  let asked = 0;

  const server: SftpServer = {
    get port() {
      return (listener.address() as AddressInfo).port;
    },
    fingerprint: fingerprintOf(blob),
    publicKey: `${parsed.type} ${blob.toString('base64')}`,
    write: (path, content, mtime = '2026-11-23T10:00:00Z') => {
      server.mkdir(posix.dirname(path));
      nodes.set(path, { kind: 'file', content: Buffer.from(content as Uint8Array), mtime: Date.parse(mtime) / 1_000 });
    },
    mkdir: (path) => {
      for (let at = path; !nodes.has(at); at = posix.dirname(at)) nodes.set(at, { kind: 'folder', mtime: 0 });
    },
    link: (path, to) => void nodes.set(path, { kind: 'link', to, mtime: 0 }),
    fifo: (path) => void nodes.set(path, { kind: 'fifo', mtime: 0 }),
    remove: (path) => void nodes.delete(path),
    paths: () => [...nodes].flatMap(([path, { kind }]) => (kind === 'folder' ? [] : [path])).sort(),
    log: [],
    offered: [],
    trouble: () => 'go',
    onRead: () => {},
    names: [],
    namesAtOnce: 500,
    readBytesMax: 1_000_000,
    open: () => connections.size,
    allClosed: async () => {
      while (connections.size > 0)
        await new Promise<void>((resolve) =>
          connections
            .values()
            .next()
            .value?.once('close', () => resolve()),
        );
    },
    openMost: () => most,
  };

  const resolved = (path: string): Node | undefined => {
    const node = nodes.get(path);
    return node?.kind === 'link' ? nodes.get(posix.resolve(posix.dirname(path), node.to)) : node;
  };
  const attributes = (node: Node) => ({
    mode: TYPE_BITS[node.kind],
    uid: 1,
    gid: 1,
    size: node.kind === 'file' ? node.content.length : 0,
    atime: node.mtime,
    mtime: node.mtime,
  });
  const pathOf = (path: string): string => posix.resolve('/', path);

  function serve(sftp: SFTPWrapper, connection: Connection): void {
    const handles = new Map<number, { readonly path: string; content: Buffer | null; listed: number }>();
    let next = 0;
    const handleOf = (buffer: Buffer) => handles.get(buffer.length === 4 ? buffer.readUInt32BE(0) : -1);
    const opened = (path: string, content: Buffer | null): Buffer => {
      const handle = Buffer.alloc(4);
      handle.writeUInt32BE(next, 0);
      handles.set(next++, { path, content, listed: 0 });
      return handle;
    };
    const on = (name: string, job: (id: number, path: string, ...rest: never[]) => void): void => {
      sftp.on(
        name as never,
        ((id: number, first: string | Buffer, ...rest: never[]) => {
          const path = typeof first === 'string' ? pathOf(first) : (handleOf(first)?.path ?? '');
          server.log.push(`${name} ${path}`);
          const trouble = server.trouble(name, path, asked++);
          if (trouble === 'hang') return;
          if (trouble === 'cut') return void connection.end();
          if (trouble === 'deny') return void sftp.status(id, STATUS_CODE.PERMISSION_DENIED);
          if (trouble === 'end') return void sftp.status(id, STATUS_CODE.EOF);
          job(id, path, ...([first, ...rest] as never[]));
        }) as never,
      );
    };
    const stat = (id: number, path: string): void => {
      const node = resolved(path);
      if (node === undefined) sftp.status(id, STATUS_CODE.NO_SUCH_FILE);
      else sftp.attrs(id, attributes(node) as never);
    };
    on('STAT', stat);
    on('LSTAT', stat);
    on('REALPATH', (id, path) => sftp.name(id, [{ filename: path, longname: path, attrs: {} }] as never));
    on('OPENDIR', (id, path) => {
      if (resolved(path)?.kind === 'folder') sftp.handle(id, opened(path, null));
      else sftp.status(id, STATUS_CODE.NO_SUCH_FILE);
    });
    on('READDIR', (id, path, first: Buffer) => {
      const handle = handleOf(first);
      if (handle === undefined) return void sftp.status(id, STATUS_CODE.FAILURE);
      const within = [...nodes].flatMap(([one, node]) =>
        one !== '/' && posix.dirname(one) === path ? [{ name: posix.basename(one), node }] : [],
      );
      const lies = server.names.map((name) => ({
        name,
        node: { kind: 'file', content: Buffer.alloc(0), mtime: 9e9 } as Node,
      }));
      const page = [...within, ...lies].slice(handle.listed, handle.listed + server.namesAtOnce);
      handle.listed += page.length;
      const listed = page.map(({ name, node }) => ({ filename: name, longname: name, attrs: attributes(node) }));
      if (listed.length === 0) sftp.status(id, STATUS_CODE.EOF);
      else sftp.name(id, listed as never);
    });
    on('OPEN', (id, path, _first: never, flags: number) => {
      const node = resolved(path);
      if (node?.kind !== 'file') return void sftp.status(id, STATUS_CODE.NO_SUCH_FILE);
      if ((flags & OPEN_MODE.WRITE) !== 0) return void sftp.status(id, STATUS_CODE.PERMISSION_DENIED);
      sftp.handle(id, opened(path, node.content));
    });
    on('READ', (id, path, first: Buffer, position: number, length: number) => {
      server.onRead(path, position);
      const content = handleOf(first)?.content ?? Buffer.alloc(0);
      const bytes = content.subarray(position, position + Math.min(length, server.readBytesMax));
      if (bytes.length === 0) sftp.status(id, STATUS_CODE.EOF);
      else sftp.data(id, bytes);
    });
    on('CLOSE', (id, _path, first: Buffer) => {
      handles.delete(first.readUInt32BE(0));
      sftp.status(id, STATUS_CODE.OK);
    });
    on('MKDIR', (id, path) => {
      server.mkdir(path);
      sftp.status(id, STATUS_CODE.OK);
    });
    on('RENAME', (id, path, _first: never, to: string) => {
      const node = nodes.get(path);
      if (node === undefined || nodes.has(pathOf(to))) return void sftp.status(id, STATUS_CODE.FAILURE);
      nodes.delete(path);
      nodes.set(pathOf(to), node);
      sftp.status(id, STATUS_CODE.OK);
    });
  }

  const listener = new ssh2.Server({ hostKeys: [host] }, (connection) => {
    connections.add(connection);
    (connection as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true);
    most = Math.max(most, connections.size);
    connection.on('close', () => connections.delete(connection));
    connection.on('error', () => {});
    connection.on('authentication', (context) => {
      if (context.method === 'password' && options.password !== undefined && options.dialogue !== true) {
        server.offered.push(context.password);
        return context.password === options.password ? context.accept() : refuse();
      }
      if (context.method === 'keyboard-interactive' && options.dialogue === true) {
        return context.prompt([{ prompt: 'Password: ', echo: false }], (answers) => {
          server.offered.push(...answers);
          if (answers[0] === options.password) context.accept();
          else refuse();
        });
      }
      if (context.method === 'publickey' && options.publicKey !== undefined) {
        const known = ssh2.utils.parseKey(options.publicKey);
        if (known instanceof Error) throw known;
        const same = context.key.data.equals(known.getPublicSSH());
        const proven =
          context.signature === undefined ||
          known.verify(context.blob as Buffer, context.signature, context.hashAlgo) === true;
        return same && proven ? context.accept() : refuse();
      }
      return refuse();
      function refuse(): void {
        server.log.push('refused');
        const method =
          options.publicKey !== undefined
            ? 'publickey'
            : options.dialogue === true
              ? 'keyboard-interactive'
              : 'password';
        context.reject([method]);
      }
    });
    connection.on('ready', () => {
      server.log.push('login');
      connection.on('session', (accept) => {
        accept().on('sftp', (take) => serve(take(), connection));
      });
    });
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        for (const connection of connections) connection.end();
        listener.close(() => resolve());
      }),
  );
  return server;
}
