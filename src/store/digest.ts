import { hash } from 'node:crypto';

/** Lower-case hex. */
export const sha256Hex = (text: string): string => hash('sha256', text, 'hex');
