// The fake identity provider as a process of its own: an oracle that survives what it judges. The first argument is its options
// as JSON; it prints {"url": …} on one line, answers /__log, /__users and /__groups, and ends when its input closes or on SIGTERM.
import { type FakeIdpOptions, startFakeIdp } from './fake-idp.ts';

const idp = await startFakeIdp(JSON.parse(process.argv[2] ?? '{}') as FakeIdpOptions);
process.stdout.write(`${JSON.stringify({ url: idp.url })}\n`);
const end = () => void idp.close();
process.once('SIGTERM', end);
process.once('SIGINT', end);
process.stdin.once('end', end).once('error', end).resume();
process.once('beforeExit', () => process.exit(0));
