// `rollcall endpoint`: the embedded SCIM endpoint alone, to try mappings on.
import { randomBytes } from 'node:crypto';
import { Command } from 'commander';
import { Problem } from '../base/problem.ts';
import { type EmbeddedEndpoint, type EndpointOptions, startEmbeddedEndpoint } from '../demo/endpoint.ts';
import { type Desk, deskOf } from './desk.ts';
import { printJson, printLines } from './output.ts';

interface Options {
  readonly port: string;
  readonly token?: string;
  readonly json?: boolean;
}

const TOKEN_BYTES = 24;

export function endpointCommand(): Command {
  return new Command('endpoint')
    .description('run the embedded SCIM endpoint alone, empty and in memory, to try mappings on')
    .option('--port <port>', 'where it listens on 127.0.0.1; 0 takes any free port', '8090')
    .option('--token <token>', 'the bearer token that it demands (default: a new one)')
    .action(async (_options: Options, command: Command) =>
      runEndpoint(deskOf(command), command.optsWithGlobals<Options>()),
    );
}

async function runEndpoint(desk: Desk, options: Options): Promise<void> {
  const port = Number(options.port);
  if (!/^\d{1,5}$/.test(options.port) || port > 65_535) {
    throw new Problem({
      code: 'usage.port',
      message: `port ${options.port} is no port`,
      hint: 'use a number from 0 to 65535',
    });
  }
  const token = options.token ?? randomBytes(TOKEN_BYTES).toString('base64url');
  const json = options.json === true;
  await using endpoint = await opened({
    host: '127.0.0.1',
    port,
    token,
    onWrite: (write) =>
      void (json
        ? printJson(desk, write)
        : printLines(desk, [`${write.method.padEnd(6)} ${write.path}  ${write.status}`])),
  });
  if (json) await printJson(desk, { url: endpoint.url, token });
  else
    await printLines(desk, [
      `url    ${endpoint.url}`,
      `token  ${token}`,
      '',
      'Writes are shown below; Ctrl-C stops, and everything is gone then.',
      '',
    ]);
  await new Promise<void>((done) => {
    if (desk.stop.aborted) done();
    else desk.stop.addEventListener('abort', () => done(), { once: true });
  });
}

async function opened(options: EndpointOptions): Promise<EmbeddedEndpoint> {
  try {
    return await startEmbeddedEndpoint(options);
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error;
    throw new Problem({
      code: 'endpoint.listen',
      message: `cannot listen on 127.0.0.1:${options.port} (${code})`,
      hint: 'choose another port with --port; 0 lets the system choose',
    });
  }
}
