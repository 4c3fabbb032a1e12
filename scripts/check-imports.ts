// The import rules of the repository: prints each violation and exits non-zero where there is one.
import { join } from 'node:path';
import { checkImports } from './architecture.ts';

const { fileCount, violations } = await checkImports(join(import.meta.dirname, '..'));
for (const { rule, from, to } of violations) console.error(`${from} imports ${to}: breaks "${rule}"`);
if (fileCount === 0) console.error('The check of imports found no source file: its configuration is wrong.');
console.log(`${fileCount} files checked, ${violations.length} forbidden imports`);
process.exitCode = violations.length === 0 && fileCount > 0 ? 0 : 1;
