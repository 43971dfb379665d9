export type SharedQueuesHandle = Record<string, never>;
export const createSharedQueues = (): SharedQueuesHandle => ({});
export class SharedQueues {
  constructor(_h: SharedQueuesHandle, _t: number) {}
  register() {
    return 0;
  }
  resolve() {
    return 0;
  }
  enqueue() {
    return 1 as const;
  }
  dequeue() {
    return 1 as const;
  }
}
