// The connection beneath an SFTP session: who is at its other end, whether it still answers, and how it ends. What goes wrong is a
// Problem in plain words that names neither passwords nor keys.
import { connect, type Socket } from 'node:net';
import type { ConnectConfig, Client as SshClient } from 'ssh2';
import { Problem } from '../../base/problem.ts';
import type { HostKeyPin } from '../../mapping/host-key.ts';
import { fingerprintOf, isPinned, wantedAlgorithms } from './host-key.ts';

export interface SftpAccess {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly auth:
    | { readonly kind: 'password'; readonly password: () => string }
    | { readonly kind: 'key'; readonly privateKey: () => string; readonly passphrase: (() => string) | null };
  readonly hostKeys: readonly HostKeyPin[];
  /** How long one answer may take. */
  readonly timeoutMs: number;
}

export interface SessionDeps {
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Resolves after so long, or at once when the signal aborts. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** While nothing else is said, a sign of life this often; so many without an answer end the connection. */
const KEEPALIVE_MS = 10_000;
const KEEPALIVES_UNANSWERED_MAX = 3;
/** How long a server may take to end its side of a connection. */
const GOODBYE_MS = 2_000;

type Done<T> = (error: Error | null | undefined, value?: T) => void;

/** Who opens one closes or cuts it. */
export class Line {
  readonly #client: SshClient;
  readonly #access: SftpAccess;
  readonly #deps: SessionDeps;
  readonly #signal: AbortSignal;
  readonly #broken = Promise.withResolvers<never>();
  readonly #cut = new AbortController();
  readonly #gone = new AbortController();
  /** Ours to destroy: the library destroys none whose end was said by either side, and such a one stays open until the server ends it. */
  #socket: Socket | null = null;
  #shown: string | null = null;

