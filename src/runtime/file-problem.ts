// What a disk, a mount or a right stands in the way of is nobody's bug: a person puts it right, and the house goes on meanwhile.
import { EXIT, type Fault, Problem } from '../base/problem.ts';

/** The error itself where no file is at fault. */
export function fileProblem(error: unknown, fault: Fault): unknown {
  const { code, syscall } = error as { readonly code?: unknown; readonly syscall?: unknown };
  if (typeof code !== 'string' || typeof syscall !== 'string') return error;
  return new Problem({ ...fault, message: `${fault.message} (${code})` }, EXIT.failed);
}
