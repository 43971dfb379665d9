// The state all data threads share, made once per process; the control side reads metrics from it and frees what a thread
// that died left locked.
import { ConnectionBudget, createConnectionBudget } from "../net/connection-budget.ts";
import { createSharedData, SharedData } from "../plugin/shared-data.ts";
import { createSharedMetrics, SharedMetrics } from "../plugin/shared-metrics.ts";
import { createSharedQueues, SharedQueues } from "../plugin/shared-queue.ts";

/** The control side's own number; data threads count from 1. */
const CONTROL_THREAD = 0;

export class SharedStores {
  /** What a data thread is born with. */
  readonly handles;
  readonly metrics: SharedMetrics;
  readonly connections: ConnectionBudget;
  readonly #data: SharedData;
  readonly #queues: SharedQueues;

  /** @param threads data threads there will be */
  constructor(threads: number) {
    this.handles = {
      sharedData: createSharedData(),
      sharedMetrics: createSharedMetrics(),
      sharedQueues: createSharedQueues(),
      connections: createConnectionBudget(threads),
    } as const;
    this.metrics = new SharedMetrics(this.handles.sharedMetrics, CONTROL_THREAD);
    this.connections = new ConnectionBudget(this.handles.connections, CONTROL_THREAD);
    this.#data = new SharedData(this.handles.sharedData, CONTROL_THREAD);
    this.#queues = new SharedQueues(this.handles.sharedQueues, CONTROL_THREAD);
  }

  /** Whether anybody has registered a queue there. */
  hasQueues(namespace: string): boolean {
    return this.#queues.idsOf(namespace).length > 0;
  }

  /** Shared data and queues of a namespace that nobody uses any more. */
  empty(namespace: string): void {
    this.#data.drop(namespace);
    this.#queues.drop(namespace);
  }

  /** The same for a thread that only reads shared data and serves nothing (the shadow's). */
  freeDataLocksOf(threadId: number): void {
    this.#data.freeLocksOf(threadId);
  }

  /** After a thread ended: what it had locked would stay locked for the others (decisions.md 23), its connections counted. */
  freeLocksOf(threadId: number): void {
    this.connections.forget(threadId);
    this.#data.freeLocksOf(threadId);
    this.metrics.freeLocksOf(threadId);
    this.#queues.freeLocksOf(threadId);
  }
}
