import type { Category, Tier } from '@d3kos/protocol';
import type { Input } from './api/contract.ts';
import type { Bundler } from './bundle/bundler.ts';
import type { Collector, SourcePaths } from './collect/collector.ts';
import type { Config } from './config.ts';
import type { CreateResult } from './create-export/create-export.ts';
import type { previewExport } from './create-export/preview-export.ts';
import type { SendHold } from './deliver/policy/data-budget.ts';
import type { BlockedCause } from './deliver/policy/blocked-cause.ts';
import type { Destination } from './deliver/policy/destination-state.ts';
import type { Worker } from './deliver/worker.ts';
import type { DoctorReport } from './doctor/doctor.ts';
import type { Enrolling } from './enroll/enrolment.ts';
import type { Events } from './events.ts';
import type {
  CategoryCount,
  Entry,
  ExportTrigger,
  ExportType,
  HistoryRow,
  QueueCounts,
} from './ledger/entry.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { LedgerChange } from './ledger/ledger-changes.ts';
import type { MissingTotals } from './ledger/missing-exports.ts';
import type { License } from './license/license.ts';
import type { DeliveredDay } from './delivered-days.ts';
import type { ListedNotification, NotificationChannel } from './ledger/notification.ts';
import type { ChannelStates, Notifier } from './notify/notifier.ts';
import type { Measurements } from './measurements.ts';
import type { LicenseResult } from './license/policy.ts';
import type { StorageMedium } from './platform/policy/storage-medium.ts';
import type { WallMs, World } from './platform/ports.ts';
import type { SourceDisk } from './platform/source-disk.ts';
import type { CleanupReport, Retention } from './retain/retention.ts';
import type { SpoolPaths } from './spool/spool-paths.ts';
import type { ViewWriter } from './views/view-writer.ts';

/** An export file on the card. */
export interface ExportFileFacts {
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedMs: WallMs;
  readonly queueId: string | undefined;
  readonly status: Entry['status'] | undefined;
}

/** The state of the export manager. An unknown value is undefined. */
export interface Status {
  readonly tier: Tier | undefined;
  readonly canExport: boolean;
  readonly license: LicenseResult;
  readonly counts: QueueCounts;
  readonly waitingBytes: number;
  readonly destination: Destination;
  /** Why a due export waits for another connection or the next month, and the bytes sent this month. */
  readonly dataBudget: {
    /** Undefined if no due export waits. */
    readonly hold: SendHold | undefined;
    readonly monthBytes: number;
    readonly monthBytesMax: number | undefined;
    /** Total size of the request bodies of all months, in bytes. */
    readonly sentBytes: number;
  };
  /** The current ledger. If its predecessor diverged, also the change with which it began. */
  readonly ledger: { readonly ledgerId: string; readonly change: LedgerChange | undefined };
  /** What the boat lacks for any export to be sent, whether or not one waits. Undefined if it lacks nothing. */
  readonly lacking: { readonly cause: BlockedCause; readonly detail: string } | undefined;
  readonly lastExport: Entry | undefined;
  readonly oldestWaiting: Entry | undefined;
  /** Number of rows in the table of losses. */
  readonly lossCount: number;
  readonly lastDelivery: HistoryRow | undefined;
  readonly schedule: {
    readonly dailyHour: number;
    readonly timeZone: string;
    readonly owedSlot: string | undefined;
  };
  readonly storage: {
    readonly freeBytes: number;
    readonly totalBytes: number;
    readonly exportsBytes: number;
    readonly reserveBytes: number;
    /** The medium that holds the exports. Undefined if the system does not report it. */
    readonly medium: StorageMedium | undefined;
  };
  /** All delivered exports, and the number of records in them. */
  readonly delivered: { readonly exportCount: number; readonly recordCount: number };
  /** The delivered exports that central has lost since. */
  readonly missing: MissingTotals;
  readonly categories: Readonly<Partial<Record<Category, CategoryCount>>>;
}

export type ScheduledResult =
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'already_claimed'; readonly slotId: string | undefined }
  /** `slotId` is undefined if the slot stays due, because a category could not be read. */
  | (QueuedOrNothingNew & { readonly slotId: string | undefined });

/** The result of an export that did not fail. */
export type QueuedOrNothingNew = Exclude<CreateResult, { kind: 'unread' }>;

export type Preview = Awaited<ReturnType<typeof previewExport>>;

/** Whether the doctor only examines or also repairs. */
export type DoctorMode = 'examine' | 'repair';

/** Creates and previews exports. */
export interface ExportVerbs {
  /** Creates an export and queues it. Resolves after the commit that makes it durable. Throws TIER_TOO_LOW, LICENSE_…, DISK_RESERVE, SOURCE_UNREADABLE, BUSY, …. */
  createExport(type: ExportType, trigger: ExportTrigger): Promise<QueuedOrNothingNew>;
  /**
   * Creates the daily export: an incremental export that claims the due slot if every category was read. Throws like
   * `createExport`.
   */
  createScheduledExport(): Promise<ScheduledResult>;
  /** Reads every source but queues nothing. Throws BUSY. */
  preview(type: ExportType): Promise<Preview>;
  /** Reads the complete boatlog from its source and returns it as CSV, in chunks of a few hundred lines. */
  boatlogCsv(): AsyncGenerator<string, void, void>;
  /** The state and count of each category at the last export, even if that export found nothing new. */
  lastCategories(): Readonly<Partial<Record<Category, CategoryCount>>>;
}

