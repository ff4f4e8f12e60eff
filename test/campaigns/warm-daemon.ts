// Daemon processes that have loaded everything before they are needed: after a kill the next one runs at once, as a supervisor's
// restart would have it, and the campaign does not spend its time on loading modules.
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { DaemonOrders } from './daemon-process.ts';
import type { Pace } from './scaled-clock.ts';

const SCRIPT = fileURLToPath(new URL('./daemon-process.ts', import.meta.url));
const SAID_MAX = 8_000;
/** What the daemon's log says once it works. */
const RUNS = '"msg":"rollcall runs"';

export class WarmDaemon {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  readonly #ready = Promise.withResolvers<void>();
  #said = '';
  #runs = false;
  #over = false;
  killed = false;

  constructor(compileCache: string) {
    this.#child = spawn(process.execPath, [SCRIPT], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#said = (this.#said + text).slice(-SAID_MAX);
        if (this.#runs || !this.#said.includes(RUNS)) return;
        this.#runs = true;
        this.#ready.resolve();
      });
    }
    // It may die while it is being told something.
    this.#child.stdin?.on('error', () => {});
    this.#ended = new Promise((resolve, reject) => {
      this.#child.on('error', reject).on('close', (code) => {
        this.#over = true;
        this.#ready.resolve();
        resolve(code);
      });
    });
  }

  get runs(): boolean {
    return this.#runs && !this.#over;
  }

  /** The end of what it said, for the report of a failure. */
  get said(): string {
    return this.#said;
  }

  /** Resolves when it works, or has ended. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Null when it was killed. */
  get ended(): Promise<number | null> {
    return this.#ended;
  }

  go(orders: DaemonOrders): void {
    this.#child.stdin?.write(`${JSON.stringify(orders)}\n`);
  }

  follow(pace: Pace): void {
    if (!this.#over) this.#child.stdin?.write(`${JSON.stringify(pace)}\n`);
  }

  kill(): void {
    if (this.#over) return;
    this.killed = true;
    this.#child.kill('SIGKILL');
  }

  stop(): void {
    if (!this.#over) this.#child.kill('SIGTERM');
  }
}

/** One is always ahead. */
export class WarmDaemons implements AsyncDisposable {
  readonly #compileCache: string;
  #next: WarmDaemon;

  constructor(compileCache: string) {
    this.#compileCache = compileCache;
    this.#next = new WarmDaemon(compileCache);
  }

  take(): WarmDaemon {
    const taken = this.#next;
    this.#next = new WarmDaemon(this.#compileCache);
    return taken;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#next.kill();
    await this.#next.ended;
  }
}
