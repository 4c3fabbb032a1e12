#!/usr/bin/env -S MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=4194304 MALLOC_TRIM_THRESHOLD_=4194304 node --optimize-for-size --no-separate-gc-phases --no-turbofan
// docs/decisions/0023-an-idle-daemon-stays-small.md explains the settings and what each of them saves. This file uses only old
// JavaScript syntax, so that an older Node can run it and print the version that is needed.
var major = Number(process.versions.node.split('.')[0]);
if (!(major >= 24)) {
  process.stderr.write(
    'd3kos-export needs Node 24 and was started by ' +
      process.versions.node +
      ': run `npx d3kos-export ...` from the checkout after `npm run setup`, or install Node 24\n',
  );
  process.exitCode = 1;
} else {
  import('../dist/main.js').catch((error) => {
    process.stderr.write(
      error.code === 'ERR_MODULE_NOT_FOUND' && /dist.main\.js/.test(error.message)
        ? 'd3kos-export is not built yet: run `npm run setup` in the checkout\n'
        : String(error.stack) + '\n',
    );
    process.exitCode = 1;
  });
}
