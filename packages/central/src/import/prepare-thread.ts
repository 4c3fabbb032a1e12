// The worker thread of `createWorkerPreparer`.
import { type JobResult, serveJobs } from '../platform/worker-jobs.ts';
import { decodeBody } from './decode-body.ts';
import { preparePart } from './prepare-part.ts';
import { type PrepareJob, type PrepareResult, toOwnBytes } from './worker-preparer.ts';

serveJobs<PrepareJob, PrepareResult>((job): JobResult<PrepareResult> => {
  switch (job.kind) {
    case 'decode': {
      const decoded = decodeBody(job.body.bytes, job.body.coding, job.body.sizeMaxBytes);
      if (decoded.kind !== 'decoded') return { result: { kind: 'decode', body: decoded }, transfer: [] };
      const bytes = toOwnBytes(decoded.bytes);
      return { result: { kind: 'decode', body: { ...decoded, bytes } }, transfer: [bytes.buffer] };
    }
    case 'prepare': {
      const preparation = preparePart(job.part);
      if (preparation.kind !== 'prepared') return { result: { kind: 'prepare', preparation }, transfer: [] };
      const batches = preparation.sorted.batches.map((batch) => ({
        ...batch,
        columns: batch.columns.map(toOwnBytes),
      }));
      return {
        result: {
          kind: 'prepare',
          preparation: { ...preparation, sorted: { ...preparation.sorted, batches } },
        },
        transfer: batches.flatMap(({ columns }) => columns.map(({ buffer }) => buffer)),
      };
    }
  }
});
