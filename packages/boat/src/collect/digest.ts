import { hash } from 'node:crypto';

/** Returns the SHA-256 of a string in UTF-8, as 64 lowercase hex digits. */
export function sha256(text: string): string {
  return hash('sha256', text, 'hex');
}
