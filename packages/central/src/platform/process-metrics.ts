import { collectDefaultMetrics, type Registry } from 'prom-client';

/**
 * Adds the metrics of this process to a registry: processor time, memory, open files, garbage collection, and the delay of the
 * event loop (`nodejs_eventloop_lag_*`). Their names are those that Node.js dashboards use. Call it once per process.
 */
export function registerProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
}
