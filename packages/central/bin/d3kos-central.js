#!/usr/bin/env node
// This file uses only old JavaScript syntax, so that an older Node can run it and print the version that is needed.
var major = Number(process.versions.node.split('.')[0]);
if (!(major >= 24)) {
  console.error(
    'd3kos-central needs Node 24 and was started by %s: run `npx d3kos-central ...` from the checkout after `npm run setup`, or install Node 24',
    process.versions.node,
  );
  process.exitCode = 1;
} else {
  import('../dist/main.js').catch((error) => {
    var isNotBuilt = error.code === 'ERR_MODULE_NOT_FOUND' && /dist.main\.js/.test(error.message);
    console.error(isNotBuilt ? 'd3kos-central is not built yet: run `npm run setup` in the checkout' : error);
    process.exitCode = 1;
  });
}
