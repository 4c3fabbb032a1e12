/** The owner's choices for this screen, which the browser keeps. */
export type Choice = 'look' | 'language' | 'zone';

const toKey = (choice: Choice): string => `d3kos-export-${choice}`;

/** The stored choice, or null. A browser that keeps nothing, such as a private window, works with the defaults. */
export function recall(choice: Choice): string | null {
  try {
    return localStorage.getItem(toKey(choice));
  } catch {
    return null;
  }
}

/** Stores a choice. If the browser keeps nothing, the choice lasts until the page is closed. */
export function remember(choice: Choice, value: string): void {
  try {
    localStorage.setItem(toKey(choice), value);
  } catch {
    // The state of the page has the choice.
  }
}
