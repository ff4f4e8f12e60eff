// Starting the bench's own processes and reading the one JSON line that each of them prints.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const scriptPath = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The heap of the image (see Dockerfile); what is measured runs as it runs there. */
export const AS_IN_THE_IMAGE = ['--expose-gc', '--max-semi-space-size=16', '--max-old-space-size=400'] as const;

function start(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  flags: readonly string[],
): ChildProcess {
  return spawn(process.execPath, [...flags, scriptPath(script), ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
}

/** Runs a script of this folder to its end and returns the JSON it printed last. @throws Error when it ends with another code than 0. */
export async function run<T>(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<T> {
  const child = start(script, args, env, AS_IN_THE_IMAGE);
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const [code, signal] = await once(child, 'close');
  if (code !== 0) throw new Error(`${script} ended with ${code ?? signal}`);
  return JSON.parse(text.trim().split('\n').at(-1) ?? '') as T;
}

export interface Stub extends AsyncDisposable {
  /** Base URL of the SCIM endpoint. */
  readonly url: string;
  readonly requests: () => Promise<number>;
  readonly reset: () => Promise<void>;
}

/** Starts the stub endpoint; it ends when disposed, or with this process. It keeps every account and needs the heap for them. */
export async function startStub(delayMs = 0, env: Readonly<Record<string, string>> = {}): Promise<Stub> {
  const child = start('stub-endpoint.ts', [String(delayMs)], env, []);
  if (child.stdout === null) throw new Error('the stub has no output');
  let wanted = true;
  child.once('exit', (code, signal) => {
    // Without an endpoint every phase would wait for one for ever.
    if (wanted) throw new Error(`the stub endpoint ended by itself (${code ?? signal})`);
  });
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, 'line')) as [string];
  const { url, control } = JSON.parse(line) as { url: string; control: string };
  const ask = async (path: string): Promise<{ total: number }> =>
    (await (await fetch(control + path)).json()) as { total: number };
  return {
    url,
    requests: async () => (await ask('/__counts')).total,
    reset: async () => void (await ask('/__reset')),
    [Symbol.asyncDispose]: async () => {
      wanted = false;
      child.stdin?.end();
      await once(child, 'close');
    },
  };
}
