// Checks the repository's import rules. Prints each violation and exits with a non-zero code if there is one.
import { join } from 'node:path';
import { checkImports } from './architecture.ts';

const { fileCount, violations } = await checkImports(join(import.meta.dirname, '..'));
for (const { rule, from, to } of violations) console.error(`${from} imports ${to}: breaks "${rule}"`);
if (fileCount === 0) console.error('The import check found no source file. Its configuration is wrong.');
console.log(`${fileCount} files checked, ${violations.length} forbidden imports`);
process.exitCode = violations.length === 0 && fileCount > 0 ? 0 : 1;
