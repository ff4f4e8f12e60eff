// A command of the real program, in this process, on the folder of a test house and under its clock: as another process would see
// what is stored, without the second that a process takes to start.
import { EXIT } from '../../src/base/problem.ts';
import { type Desk, type Paper, seat } from '../../src/cli/desk.ts';
import { buildProgram } from '../../src/cli/program.ts';
import type { TestHouse } from './house.ts';

export interface DeskRun {
  readonly code: number;
  readonly stdout: string;
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what the test asserts.
  readonly json: any;
}

export async function atDesk(
  house: TestHouse,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<DeskRun> {
  let stdout = '';
  const paper = (write: (text: string) => void): Paper => ({
    isTerminal: false,
    colour: false,
    width: null,
    write: async (text) => write(text),
    closed: () => false,
  });
  const desk: Desk = {
    environment: {
      IDP_URL: house.idp.url,
      IDP_TOKEN: 'let-me-in',
      ROLLCALL_MAPPINGS: house.mappingsDir,
      ROLLCALL_STATE: house.stateDir,
      ...environment,
    },
    out: paper((text) => {
      stdout += text;
    }),
    err: paper(() => undefined),
    clock: house.clock,
    stop: new AbortController().signal,
    osUser: 'tester',
    exitCode: EXIT.fine,
  };
  const program = await buildProgram(args);
  seat(program, desk);
  await program.parseAsync([...args], { from: 'user' });
  return {
    code: desk.exitCode,
    stdout,
    get json() {
      return JSON.parse(stdout);
    },
  };
}
