// Loaded into a measured daemon with --import. It reports the event loop delay to the benchmark over IPC.
// It is plain JavaScript, because type stripping would load a compiler into the process whose memory is measured.
import { monitorEventLoopDelay } from 'node:perf_hooks';

let histogram;
process.on('message', (message) => {
  if (message === 'start') {
    histogram = monitorEventLoopDelay({ resolution: Number(process.env.BENCH_LOOP_RESOLUTION_MS) });
    histogram.enable();
  } else {
    // Sampling runs a timer every few milliseconds, which would disturb idle-daemon measurements.
    histogram.disable();
    process.send({ p99Ms: histogram.percentile(99) / 1e6, maxMs: histogram.max / 1e6 });
  }
});
// The channel must not keep the measured daemon running.
process.channel.unref();
