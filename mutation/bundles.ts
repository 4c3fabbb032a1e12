import type { Mutant } from './mutant.ts';

const BUNDLE_TESTS = ['packages/protocol/src/bundle.test.ts'];
const SIGNATURE_TESTS = ['packages/central/src/bundle/verify-bundle.test.ts'];

/** Faults in offline bundles. */
export const BUNDLE_MUTANTS: readonly Mutant[] = [
  {
    name: 'a bundle from which a part was removed counts as complete',
    file: 'packages/protocol/src/bundle.ts',
    before: 'if (parts.size < end.parts)',
    after: 'if (parts.size < 0)',
    killedBy: BUNDLE_TESTS,
  },
  {
    name: 'a bundle is stored even though one of its lines is not signed',
    file: 'packages/central/src/bundle/verify-bundle.ts',
    before: 'if (!isSigned(item.line))',
    after: "if (item.kind === 'start' && !isSigned(item.line))",
    killedBy: SIGNATURE_TESTS,
  },
  {
    name: 'a part is not checked again when it is stored',
    file: 'packages/central/src/bundle/import-bundle.ts',
    before: "origin.kind === 'signed' && !origin.isSigned(item.line)",
    after: "origin.kind === 'unproven' && accepts === 'signed'",
    killedBy: SIGNATURE_TESTS,
  },
  {
    name: "a boat's second key replaces the first one without the operator's consent",
    file: 'packages/central/src/installations/bundle-keys.ts',
    before: 'set bundle_key = coalesce(bundle_key, $2::text),',
    after: 'set bundle_key = coalesce($2::text, bundle_key),',
    killedBy: SIGNATURE_TESTS,
  },
  {
    name: 'signed parts may be replaced by other signed parts',
    file: 'packages/protocol/src/bundle.ts',
    before: 'end.lines_sha256 !== lines.value()',
    after: 'end.lines_sha256.length !== 64',
    killedBy: SIGNATURE_TESTS,
  },
  {
    name: 'a bundle with forged part lines is read again for each of those lines',
    file: 'packages/protocol/src/bundle.ts',
    before: 'lostBytes += body.lostBytes;',
    after: '',
    killedBy: BUNDLE_TESTS,
  },
];
