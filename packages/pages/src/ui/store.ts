/** Holds a page's state. Each change is a function from the old state to the new one. */
export interface Store<State> {
  read(): State;
  change(step: (state: State) => State): void;
}

/** Creates the store. `show` is called after each change. */
export function createStore<State>(initial: State, show: () => void): Store<State> {
  let state = initial;
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
