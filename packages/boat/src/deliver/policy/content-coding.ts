import type { ContentCoding } from '@d3kos/protocol';

/**
 * Returns the coding for the next body, given the codings that central's last answer offered. On a boat's links, bytes cost more
 * than a Raspberry Pi's CPU time. In measurements, zstd produced the fewest bytes, followed by brotli (decision 0015). Every
 * central accepts gzip, so gzip is used until central has offered more. docs/spec/protocol.md R23: "A boat MUST NOT use `br` or
 * `zstd` before central has listed it in an answer."
 */
export function chooseCoding(offered: readonly ContentCoding[]): ContentCoding {
  if (offered.includes('zstd')) return 'zstd';
  if (offered.includes('br')) return 'br';
  return 'gzip';
}
