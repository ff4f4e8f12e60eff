// Puts the commands together and turns whatever happens into an exit code.
import { Command, CommanderError } from 'commander';
import { EXIT, type ExitCode, type Fault, Problem } from '../base/problem.ts';
import { crashText } from '../runtime/crash-text.ts';
import { sqliteCode } from '../store/sql.ts';
import { StoreUnknown } from '../store/store.ts';
import { VERSION } from '../version.ts';
import { type Environment, openDesk, type Surroundings, seat } from './desk.ts';
import { printFaults } from './output.ts';

type Load = () => Promise<Command>;

/** One file for each command, loaded only when it is asked for: `status` need not wait for a web server to be read. */
const COMMANDS: readonly (readonly [heading: string, commands: Readonly<Record<string, Load>>])[] = [
  [
    'Begin:',
    {
      init: async () => (await import('./init.ts')).initCommand(),
      validate: async () => (await import('./validate.ts')).validateCommand(),
    },
  ],
  [
    'Daemon:',
    {
      run: async () => (await import('./run.ts')).runDaemonCommand(),
      demo: async () => (await import('./demo.ts')).demoCommand(),
      endpoint: async () => (await import('./endpoint.ts')).endpointCommand(),
    },
  ],
  [
    'Look and deliver:',
    {
      sync: async () => (await import('./sync.ts')).syncCommand(),
      plan: async () => (await import('./plan.ts')).planCommand(),
      rehearse: async () => (await import('./rehearse.ts')).rehearseCommand(),
      status: async () => (await import('./status.ts')).statusCommand(),
      worker: async () => (await import('./worker.ts')).workerCommand(),
      explain: async () => (await import('./explain.ts')).explainCommand(),
    },
  ],
  [
    'Guards:',
    {
      holds: async () => (await import('./holds.ts')).holdsCommand(),
      approve: async () => (await import('./approve.ts')).approveCommand(),
      discard: async () => (await import('./discard.ts')).discardCommand(),
    },
  ],
  [
    'On call:',
    {
      failed: async () => (await import('./failed.ts')).failedCommand(),
      replay: async () => (await import('./replay.ts')).replayCommand(),
      skip: async () => (await import('./skip.ts')).skipCommand(),
      reconcile: async () => (await import('./reconcile.ts')).reconcileCommand(),
    },
  ],
  [
    'Acts:',
    {
      leave: async () => (await import('./leave.ts')).leaveCommand(),
      lift: async () => (await import('./lift.ts')).liftCommand(),
      pair: async () => (await import('./pair.ts')).pairCommand(),
      unpair: async () => (await import('./unpair.ts')).unpairCommand(),
      rekey: async () => (await import('./rekey.ts')).rekeyCommand(),
      erase: async () => (await import('./erase.ts')).eraseCommand(),
      'stop-writes': async () => (await import('./stop-writes.ts')).stopWritesCommand(),
      'resume-writes': async () => (await import('./resume-writes.ts')).resumeWritesCommand(),
    },
  ],
  [
    'Proof and help:',
    {
      audit: async () => (await import('./audit.ts')).auditCommand(),
      backup: async () => (await import('./backup.ts')).backupCommand(),
      restore: async () => (await import('./restore.ts')).restoreCommand(),
      machine: async () => (await import('./machine.ts')).machineCommand(),
      version: async () => (await import('./version.ts')).versionCommand(),
      help: async () => (await import('./help.ts')).helpCommand(),
    },
  ],
];
const OPTIONS_WITH_VALUE: readonly string[] = ['--mappings', '--state', '--log-level'];

const EXIT_CODES = `
Exit codes: 0 fine (rejected rows are counted, not fatal), 1 something failed or
a leaver is unconfirmed, 2 usage or configuration, 3 held by a guard. Settings
also come from ROLLCALL_MAPPINGS, ROLLCALL_STATE, ROLLCALL_LOG_LEVEL,
ROLLCALL_HTTP_HOST, ROLLCALL_HTTP_PORT, ROLLCALL_HTTP_TLS_CERT, ROLLCALL_HTTP_TLS_KEY,
ROLLCALL_HTTP_BEHIND_PROXY, ROLLCALL_HTTP_TOKEN, ROLLCALL_API_TOKEN,
ROLLCALL_API_ACT_TOKEN, ROLLCALL_OPERATOR.`;

