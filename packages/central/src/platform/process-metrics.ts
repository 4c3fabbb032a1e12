import { collectDefaultMetrics, type Registry } from 'prom-client';

/**
 * Adds the metrics of this process to a registry: CPU time, memory, open files, garbage collection, and event loop delay
 * (`nodejs_eventloop_lag_*`). They have the names that Node.js dashboards expect. Call it once per process.
 */
export function registerProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry });
}
