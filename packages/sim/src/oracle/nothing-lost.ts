import type { DiskMedium } from '../disk-medium.ts';
import { toSpoolPaths } from '@d3kos/boat';
import { ROOT } from '../places.ts';
import type { TruthRecord } from '../sources/truth.ts';
import { describeHeld, newestHeld } from './central-records.ts';
import { type Evidence, toNeededVersion } from './evidence.ts';
import { type FileFacts, toArchivedFile } from './export-files.ts';
import { type LedgerFacts, STATUSES } from './ledger-facts.ts';
import { parseObject } from './parse-object.ts';

/** Checks that every acknowledged export has its entry and its complete file until it is delivered or its loss is recorded. */
export function checkAcknowledgedExports(
  { acknowledged, files, violate }: Evidence,
  ledger: LedgerFacts,
  where: string,
): void {
  const delivered = new Set(ledger.history().map((row) => row.queueId));
  const lostFiles = ledger.lostFiles();
  for (const { queueId, exportFile } of acknowledged.values()) {
    const entry = ledger.find(queueId);
    if (entry === undefined) {
      // Retention removes a failed export after a later export has delivered its records. It records the loss first.
      const isLossRecorded = lostFiles.has(toArchivedFile(queueId)) || lostFiles.has(exportFile ?? '');
      if (!delivered.has(queueId) && !isLossRecorded)
        violate(`${queueId} was acknowledged but has disappeared`, where);
      continue;
    }
    if (entry.status !== 'pending' && entry.status !== 'uploading') continue;
    const file = files.readOf(entry);
    if (file === undefined) violate(`${queueId} is waiting, but its file is missing`, where);
    else if (!file.isComplete) violate(`${queueId} is waiting, but its file is incomplete`, where);
  }
}

/**
 * Checks the delivery invariant: each record is delivered, in the file of a waiting export, or due in the next export, and
 * central holds the records of every delivered export.
 */
export async function checkRecords(
  evidence: Evidence,
  medium: DiskMedium,
  ledger: LedgerFacts,
  where: string,
): Promise<void> {
  const { sources, central, due, lost, violate } = evidence;
  // The boat sends again what central lost only after central's answer has reported the loss. Until then, delivered exports prove
  // nothing.
  if (lost.isAwaited) return;
  const { carried, delivered } = readFiles(evidence, ledger);
  const isDue = due.predict(ledger);
  const isLegacyOpen = ledger.isLegacyImportOpen();
  const open = [...sources.records.values()].flatMap((record) => {
    const needed = toNeededVersion(evidence, record);
    if (needed === undefined || (record.legacy !== undefined && isLegacyOpen)) return [];
    if (isDue(record) || (carried.get(record.key) ?? -1) >= needed) return [];
    if (isGone(evidence, ledger, record, needed)) return [];
    return [{ record, needed }];
  });
  // Central is read last. A record that has arrived in the meantime was waiting when the ledger was read.
  const holding = await central.loadUnless(
    (seen) =>
      open.every(({ record, needed }) => newestHeld(seen, record.key) >= needed) &&
      delivered.every(({ file }) =>
        [...file.heldAtLeast].every(([key, version]) => newestHeld(seen, key) >= version),
      ),
  );
  // Until the boat with a restored card has learned that its ledger is behind, central may hold later versions of the card's
  // records.
  for (const { record, needed } of evidence.isLedgerBehind(ledger) ? [] : open)
    if (newestHeld(holding, record.key) < needed && !waitsForAdoption(ledger, medium, record))
      violate(
        `${record.category} ${record.key} v${needed} is neither delivered nor waiting nor due${describeHeld(holding, record.key)}`,
        where,
      );
  // After a ledger has diverged, exports still on the old card can replace later versions. The following full export, which is
  // due or waiting, restores them.
  const change = ledger.ledgerChange();
  const isRepaired = (key: string, version: number): boolean =>
    change === 'full_export_due' || (change === 'full_export_queued' && (carried.get(key) ?? -1) >= version);
  for (const { queueId, file } of delivered)
    for (const [key, version] of file.heldAtLeast)
      if (newestHeld(holding, key) < version && !isRepaired(key, version))
        violate(`${queueId} is delivered, but central does not hold its ${key} v${version}`, where);
}

/** Checks after the last delivery that central holds each record, except for records in a failed export that was kept. */
export async function checkCentralIsComplete(evidence: Evidence, ledger: LedgerFacts): Promise<void> {
  const { sources, central, files, violate } = evidence;
  const holding = await central.load();
  const keptFiles = ledger.list('failed').flatMap((entry) => files.read(entry.exportFile) ?? []);
  for (const record of sources.records.values()) {
    const needed = toNeededVersion(evidence, record);
    const isKept =
      !record.isPresent && keptFiles.some((file) => (file.held.get(record.key) ?? -1) >= (needed ?? 0));
    if (needed === undefined || isKept || newestHeld(holding, record.key) >= needed) continue;
    if (isGone(evidence, ledger, record, needed)) continue;
    violate(`central lacks ${record.category} ${record.key} v${needed}${describeHeld(holding, record.key)}`);
  }
}

/** True if central lost the record, its source no longer has it, and no export of this ledger on the card contains it. */
function isGone(
  { lost, files }: Evidence,
  ledger: LedgerFacts,
  { key, isPresent }: TruthRecord,
  needed: number,
): boolean {
  if (isPresent || !lost.records.has(key)) return false;
  return STATUSES.flatMap((status) => ledger.list(status)).every(
    (entry) => entry.sequence === 0 || (files.readOf(entry)?.held.get(key) ?? -1) < needed,
  );
}

interface FilesOfLedger {
  /** Returns the newest version of each record in the files of undelivered exports. */
  readonly carried: ReadonlyMap<string, number>;
  readonly delivered: readonly { readonly queueId: string; readonly file: FileFacts }[];
}

function readFiles({ files, lost }: Evidence, ledger: LedgerFacts): FilesOfLedger {
  const carried = new Map<string, number>();
  const delivered: { readonly queueId: string; readonly file: FileFacts }[] = [];
  for (const status of STATUSES)
    for (const entry of ledger.list(status)) {
      const file = files.readOf(entry);
      if (file === undefined || !file.isComplete) continue;
      // Central does not report a lost export of another ledger.
      const isUnnamed = entry.sequence === 0 && lost.exportIds.has(entry.exportId);
      if (status === 'completed' && isUnnamed) continue;
      if (status === 'completed') delivered.push({ queueId: entry.queueId, file });
      else
        for (const [key, version] of file.held) carried.set(key, Math.max(version, carried.get(key) ?? -1));
    }
  return { carried, delivered };
}

/**
 * True if a complete export of a legacy exporter is on the card without an entry. If there is too little space to adopt the
 * export at one start, the next start adopts it. The checks at the end of the run verify that this happened.
 */
function waitsForAdoption(
  ledger: LedgerFacts,
  medium: DiskMedium,
  { legacy, versions }: TruthRecord,
): boolean {
  if (legacy === undefined) return false;
  const { exports } = toSpoolPaths(ROOT);
  return medium.paths().some((path) => {
    if (!path.startsWith(`${exports}/export_`) || ledger.hasFile(path)) return false;
    const text = Buffer.from(medium.get(path) ?? []).toString('utf8');
    return text.includes(JSON.stringify(versions[0])) && parseObject(text) !== undefined;
  });
}
