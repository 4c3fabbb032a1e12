/** An event scheduled for a moment of virtual time. */
export interface Due {
  readonly dueMs: number;
  /** Increases with each event. Of two events at the same moment, the one with the lower number fires first. */
  readonly order: number;
  fire(): void;
}

function isBefore(one: Due, other: Due): boolean {
  return one.dueMs !== other.dueMs ? one.dueMs < other.dueMs : one.order < other.order;
}

/** A binary heap of events, soonest first. `remove` cancels an event. */
export interface DueQueue {
  push(due: Due): void;
  /** Cancels an event. Has no effect if the event has already fired. */
  remove(due: Due): void;
  peek(): Due | undefined;
  pop(): Due | undefined;
}

export function createDueQueue(): DueQueue {
  const heap: Due[] = [];
  const live = new Set<Due>();

  const siftUp = (due: Due) => {
    let index = heap.length;
    heap.push(due);
    while (index > 0) {
      const parentIndex = (index - 1) >> 1;
      const parent = heap[parentIndex];
      if (parent === undefined || !isBefore(due, parent)) break;
      heap[index] = parent;
      index = parentIndex;
    }
    heap[index] = due;
  };

  const siftDown = (due: Due) => {
    let index = 0;
    for (;;) {
      let childIndex = 2 * index + 1;
      let child = heap[childIndex];
      const right = heap[childIndex + 1];
      if (child !== undefined && right !== undefined && isBefore(right, child)) {
        childIndex += 1;
        child = right;
      }
      if (child === undefined || !isBefore(child, due)) break;
      heap[index] = child;
      index = childIndex;
    }
    heap[index] = due;
  };

  const popAny = (): Due | undefined => {
    const top = heap[0];
    const last = heap.pop();
    if (last !== undefined && heap.length > 0) siftDown(last);
    return top;
  };

  const queue: DueQueue = {
    push: (due) => {
      live.add(due);
      siftUp(due);
    },
    remove: (due) => {
      live.delete(due);
    },
    peek: () => {
      // Cancelled events stay in the heap until they are the soonest.
      for (let top = heap[0]; top !== undefined; top = heap[0]) {
        if (live.has(top)) return top;
        popAny();
      }
      return undefined;
    },
    pop: () => {
      if (queue.peek() === undefined) return undefined;
      const top = popAny();
      if (top !== undefined) live.delete(top);
      return top;
    },
  };
  return queue;
}
