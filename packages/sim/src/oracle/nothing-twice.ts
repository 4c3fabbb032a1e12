import type { Evidence } from './evidence.ts';

/** Checks that central holds each record once, under the record ID that the collectors' rules define. */
export async function checkStoredOnce({ sources, central, violate }: Evidence): Promise<void> {
  const holding = await central.load();
  for (const record of sources.records.values()) {
    const held = holding.get(record.key) ?? [];
    if (held.length > 1)
      violate(
        `central holds ${record.key} ${held.length} times: ${held.map(({ recordId }) => recordId).join(', ')}`,
      );
    if (record.recordId !== undefined && held.some(({ recordId }) => recordId !== record.recordId))
      violate(`central holds ${record.key} as ${held[0]?.recordId}, not as ${record.recordId}`);
  }
}
