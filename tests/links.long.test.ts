import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { useLinkedCentral } from './support/linked-central.ts';

const MEGABYTES = 200;
const ROWS = 510_000;
/** At 900 kbit/s, 20 s are enough for more than twenty compressed parts of 1 MiB. */
const BYTES_PER_SECOND = 110_000;
const UP_MS = 20_000;
const DOWN_MS = 2_000;

const central = useLinkedCentral();

test(`a first export of ${MEGABYTES} MB arrives over a link that drops every ${UP_MS / 1_000} s with less than 5 % of its bytes sent twice`, (t) =>
  central().overLink(
    { rows: ROWS, limits: { connectTimeoutMs: 10_000, silenceMs: 30_000 } },
    async (boat, link) => {
      link.set({ bytesPerSecond: BYTES_PER_SECOND, latencyMs: 20 });
      const exportId = await boat.exportAll();
      const up = (signal: AbortSignal) => sleep(UP_MS, undefined, { signal }).catch(() => undefined);
      const dropping = link.dropEach(up, DOWN_MS, boat.changeNetwork);
      await boat.untilDelivered(1).finally(() => dropping.stop());
      const { drops } = await dropping.stop();
      const [entry] = boat.boat.ledger.queue.list('completed');
      const sizeBytes = statSync(entry?.exportFile ?? '').size;
      const { sentBytes, neededBytes, tries } = link.traffic();
      const twice = (sentBytes - neededBytes) / neededBytes;
      t.diagnostic(
        `${tries.size} parts, ${sizeBytes} bytes, ${neededBytes} on the wire, ${drops} drops, ${(100 * twice).toFixed(2)} % sent twice`,
      );
      assert.ok(sizeBytes >= MEGABYTES * 1_000_000, `${sizeBytes} bytes`);
      assert.ok(drops >= 4, `${drops} drops`);
      assert.ok(twice < 0.05, `${sentBytes} bytes sent, ${neededBytes} needed`);
      assert.equal(await central().storedParts(exportId), tries.size);
      assert.equal(await central().countedRows(exportId), ROWS);
    },
  ));
