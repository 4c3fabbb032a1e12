import { INITIAL_STATE, type PageState } from './state.ts';

/** The one place of the page's state. Each change is a function from the state before to the state after. */
export interface Store {
  read(): PageState;
  change(step: (state: PageState) => PageState): void;
}

/** Creates the store. `show` is called after each change. */
export function createStore(show: () => void): Store {
  let state = INITIAL_STATE;
  return {
    read: () => state,
    change(step) {
      const next = step(state);
      if (next === state) return;
      state = next;
      show();
    },
  };
}
