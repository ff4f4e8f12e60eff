// Real child processes that speak one line of JSON at a time.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';

export interface Child {
  /** The next line it says, parsed; rejects when it ends without one. */
  readonly says: () => Promise<unknown>;
  readonly tell: (line: string) => void;
  readonly kill: (signal: NodeJS.Signals) => Promise<void>;
  readonly exited: () => Promise<number | null>;
  readonly pid: number;
}

/** Starts a script of the tests under the same Node. It is killed at the end of the test if it still runs. */
export function startChild(script: URL, args: readonly string[], shell?: (command: string) => string): Child {
  const command = [process.execPath, '--no-warnings', script.pathname, ...args];
  const quoted = command.map((part) => `'${part}'`).join(' ');
  const child: ChildProcess =
    shell === undefined
      ? spawn(command[0] ?? '', command.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] })
      : spawn('bash', ['-c', shell(quoted)], { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'exit');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const complaints: string[] = [];
  child.stderr?.setEncoding('utf8').on('data', (text: string) => complaints.push(text));
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  return {
    pid: child.pid ?? 0,
    says: async () => {
      const line = await lines.next();
      if (line.done === true) throw new Error(`the child ended: ${complaints.join('')}`);
      return JSON.parse(line.value);
    },
    tell: (line) => child.stdin?.write(`${line}\n`),
    kill: async (signal) => {
      child.kill(signal);
      await ended;
    },
    exited: async () => {
      await ended;
      return child.exitCode;
    },
  };
}
