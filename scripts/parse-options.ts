/**
 * Returns the parsed options of one of this repository's commands. With `--help`, prints the usage and exits with 0. If `parse`
 * throws, as `parseArgs` does for an unknown option, prints the reason and the usage and exits with 2.
 */
export function parseOptions<Options>(usage: string, parse: () => Options): Options {
  if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
    console.log(usage.trimEnd());
    process.exit(0);
  }
  try {
    return parse();
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage.trimEnd()}`);
    process.exit(2);
  }
}
