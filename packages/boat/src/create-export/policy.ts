import { CATEGORIES, type Category, type CategoryState, type DocumentHeader } from '@d3kos/protocol';

/** The ledger's `ExportType`. It is derived here because the ledger module uses Node types, which no policy may import. */
type ExportType = DocumentHeader['export_type'];

/**
 * Returns the type of the next export. The request specifies it: a full export contains every record, and an incremental one
 * contains new and changed records. The daily export is always requested as incremental (`manage-exports.ts`), and an API request
 * that specifies no type is full (`EXPORT_TYPE_DEFAULT`). After a new ledger has begun, the next export is full regardless of the
 * request. docs/spec/protocol.md R74: "After 409 `LEDGER_DIVERGED` a boat MUST begin a new ledger, give its waiting and failed
 * exports new sequences and keys in it, and make its next export a full export."
 */
export function decideExportType(requested: ExportType, isFullDue: boolean): ExportType {
  return isFullDue ? 'full' : requested;
}

/** What the collectors found. */
export interface CollectedFacts {
  readonly type: ExportType;
  /**
   * True if any category whose records count as new (`Collector.isNews`) had a record. A telemetry sample alone does not count.
   */
  readonly isNews: boolean;
  readonly unread: readonly UnreadCategory[];
}

/**
 * The decision after collection: queue the export, or queue nothing because there is nothing new or because categories are
 * unread.
 */
export type CollectedVerdict = 'queue' | 'nothing_new' | 'unread';

/**
 * Decides whether to queue an export after collection. A full export is always queued. An incremental export without new records
 * is not queued, and it may report "nothing new" only if every category was read (docs/spec/delivery.md, "Making an export").
 */
export function judgeCollected({ type, isNews, unread }: CollectedFacts): CollectedVerdict {
  if (type === 'full' || isNews) return 'queue';
  return unread.length === 0 ? 'nothing_new' : 'unread';
}

/** A category whose source exists but could not be read, and the reason. */
export interface UnreadCategory {
  readonly category: Category;
  readonly detail: string;
}

type States = Readonly<
  Partial<Record<Category, { readonly state: CategoryState; readonly detail?: string }>>
>;

/**
 * Returns the categories that an export could not read, in export order. They may have new records, so an export without them is
 * incomplete, and an export that found nothing else must not report "nothing new" (docs/spec/delivery.md, "Making an export").
 */
export function findUnread(categories: States): readonly UnreadCategory[] {
  return CATEGORIES.flatMap((category) => {
    const found = categories[category];
    if (found === undefined || !isUnread(found.state)) return [];
    return [{ category, detail: found.detail ?? 'its source could not be read' }];
  });
}

function isUnread(state: CategoryState): boolean {
  switch (state) {
    case 'error':
    case 'schema_unknown':
      return true;
    case 'ok':
    case 'empty':
    case 'source_missing':
      return false;
    default:
      return state satisfies never;
  }
}

/**
 * Returns true if an export uses up its daily slot. If any category was unread, the slot stays due, so that the category is tried
 * again (docs/spec/delivery.md, "Making an export").
 */
export function usesUpSlot(unread: readonly UnreadCategory[]): boolean {
  return unread.length === 0;
}

/**
 * Lists the unread categories with the reasons: `boatlog could not be read (…)`. Returns undefined if every category was read.
 */
export function describeUnread(unread: readonly UnreadCategory[]): string | undefined {
  if (unread.length === 0) return undefined;
  return unread.map(({ category, detail }) => `${category} could not be read (${detail})`).join('; ');
}
