import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Clock } from '../ports.ts';

/** A clock under test, and a function that advances it until `promise` settles. A real clock advances by itself. */
export interface ClockUnderTest {
  readonly clock: Clock;
  settle<T>(promise: Promise<T>): Promise<T>;
}

/** Declares the tests that every Clock must pass. */
export function clockContract(name: string, makeClock: () => ClockUnderTest): void {
  describe(`clock contract: ${name}`, () => {
    test('a sleep lasts at least its delay in monotonic time', async () => {
      const { clock, settle } = makeClock();
      const start = clock.monotonic();
      await settle(clock.sleep(15));
      assert(clock.monotonic() - start >= 14.5, `${clock.monotonic() - start} ms`);
    });

    test('a sleep with an aborted signal rejects with the reason immediately', async () => {
      const { clock, settle } = makeClock();
      const reason = new Error('enough');
      await assert.rejects(settle(clock.sleep(1_000_000, AbortSignal.abort(reason))), reason);
    });

    test('a sleep that is aborted while running rejects with the reason without waiting for its end', async () => {
      const { clock, settle } = makeClock();
      const start = clock.monotonic();
      const controller = new AbortController();
      const sleeping = clock.sleep(1_000_000, controller.signal);
      const reason = new Error('enough');
      const both = Promise.all([
        assert.rejects(sleeping, reason),
        clock.sleep(5).then(() => controller.abort(reason)),
      ]);
      await settle(both);
      assert(clock.monotonic() - start < 500_000);
    });

    test('an abort after the end changes nothing', async () => {
      const { clock, settle } = makeClock();
      const controller = new AbortController();
      await settle(clock.sleep(1, controller.signal));
      controller.abort();
      await settle(clock.yield());
    });

    test('sleeps end in the order of their end times', async () => {
      const { clock, settle } = makeClock();
      const order: string[] = [];
      const sleep = async (delayMs: number, mark: string) => {
        await clock.sleep(delayMs);
        order.push(mark);
      };
      await settle(Promise.all([sleep(40, 'late'), sleep(1, 'early'), sleep(20, 'middle')]));
      assert.deepEqual(order, ['early', 'middle', 'late']);
    });

    test('a sleep longer than 2^31 ms does not end immediately', async () => {
      const { clock, settle } = makeClock();
      const controller = new AbortController();
      let hasEnded = false;
      const long = clock.sleep(2 ** 31 + 1_000, controller.signal).then(
        () => {
          hasEnded = true;
        },
        () => undefined,
      );
      await settle(clock.sleep(20));
      assert.equal(hasEnded, false);
      controller.abort();
      await settle(long);
    });

    test('yield lets other work run, in order', async () => {
      const { clock, settle } = makeClock();
      const order: string[] = [];
      const work = async (mark: string) => {
        for (const turn of [1, 2, 3]) {
          order.push(`${mark}${turn}`);
          await clock.yield();
        }
      };
      await settle(Promise.all([work('a'), work('b')]));
      assert.deepEqual(order, ['a1', 'b1', 'a2', 'b2', 'a3', 'b3']);
    });

    test('wall counts from 1970, and monotonic never goes backwards', () => {
      const { clock } = makeClock();
      assert(Number.isFinite(clock.wall()));
      const first = clock.monotonic();
      assert(clock.monotonic() >= first);
    });
  });
}