/** Reads and changes the queue. */
export interface QueueVerbs {
  queue(): Readonly<Record<Entry['status'], readonly Entry[]>>;
  counts(): QueueCounts;
  nextPending(): Entry | undefined;
  /** Delivered exports, newest first. */
  history(limit: number): readonly HistoryRow[];
  /** The deliveries of the last 30 days by the boat's calendar, oldest first. */
  deliveredDays(): Promise<{ readonly timeZone: string; readonly days: readonly DeliveredDay[] }>;
  /** Returns a failed entry to the queue and restores all its attempts. Throws ENTRY_NOT_FOUND, ENTRY_STATE. */
  retry(queueId: string): Entry;
  /** Dead-letters a pending entry. Its file is kept, and its records are part of the next export. Throws ENTRY_NOT_FOUND, ENTRY_STATE. */
  cancel(queueId: string): Promise<Entry>;
  /**
   * Probes central and sends due exports now, even if the data budget holds them. Returns the number of waiting and
   * uploading exports.
   */
  process(): number;
  /**
   * Removes delivered files (older than `completedKeptMs`, 30 days by default) and failed exports whose records were
   * delivered.
   */
  cleanup(completedKeptMs?: number): Promise<CleanupReport>;
}

/** What the owner is notified of, and where. */
export interface NotificationReport {
  /** The owner's choice. */
  readonly isOn: boolean;
  /** The setting `notify_after_days`. 0 switches every notification off. */
  readonly afterDays: number;
  readonly channels: readonly {
    readonly channel: NotificationChannel;
    /** The URL, as far as it may be shown. Undefined if the settings switch the channel off. */
    readonly target: string | undefined;
    readonly state: 'off' | ChannelStates['signalk'] | ChannelStates['webhook'];
  }[];
  /** The notifications that the channels show now. */
  readonly raised: readonly ListedNotification[];
}

/** Reports notifications, and switches them on and off. */
export interface NotificationVerbs {
  notifications(): NotificationReport;
  /** Durably records the owner's choice. `off` also clears what is shown on the Signal K server. */
  setNotifications(choice: 'on' | 'off'): void;
}

/** Export files, the doctor, the data of kiosk pages, the owner's consent to usage analytics, and enrolment. */
export interface FileVerbs {
  files(): Promise<readonly ExportFileFacts[]>;
  /** A finished export file. Throws NOT_FOUND for every other name. */
  filePath(name: string): Promise<{ readonly path: string; readonly sizeBytes: number }>;
  /** Creates an offline bundle of waiting exports; see `Bundler.bundle`. */
  bundle: Bundler['bundle'];
  /** Compares the ledger with the files while no export runs. `repair` also makes the repairs that are safe. Throws BUSY. */
  doctor(mode: DoctorMode): Promise<DoctorReport>;
  /** Stores localStorage values of a kiosk page. Returns how many keys changed. */
  keepBrowserDocuments(documents: Input<'browser'>['body']): number;
  /** Whether usage analytics may be part of the telemetry; `no` until the owner decides. */
  usageConsent(): 'yes' | 'no';
  setUsageConsent(answer: 'yes' | 'no'): void;
  /** Enrols the boat at central with a one-time code; see `Enrolling.enroll`. */
  enroll: Enrolling['enroll'];
}

/** The operations of the export manager. A failure of the disk, a source or a service throws ExportError. */
export interface ExportManager
  extends Omit<ExportVerbs, 'lastCategories'>, QueueVerbs, FileVerbs, NotificationVerbs {
  status(): Promise<Status>;
}

export interface ExportManagerDeps {
  readonly world: World;
  readonly config: Config;
  readonly ledger: Ledger;
  readonly license: License;
  readonly retention: Retention;
  readonly worker: Worker;
  /** Undefined if the settings switch every notification off. */
  readonly notifier: Notifier | undefined;
  readonly credentialsPaths: readonly string[];
  readonly views: ViewWriter;
  readonly bundler: Bundler;
  readonly enrolling: Enrolling;
  readonly doctor: (mode: DoctorMode) => Promise<DoctorReport>;
  readonly events: Events;
  readonly measurements: Pick<Measurements, 'recordCategory'>;
  readonly collectors: readonly Collector[];
  readonly sources: SourcePaths;
  readonly sourceDisk: SourceDisk;
  readonly paths: SpoolPaths;
  /** Aborts when the daemon stops. This stops all work in progress. */
  readonly signal: AbortSignal;
  readonly timeZone: () => Promise<string>;
  /** Writes the views and emits the event after a change of the queue. */
  readonly queueChanged: () => void;
  /** The daily slot that is due at the given time, or undefined if no slot is due. */
  readonly owedSlot: (wallMs: WallMs) => Promise<string | undefined>;
}