  constructor(client: SshClient, access: SftpAccess, deps: SessionDeps, signal: AbortSignal) {
    this.#client = client;
    this.#access = access;
    this.#deps = deps;
    this.#signal = signal;
    this.#broken.promise.catch(() => {});
    // Late errors of a connection that was given up on must have a listener, too.
    client.on('error', (error) => this.#broken.reject(this.#problemOf(error)));
    client.on('close', () => {
      this.#gone.abort();
      this.#broken.reject(this.#ended());
    });
    if (signal.aborted) this.cut();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  readonly #onAbort = (): void => {
    this.#broken.reject(this.#signal.reason);
    this.cut();
  };

  async ready(): Promise<void> {
    await this.ask<void>('connect', (done) => {
      this.#client.once('ready', () => done(null));
      const { auth } = this.#access;
      if (auth.kind === 'password') answerPrompt(this.#client, auth.password);
      try {
        const settings = this.#settings();
        const { host, port } = this.#access;
        this.#socket = connect({ host, port });
        this.#client.connect({ ...settings, sock: this.#socket });
        // Questions are small: each would wait for the one before to be acknowledged.
        this.#client.setNoDelay(true);
      } catch (cause) {
        done(cause instanceof Problem ? cause : unusableKey());
      }
    });
  }

  #settings(): ConnectConfig {
    const { user, auth, hostKeys } = this.#access;
    const wanted = wantedAlgorithms(hostKeys);
    return {
      username: user,
      readyTimeout: 0,
      keepaliveInterval: KEEPALIVE_MS,
      keepaliveCountMax: KEEPALIVES_UNANSWERED_MAX,
      hostVerifier: (key: Buffer) => {
        if (isPinned(key, hostKeys)) return true;
        this.#shown = fingerprintOf(key);
        return false;
      },
      ...(wanted === null ? {} : { algorithms: { serverHostKey: wanted as never } }),
      ...(auth.kind === 'password'
        ? { password: auth.password(), tryKeyboard: true, authHandler: ['password', 'keyboard-interactive'] as never }
        : {
            privateKey: auth.privateKey(),
            ...(auth.passphrase === null ? {} : { passphrase: auth.passphrase() }),
            authHandler: ['publickey'] as never,
          }),
    };
  }

  /** One request and its answer. @throws Problem when it takes too long or the connection breaks; the answer's own error as it is. */
  async ask<T>(what: string, request: (done: Done<T>) => void): Promise<T> {
    this.#signal.throwIfAborted();
    const answer = Promise.withResolvers<T>();
    request((error, value) => {
      if (error)
        answer.reject(error instanceof Problem || statusOf(error) !== undefined ? error : this.#problemOf(error));
      else answer.resolve(value as T);
    });
    const answered = new AbortController();
    const late = this.#deps.wait(this.#access.timeoutMs, AbortSignal.any([answered.signal, this.#cut.signal]));
    const timeout = late.then((): never => {
      throw answered.signal.aborted || this.#cut.signal.aborted ? this.#ended() : this.#late(what);
    });
    timeout.catch(() => {});
    try {
      return await Promise.race([answer.promise, this.#broken.promise, timeout]);
    } catch (cause) {
      this.#signal.throwIfAborted();
      throw cause;
    } finally {
      answered.abort();
    }
  }

  /** At once, whatever is under way. */
  cut(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#cut.abort();
    this.#client.end();
    this.#socket?.destroy();
  }

  /** Says goodbye and waits until the server has taken leave too: some allow one connection at a time. */
  async close(): Promise<void> {
    this.#client.end();
    await this.#deps.wait(GOODBYE_MS, AbortSignal.any([this.#gone.signal, this.#signal]));
    this.cut();
  }

  get #name(): string {
    return `${this.#access.host}:${this.#access.port}`;
  }

  #late(what: string): Problem {
    return new Problem({
      code: 'source.timeout',
      message: `${this.#name} did not answer within ${this.#access.timeoutMs / 1_000} s (${what}).`,
      hint: 'it is tried again at the next look; check network and server',
    });
  }

  #ended(): Problem {
    return new Problem({
      code: 'source.unreachable',
      message: `${this.#name} ended the connection.`,
      hint: 'it is tried again at the next look; check network and server',
    });
  }

  #problemOf(error: Error & { readonly level?: string; readonly code?: string }): unknown {
    if (error instanceof Problem) return error;
    if (this.#shown !== null) {
      return new Problem({
        code: 'source.host-key',
        message: `${this.#name} showed the key ${this.#shown}, which is not the pinned one: nothing was sent to it.`,
        hint: 'ask who runs the server whether its key changed; only then pin this one in source.hostKey',
      });
    }
    if (error.level === 'client-authentication') {
      return new Problem({
        code: 'source.refused',
        message: `${this.#name} did not accept ${this.#access.auth.kind === 'password' ? 'user and password' : 'user and key'}.`,
        hint: 'check source.auth; a server may also refuse our address',
      });
    }
    const why = error.code ?? error.level ?? 'what it says is no SFTP';
    return new Problem({
      code: 'source.unreachable',
      message: `${this.#name} cannot be reached, or ended the connection (${why}).`,
      hint: 'it is tried again at the next look; check host, port and network',
    });
  }
}

/** Some servers ask for the password in a dialogue (RFC 4256): one hidden answer is given, once. */
function answerPrompt(client: SshClient, password: () => string): void {
  let asked = false;
  client.on('keyboard-interactive', (_name, _instructions, _language, prompts, finish) => {
    const plain = !asked && prompts.length === 1 && prompts[0]?.echo !== true;
    if (prompts.length > 0) asked = true;
    finish(plain ? [password()] : []);
  });
}

const unusableKey = (): Problem =>
  new Problem({
    code: 'source.key',
    message: 'The private key of source.auth cannot be used.',
    hint: 'a key as ssh-keygen writes it; if it is protected, auth.passphrase refers to its passphrase',
  });

/** The status of an answer that is no success; undefined for whatever else went wrong. */
export const statusOf = (cause: unknown): number | undefined =>
  cause instanceof Error && 'code' in cause && typeof cause.code === 'number' ? cause.code : undefined;
