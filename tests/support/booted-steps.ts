import { test, type TestContext } from 'node:test';

/** Defines a step. `work` may report measurements with `context.diagnostic`. */
export type DefineStep = (name: string, work: (context: TestContext) => Promise<void>) => void;

/**
 * Returns a function that defines numbered tests, each of which needs the state that the previous one left. With an `obstacle`,
 * all tests are skipped. After a failure, prints the result of `describe` and skips the rest.
 */
export function createSteps(obstacle: string | undefined, describe: () => Promise<string>): DefineStep {
  let number = 0;
  let hasFailed = false;
  return (name, work) => {
    number += 1;
    test(`${number}. ${name}`, { skip: obstacle }, async (context) => {
      if (hasFailed) return context.skip('an earlier step failed');
      try {
        await work(context);
      } catch (error) {
        hasFailed = true;
        console.error(await describe());
        throw error;
      }
    });
  };
}
