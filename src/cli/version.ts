import { Command } from 'commander';
import { VERSION } from '../version.ts';
import { sessionOf } from './desk.ts';
import { answer } from './output.ts';

export const versionCommand = (): Command =>
  new Command('version').description('print the version').action(async (_options: object, command: Command) => {
    const session = sessionOf(command);
    await answer(session, { version: VERSION, node: process.versions.node }, () => [VERSION]);
  });