/** With every command, or with the only one that this command line can mean. */
export async function buildProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command('rollcall')
    .description('Keeps an identity provider true to an HR system.')
    .version(VERSION)
    .option('--mappings <dir>', 'folder of the connection files (default: mappings)')
    .option('--state <dir>', 'folder of the database (default: state)')
    .option('--json', 'print JSON for scripts')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .showHelpAfterError('(rollcall help COMMAND says more)')
    .addHelpText('after', EXIT_CODES);
  const asked = commandIn(argv);
  const known = asked !== 'help' && COMMANDS.some(([, commands]) => Object.hasOwn(commands, asked));
  for (const [heading, commands] of COMMANDS) {
    for (const [name, load] of Object.entries(commands)) {
      if (!known || name === asked) program.addCommand((await load()).helpGroup(heading));
    }
  }
  return program;
}

/** The first word that is neither an option nor an option's value; '' where there is none. */
function commandIn(argv: readonly string[]): string {
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (OPTIONS_WITH_VALUE.includes(word)) at += 1;
    else if (!word.startsWith('-')) return word;
  }
  return '';
}

/** What SQLite says of a disk rather than of us. */
const DISK_CODES = /^SQLITE_(?:FULL|IOERR|CANTOPEN|READONLY)/;
const DISK_HINT =
  'the disk of the state folder may be full or failing: look at it, then start again; what took place is read from there';

/** Null where the error has nothing to do with the disk. */
function diskFaults(error: unknown): readonly Fault[] | null {
  // What failed first says why; what failed while closing often follows from it.
  if (error instanceof SuppressedError) return diskFaults(error.suppressed) ?? diskFaults(error.error);
  if (error instanceof StoreUnknown) return [{ code: 'state.unknown', message: error.message, hint: DISK_HINT }];
  const code = sqliteCode(error);
  if (!DISK_CODES.test(code)) return null;
  return [{ code: 'state.disk', message: `the state folder cannot be read or written (${code})`, hint: DISK_HINT }];
}

/** Runs one command line; never throws. What it opened is closed when it resolves. */
export async function runCommandLine(
  argv: readonly string[],
  environment: Environment,
  surroundings: Surroundings = process,
): Promise<ExitCode> {
  const desk = openDesk(environment, surroundings);
  const json = argv.includes('--json');
  try {
    const program = await buildProgram(argv);
    seat(program, desk);
    program.configureOutput({
      writeOut: (text) => void surroundings.stdout.write(text),
      writeErr: (text) => void surroundings.stderr.write(text),
    });
    throwInsteadOfExit(program);
    await program.parseAsync([...argv], { from: 'user' });
    return desk.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return EXIT.fine;
      // commander has said it on stderr already.
      const message = error.message.replace(/^error: /, '');
      if (json)
        await desk.out.write(
          `${JSON.stringify({ error: [{ code: error.code.replace('commander', 'usage'), message }] })}\n`,
        );
      return EXIT.usage;
    }
    if (error instanceof Problem) {
      await printFaults(desk, error.faults, json);
      return error.exitCode;
    }
    const faults = diskFaults(error);
    if (faults !== null) {
      await printFaults(desk, faults, json);
      return EXIT.failed;
    }
    if (desk.stop.aborted) {
      await desk.err.write('rollcall: interrupted\n');
      return EXIT.failed;
    }
    await desk.err.write(crashText(error));
    return EXIT.failed;
  }
}

/** commander ends the process itself unless every command is told not to. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  for (const child of command.commands) {
    child.copyInheritedSettings(command);
    throwInsteadOfExit(child);
  }
}
