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
import type { SlotState } from './schedule/policy.ts';
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

/** The export manager's state. An unknown value is undefined. */
export interface Status {
  readonly tier: Tier | undefined;
  readonly canExport: boolean;
  readonly license: LicenseResult;
  readonly counts: QueueCounts;
  readonly waitingBytes: number;
  readonly destination: Destination;
  /** Why a due export is waiting for another connection or the next month, and the number of bytes sent this month. */
  readonly dataBudget: {
    /** Undefined if no due export is on hold. */
    readonly hold: SendHold | undefined;
    readonly monthBytes: number;
    readonly monthBytesMax: number | undefined;
    /** Total size of all request bodies ever sent, in bytes. */
    readonly sentBytes: number;
  };
  /** The current ledger. `change` describes how it replaced its predecessor, if that one had diverged. */
  readonly ledger: { readonly ledgerId: string; readonly change: LedgerChange | undefined };
  /** What is missing before the boat can send any export, even if none is waiting. Undefined if nothing is missing. */
  readonly lacking: { readonly cause: BlockedCause; readonly detail: string } | undefined;
  readonly lastExport: Entry | undefined;
  readonly oldestWaiting: Entry | undefined;
  /** Number of recorded losses. */
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
    /** The medium on which the exports are stored. Undefined if the system does not report it. */
    readonly medium: StorageMedium | undefined;
  };
  /** Number of delivered exports, and number of records in them. */
  readonly delivered: { readonly exportCount: number; readonly recordCount: number };
  /** Delivered exports that central has since lost. */
  readonly missing: MissingTotals;
  readonly categories: Readonly<Partial<Record<Category, CategoryCount>>>;
}

export type ScheduledResult =
  | { readonly kind: 'skipped'; readonly reason: string }
  | { readonly kind: 'already_claimed'; readonly slotId: string }
  /** `slotId` is undefined if the slot stays due, because a category could not be read. */
  | (QueuedOrNothingNew & { readonly slotId: string | undefined });

/** The result of an export that did not fail. */
export type QueuedOrNothingNew = Exclude<CreateResult, { kind: 'unread' }>;

export type Preview = Awaited<ReturnType<typeof previewExport>>;

/** Whether the doctor only examines, or also repairs. */
export type DoctorMode = 'examine' | 'repair';

/** Creates and previews exports. */
export interface ExportVerbs {
  /**
   * Creates an export and queues it. Resolves after the commit that makes it durable. Throws TIER_TOO_LOW, LICENSE_…,
   * DISK_RESERVE, SOURCE_UNREADABLE, BUSY, ….
   */
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
  /** Each category's state and record count at the last export, even if nothing was new. */
  lastCategories(): Readonly<Partial<Record<Category, CategoryCount>>>;
}

/** Operations that read and change the queue. */
export interface QueueVerbs {
  queue(): Readonly<Record<Entry['status'], readonly Entry[]>>;
  counts(): QueueCounts;
  nextPending(): Entry | undefined;
  /** Delivered exports, newest first. */
  history(limit: number): readonly HistoryRow[];
  /** Deliveries in the last 30 days by local calendar day, oldest first. */
  deliveredDays(): Promise<{ readonly timeZone: string; readonly days: readonly DeliveredDay[] }>;
  /** Returns a failed entry to the queue and resets its attempts. Throws ENTRY_NOT_FOUND, ENTRY_STATE. */
  retry(queueId: string): Entry;
  /**
   * Dead-letters a pending entry. Its file is kept, and the next export contains its records. Throws ENTRY_NOT_FOUND,
   * ENTRY_STATE.
   */
  cancel(queueId: string): Promise<Entry>;
  /** Probes central and sends due exports now, despite any send hold. Returns the number of waiting and uploading exports. */
  process(): number;
  /**
   * Removes delivered files older than `completedKeptMs` (30 days by default), and failed exports whose records have been
   * delivered.
   */
  cleanup(completedKeptMs?: number): Promise<CleanupReport>;
}

/** What the owner is notified about, and through which channels. */
export interface NotificationReport {
  /** Whether the owner has notifications switched on. */
  readonly isOn: boolean;
  /** The setting `notify_after_days`. 0 switches all notifications off. */
  readonly afterDays: number;
  readonly channels: readonly {
    readonly channel: NotificationChannel;
    /** The displayable part of the URL. Undefined if the channel is switched off in the settings. */
    readonly target: string | undefined;
    readonly state: 'off' | ChannelStates['signalk'] | ChannelStates['webhook'];
  }[];
  /** The active notifications. */
  readonly raised: readonly ListedNotification[];
}

/** Operations that report notifications and switch them on and off. */
export interface NotificationVerbs {
  notifications(): NotificationReport;
  /** Durably records the owner's choice. `off` also clears the notifications on the Signal K server. */
  setNotifications(choice: 'on' | 'off'): void;
}

/** Operations on export files, the doctor, kiosk page data, the owner's consent to usage analytics, and enrolment. */
export interface FileVerbs {
  files(): Promise<readonly ExportFileFacts[]>;
  /** Returns a finished export file. Throws NOT_FOUND for any other name. */
  filePath(name: string): Promise<{ readonly path: string; readonly sizeBytes: number }>;
  /** Creates an offline bundle of waiting exports; see `Bundler.bundle`. */
  bundle: Bundler['bundle'];
  /** Compares the ledger with the files while no export runs. `repair` also carries out the safe repairs. Throws BUSY. */
  doctor(mode: DoctorMode): Promise<DoctorReport>;
  /** Stores a kiosk page's localStorage values. Returns the number of keys that changed. */
  keepBrowserDocuments(documents: Input<'browser'>['body']): number;
  /** Whether telemetry may include usage analytics; `no` until the owner decides. */
  usageConsent(): 'yes' | 'no';
  setUsageConsent(answer: 'yes' | 'no'): void;
  /** Enrols the boat at central with a one-time code; see `Enrolling.enroll`. */
  enroll: Enrolling['enroll'];
}

/** The export manager's operations. If the disk, a source or a service fails, they throw ExportError. */
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
  /** Undefined if notifications are switched off in the settings. */
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
  /** Aborted when the daemon stops, to end all work in progress. */
  readonly signal: AbortSignal;
  readonly timeZone: () => Promise<string>;
  /** Must be called after every queue change. Writes the views and emits the event. */
  readonly queueChanged: () => void;
  /** Returns the daily slot that is due at the given time, or undefined if none is due. */
  readonly findSlot: (wallMs: WallMs) => Promise<SlotState>;
}
