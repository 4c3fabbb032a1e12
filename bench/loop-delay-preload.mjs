// Loaded into a measured daemon with --import: tells the bench over IPC how late its event loop was.
// Plain JavaScript, because stripping types would load a compiler into the process whose memory is measured.
import { monitorEventLoopDelay } from 'node:perf_hooks';

let histogram;
process.on('message', (message) => {
  if (message === 'start') {
    histogram = monitorEventLoopDelay({ resolution: Number(process.env.BENCH_LOOP_RESOLUTION_MS) });
    histogram.enable();
  } else {
    // Sampling costs a timer every few milliseconds, which an idle daemon must not have.
    histogram.disable();
    process.send({ p99Ms: histogram.percentile(99) / 1e6, maxMs: histogram.max / 1e6 });
  }
});
// The measured daemon ends when it would end without being measured.
process.channel.unref();
