import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { describe, it } from 'node:test';
import { createNetwork } from './network.ts';

const address = (cidr: string, internal = false): NetworkInterfaceInfo => ({
  address: cidr.split('/')[0] ?? '',
  netmask: '255.255.255.0',
  family: 'IPv4',
  mac: '00:00:00:00:00:00',
  internal,
  cidr,
});

/** Returns interfaces that change at the given reading. Reading 0 takes place at creation. */
function changingAt(changeAt: number) {
  let looks = 0;
  return {
    look: () => {
      looks += 1;
      return looks > changeAt ? { wlan0: [address('192.168.8.20/24')] } : { eth0: [address('10.42.0.1/24')] };
    },
    looks: () => looks,
  };
}

describe('a network change', () => {
  it('is detected at the next reading', async () => {
    const { look, looks } = changingAt(4);
    await createNetwork({ look, everyMs: 1 }).changed(new AbortController().signal);
    assert.equal(looks(), 5);
  });

  it('between two waits is reported immediately by the next wait', async () => {
    const { look } = changingAt(1);
    const network = createNetwork({ look, everyMs: 1_000_000 });
    await network.changed(new AbortController().signal);
  });

  it('is reported once', async () => {
    const { look } = changingAt(1);
    const network = createNetwork({ look, everyMs: 1 });
    await network.changed(new AbortController().signal);
    const stop = new AbortController();
    const again = network.changed(stop.signal);
    const reason = new Error('enough');
    stop.abort(reason);
    await assert.rejects(again, reason);
  });

  it('ignores loopback and the order of the interfaces', async () => {
    const a = address('10.42.0.1/24');
    const b = address('192.168.8.20/24');
    const views = [
      { eth0: [a], wlan0: [b] },
      { wlan0: [b], eth0: [a] },
      { lo: [address('127.0.0.1/8', true)], wlan0: [b], eth0: [a] },
    ];
    let looks = 0;
    const stop = new AbortController();
    const network = createNetwork({
      look: () => {
        looks += 1;
        if (looks === 10) stop.abort(new Error('ten readings'));
        return views[looks % views.length] ?? {};
      },
      everyMs: 1,
    });
    await assert.rejects(network.changed(stop.signal), /ten readings/);
  });

  it('is not awaited after an abort, even if the abort came first', async () => {
    const stop = new AbortController();
    const waiting = createNetwork().changed(stop.signal);
    stop.abort(new Error('stopping'));
    await assert.rejects(waiting, /stopping/);
    await assert.rejects(createNetwork().changed(stop.signal), /stopping/);
  });
});
