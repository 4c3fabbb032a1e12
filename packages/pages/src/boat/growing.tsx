import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';

/**
 * Number of rows that are added at once during a scroll. With 8 and 12, the longest frames were the same (decision 0050).
 */
const ROWS_PER_PAGE = 4;
/** Number of pages that are drawn first. They fill the largest screen of a boat. */
const FIRST_PAGES = 3;
/**
 * The next rows are drawn at this distance from the lower edge of the screen, so that a fast scroll does not reach an empty area.
 */
const DRAWN_AHEAD = '2400px';

/**
 * A long list. The first rows are drawn at once, the others when the reader scrolls near them. Drawing a thousand rows at once
 * would take a boat's computer several hundred milliseconds. `toRow` returns an element with the role `listitem`. It must remain the
 * same function for as long as the rows look the same, because a page of rows is redrawn only if its items or the function change.
 *
 * Each page has its own element, which CSS contains: adding a page or scrolling does not lay out or paint the other pages again.
 * HTML does not allow such an element in an `ol`, so the list and its items are marked by their roles.
 */
export function Growing<Item>(props: {
  readonly items: readonly Item[];
  readonly toRow: (item: Item) => JSX.Element;
}): JSX.Element {
  const { items, toRow } = props;
  const [pageCount, setPageCount] = useState(FIRST_PAGES);
  const pages = useMemo(
    () =>
      Array.from({ length: Math.ceil(items.length / ROWS_PER_PAGE) }, (_, index) =>
        items.slice(index * ROWS_PER_PAGE, (index + 1) * ROWS_PER_PAGE),
      ),
    [items],
  );
  return (
    <>
      <div role="list">
        {pages.slice(0, pageCount).map((rows, index) => (
          <PageOfRows key={index} draw={() => rows.map(toRow)} of={[rows, toRow]} />
        ))}
      </div>
      {pageCount < pages.length && <Nearing key={pageCount} onNear={() => setPageCount(pageCount + 1)} />}
    </>
  );
}

/** Rows that are redrawn only if a value in `of` changes. */
function PageOfRows(props: {
  readonly draw: () => ComponentChildren;
  readonly of: readonly unknown[];
}): JSX.Element {
  return useMemo(() => <div class="rows">{props.draw()}</div>, props.of);
}

/** Calls `onNear` once, when the reader scrolls near this element. */
function Nearing({ onNear }: { readonly onNear: () => void }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (place.current === null) return undefined;
    const observer = new IntersectionObserver(
      (entries) => {
        if (!entries.some(({ isIntersecting }) => isIntersecting)) return;
        observer.disconnect();
        onNear();
      },
      { rootMargin: DRAWN_AHEAD, scrollMargin: DRAWN_AHEAD },
    );
    observer.observe(place.current);
    return () => observer.disconnect();
  }, []);
  return <div ref={place} />;
}
