import { CATEGORIES, type Category, type CategoryState } from '@d3kos/protocol';

/** A category whose source exists but could not be read, and why. */
export interface UnreadCategory {
  readonly category: Category;
  readonly detail: string;
}

type States = Readonly<
  Partial<Record<Category, { readonly state: CategoryState; readonly detail?: string }>>
>;

/**
 * The categories that an export could not read, in export order. They may have new records, so an export without them is
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

/** Names the unread categories and the reasons: `boatlog could not be read (…)`. Undefined if every category was read. */
export function describeUnread(unread: readonly UnreadCategory[]): string | undefined {
  if (unread.length === 0) return undefined;
  return unread.map(({ category, detail }) => `${category} could not be read (${detail})`).join('; ');
}
