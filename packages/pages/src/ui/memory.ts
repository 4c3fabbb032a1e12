/** The owner's choices for this screen, stored by the browser. */
export type Choice = 'look' | 'language' | 'zone';

const toKey = (choice: Choice): string => `d3kos-export-${choice}`;

/** Returns the stored choice, or null. If the browser stores nothing, for example in a private window, the defaults apply. */
export function recall(choice: Choice): string | null {
  try {
    return localStorage.getItem(toKey(choice));
  } catch {
    return null;
  }
}

/** Stores a choice. If the browser stores nothing, the choice lasts until the page is closed. */
export function remember(choice: Choice, value: string): void {
  try {
    localStorage.setItem(toKey(choice), value);
  } catch {
    // The choice remains in the page's state.
  }
}
