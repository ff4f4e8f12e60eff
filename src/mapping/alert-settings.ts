// The file of `ROLLCALL_ALERTS`: where messages go. Read and refused like a connection file: every fault with line and column.
import { z } from 'zod';
import type { Fault } from '../base/problem.ts';
import { type SecretReference, secretReference, type TextSetting, textSetting } from './secret-reference.ts';
import { readYamlTree, type YamlPath, type YamlTree } from './yaml-tree.ts';

export const SEVERITIES = ['page', 'ticket'] as const;
export type Severity = (typeof SEVERITIES)[number];

const alertsSchema = z.strictObject({
  webhook: z.strictObject({ url: z.string(), secret: z.string() }).optional(),
  mail: z
    .strictObject({
      host: z.string(),
      port: z.number().int().min(1).max(65_535).default(587),
      /** `starttls` demands it before anything else is said; `tls` begins with it; `none` is for a relay on this machine. */
      security: z.enum(['starttls', 'tls', 'none']).default('starttls'),
      user: z.string().optional(),
      password: z.string().optional(),
      from: z.string().min(3),
      to: z.array(z.string().min(3)).min(1).max(20),
    })
    .optional(),
  deadMan: z.strictObject({ url: z.string(), everyMinutes: z.number().int().min(1).max(1_440).default(5) }).optional(),
  /** `page`: only what wakes somebody. */
  severity: z.enum(SEVERITIES).default('ticket'),
  repeatAfterHours: z.number().int().min(1).max(168).default(24),
});

export interface AlertSettings {
  readonly webhook: { readonly url: TextSetting; readonly secret: SecretReference } | null;
  readonly mail: {
    readonly host: string;
    readonly port: number;
    readonly security: 'starttls' | 'tls' | 'none';
    readonly user: string | null;
    readonly password: SecretReference | null;
    readonly from: string;
    readonly to: readonly string[];
  } | null;
  readonly deadMan: { readonly url: TextSetting; readonly everyMinutes: number } | null;
  readonly severity: Severity;
  readonly repeatAfterHours: number;
}

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/;

/** Never throws for what a person wrote. */
export function readAlertSettings(
  file: string,
  text: string,
): { readonly settings: AlertSettings } | { readonly faults: readonly Fault[] } {
  const read = readYamlTree(file, text);
  if ('faults' in read) return read;
  const { tree } = read;
  const parsed = alertsSchema.safeParse(tree.value);
  const faults: Fault[] = [];
  const fault = (path: YamlPath, message: string, hint?: string): void =>
    void faults.push({
      code: 'alerts.value',
      message,
      place: tree.place(path),
      ...(hint === undefined ? {} : { hint }),
    });
  if (!parsed.success) {
    for (const issue of parsed.error.issues) fault(issue.path as YamlPath, whatIsWrong(issue, tree));
    return { faults };
  }
  const { webhook, mail, deadMan, severity, repeatAfterHours } = parsed.data;
  const secret = (path: YamlPath, value: string): SecretReference | null => {
    const reference = secretReference(value);
    if (reference === null) fault(path, 'a secret is a reference', 'write "${env:NAME}" or "${file:PATH}"');
    return reference;
  };
  const address = (path: YamlPath, value: string): TextSetting => {
    const setting = textSetting(value);
    if (setting === null) fault(path, 'the reference is not well formed', 'write "${env:NAME}" or "${file:PATH}"');
    else if (setting.kind === 'literal' && !isSafeAddress(setting.text))
      fault(path, 'the address is no https address', 'http is for this machine only');
    return setting ?? { kind: 'literal', text: '' };
  };
  const hook =
    webhook === undefined
      ? null
      : { url: address(['webhook', 'url'], webhook.url), secret: secret(['webhook', 'secret'], webhook.secret) };
  const password = mail?.password === undefined ? null : secret(['mail', 'password'], mail.password);
  if (mail?.security === 'none' && !LOOPBACK.test(mail.host))
    fault(['mail', 'security'], 'mail would leave this machine unencrypted', 'starttls or tls');
  const dead = deadMan === undefined ? null : { ...deadMan, url: address(['deadMan', 'url'], deadMan.url) };
  if (faults.length > 0) return { faults };
  return {
    settings: {
      webhook: hook as AlertSettings['webhook'],
      mail: mail === undefined ? null : { ...mail, user: mail.user ?? null, password },
      deadMan: dead,
      severity,
      repeatAfterHours,
    },
  };
}

function whatIsWrong(issue: z.core.$ZodIssue, tree: YamlTree): string {
  if (issue.code === 'unrecognized_keys') return `the key ${issue.keys.join(', ')} is not known`;
  return tree.has(issue.path as YamlPath) ? issue.message : `${issue.path.join('.')} is missing`;
}

/** Alerts name workers by their keys: they go over TLS, or stay on this machine. */
export function isSafeAddress(text: string): boolean {
  const match = /^(https?):\/\/([^/:?#@]+|\[[^\]]+\])(?::\d+)?(?:[/?#].*)?$/.exec(text);
  return match !== null && (match[1] === 'https' || LOOPBACK.test(match[2] ?? ''));
}
