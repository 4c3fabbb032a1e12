/** The browser types that the measurement uses, because the tests are compiled only with Node's types. */
interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly width: number;
  readonly height: number;
}
interface Shown {
  readonly tagName: string;
  readonly className: string;
  readonly textContent: string | null;
  readonly scrollWidth: number;
  readonly clientWidth: number;
  readonly childNodes: Iterable<{ readonly nodeType: number; readonly textContent: string | null }>;
  getBoundingClientRect(): Box;
  getClientRects(): Iterable<Box>;
  contains(other: Shown): boolean;
  checkVisibility(options?: { readonly contentVisibilityAuto: boolean }): boolean;
  closest(selector: string): Shown | null;
  matches(selector: string): boolean;
}
declare const document: {
  readonly documentElement: Shown;
  querySelector(selector: string): Shown | null;
  querySelectorAll(selector: string): Iterable<Shown>;
};
declare const innerWidth: number;
declare const getComputedStyle: (element: Shown) => { readonly fontSize: string };

/** The minimum size of targets and text on a page, in CSS pixels. */
export interface Limits {
  readonly target: number;
  readonly text: number;
  /** Selects controls whose own box may be smaller than their active area, or than the words beside them. */
  readonly smallTargets?: string;
  /** Selects the parts of the page in which no words may overlap. An open dialog covers them, and is then measured instead. */
  readonly within?: string;
}

/**
 * Measures the page: text that is cut off, too small or overlapping other text, targets that are too small, and content wider
 * than the screen. It runs in the browser, so it must be self-contained.
 */
export function measure(limits: Limits): readonly string[] {
  const faults: string[] = [];
  const isShown = (element: Shown): boolean => {
    const { width, height } = element.getBoundingClientRect();
    // The rows of a closed list are part of the layout but are not drawn.
    return width > 1 && height > 1 && element.checkVisibility() && element.closest('.hush') === null;
  };
  const name = (element: Shown): string =>
    `${element.tagName.toLowerCase()}.${element.className} "${(element.textContent ?? '').slice(0, 30)}"`;
  if (document.documentElement.scrollWidth > innerWidth) faults.push('the page is wider than the screen');
  for (const element of document.querySelectorAll('button, a, summary, [role=switch]')) {
    if (!isShown(element) || element.matches(limits.smallTargets ?? '.none')) continue;
    const { width, height } = element.getBoundingClientRect();
    if (Math.min(width, height) < limits.target - 0.5)
      faults.push(`target of ${Math.round(width)} × ${Math.round(height)}: ${name(element)}`);
  }
  for (const element of document.querySelectorAll(
    'h1, h2, h3, p, b, span, dt, dd, li, small, button, a, td, th, time, summary, code, bdi, label, input, select',
  )) {
    if (!isShown(element) || (element.textContent ?? '').trim() === '') continue;
    const size = Number.parseFloat(getComputedStyle(element).fontSize);
    if (size < limits.text - 0.1) faults.push(`text of ${size} px: ${name(element)}`);
    if (
      element.scrollWidth > element.clientWidth + 1 &&
      element.clientWidth > 0 &&
      !element.matches(limits.smallTargets ?? '.none') &&
      !element.matches('.count, .count *')
    )
      faults.push(`cut off: ${name(element)}`);
  }
  for (const count of document.querySelectorAll('.count'))
    if (count.getBoundingClientRect().height > 34) faults.push(`wrapped: ${name(count)}`);
  // Overlapping words on the page. The rows of a list are alike, so the first ones are enough.
  const OVERLAP_MIN_PX = 3;
  const ELEMENTS_MAX = 300;
  const isCovered = document.querySelector('dialog[open]') !== null;
  const within = isCovered ? 'dialog[open]' : (limits.within ?? 'main');
  const words = [
    ...document.querySelectorAll(
      `:is(${within}) :is(h1, h2, h3, p, b, strong, span, small, li, dt, dd, td, th, time, summary, code, bdi, label, button)`,
    ),
  ]
    .filter(
      (element) =>
        isShown(element) &&
        // A row outside the screen is laid out with an estimated height.
        element.checkVisibility({ contentVisibilityAuto: true }) &&
        [...element.childNodes].some(
          ({ nodeType, textContent }) => nodeType === 3 && (textContent ?? '').trim() !== '',
        ),
    )
    .slice(0, ELEMENTS_MAX)
    // Text that spans several lines has a box for each line.
    .map((element) => ({ element, boxes: [...element.getClientRects()] }));
  const overlap = (one: Box, other: Box): boolean =>
    Math.min(one.right, other.right) - Math.max(one.left, other.left) >= OVERLAP_MIN_PX &&
    Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) >= OVERLAP_MIN_PX;
  for (const [index, one] of words.entries())
    for (const other of words.slice(index + 1)) {
      if (!one.boxes.some((box) => other.boxes.some((another) => overlap(box, another)))) continue;
      if (one.element.contains(other.element) || other.element.contains(one.element)) continue;
      faults.push(`on each other: ${name(one.element)} and ${name(other.element)}`);
    }
  return [...new Set(faults)];
}
