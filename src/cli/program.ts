// Puts the commands together and turns whatever happens into an exit code.
import { Command, CommanderError } from 'commander';
import { EXIT, type ExitCode, Problem } from '../base/problem.ts';
import { VERSION } from '../version.ts';
import { approveCommand } from './approve.ts';
import { auditCommand } from './audit.ts';
import { demoCommand } from './demo.ts';
import { type Environment, openDesk, seat } from './desk.ts';
import { discardCommand } from './discard.ts';
import { endpointCommand } from './endpoint.ts';
import { helpCommand } from './help.ts';
import { holdsCommand } from './holds.ts';
import { leaveCommand } from './leave.ts';
import { liftCommand } from './lift.ts';
import { machineCommand } from './machine.ts';
import { printFaults } from './output.ts';
import { planCommand } from './plan.ts';
import { resumeWritesCommand } from './resume-writes.ts';
import { runDaemonCommand } from './run.ts';
import { statusCommand } from './status.ts';
import { stopWritesCommand } from './stop-writes.ts';
import { syncCommand } from './sync.ts';
import { validateCommand } from './validate.ts';
import { versionCommand } from './version.ts';
import { workerCommand } from './worker.ts';

const EXIT_CODES = `
Exit codes: 0 fine (rejected rows are counted, not fatal), 1 something failed or a leaver is unconfirmed,
2 usage or configuration, 3 held by a guard. Settings also come from ROLLCALL_MAPPINGS, ROLLCALL_STATE,
ROLLCALL_LOG_LEVEL, ROLLCALL_HTTP_HOST, ROLLCALL_HTTP_PORT, ROLLCALL_OPERATOR.`;

export function buildProgram(): Command {
  const program = new Command('rollcall')
    .description('Keeps an identity provider true to an HR system.')
    .version(VERSION)
    .option('--mappings <dir>', 'folder of the connection files (default: mappings)')
    .option('--state <dir>', 'folder of the database (default: state)')
    .option('--json', 'print JSON for scripts')
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent')
    .helpCommand(false)
    .showHelpAfterError('(rollcall help COMMAND says more)')
    .addHelpText('after', EXIT_CODES);
  const parts: readonly [heading: string, commands: readonly Command[]][] = [
    ['Daemon:', [runDaemonCommand(), demoCommand(), endpointCommand()]],
    ['Look and deliver:', [syncCommand(), planCommand(), statusCommand(), workerCommand()]],
    ['Guards:', [holdsCommand(), approveCommand(), discardCommand()]],
    ['Acts:', [leaveCommand(), liftCommand(), stopWritesCommand(), resumeWritesCommand()]],
    ['Proof and help:', [auditCommand(), validateCommand(), machineCommand(), versionCommand(), helpCommand()]],
  ];
  for (const [heading, commands] of parts) {
    for (const command of commands) program.addCommand(command.helpGroup(heading));
  }
  return program;
}

/** Runs one command line; never throws. */
export async function runCommandLine(argv: readonly string[], environment: Environment): Promise<ExitCode> {
  const desk = openDesk(environment);
  const json = argv.includes('--json');
  try {
    const program = buildProgram();
    seat(program, desk);
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
    await desk.err.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
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
