import type { Part, Receipt } from '@d3kos/protocol';

/** A part for which a receipt is expected. */
export interface ExpectedPart {
  readonly exportId: string;
  readonly part: Part;
}

/**
 * Returns the reason why a receipt does not prove that central holds a part, or undefined if it does. `bodySha256` is the SHA-256
 * of the part's decoded body, in hexadecimal.
 */
export function findReceiptMismatch(
  receipt: Receipt,
  expected: ExpectedPart & { readonly bodySha256: string },
): string | undefined {
  // docs/spec/protocol.md R34: "A boat MUST treat a part as delivered only if a receipt names the same `export_id`,
  // part and `sha256`."
  const mismatch = findPartMismatch(receipt, expected);
  if (mismatch !== undefined) return mismatch;
  return receipt.sha256 === expected.bodySha256 ? undefined : 'The receipt is for a different body';
}

/** Like `findReceiptMismatch`, but without checking the body. Used to find a part's receipt before the part's body is read. */
export function findPartMismatch(receipt: Receipt, { exportId, part }: ExpectedPart): string | undefined {
  if (receipt.export_id !== exportId) return 'The receipt is for a different export';
  if (receipt.part.index !== part.index || receipt.part.count !== part.count)
    return 'The receipt is for a different part';
  return undefined;
}
