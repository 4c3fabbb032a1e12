// The threads of worker-pool.test.ts.
import { serveJobs } from '../worker-jobs.ts';

/** What a test job does in its thread. */
export type TestJob =
  | { readonly kind: 'echo'; readonly bytes: Uint8Array }
  | { readonly kind: 'spin' }
  | { readonly kind: 'fill' }
  | { readonly kind: 'fail' };

serveJobs<TestJob, Uint8Array>((job) => {
  switch (job.kind) {
    case 'echo':
      return { result: job.bytes, transfer: [] };
    case 'spin':
      for (;;);
    case 'fill': {
      const kept: unknown[] = [];
      for (;;) kept.push({ kept: kept.length });
    }
    case 'fail':
      throw new Error('a defect');
  }
});
