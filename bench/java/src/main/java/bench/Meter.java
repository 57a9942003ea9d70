package bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLongArray;

/** Time and CPU from the first handler's start to the last one's end, and how long handlers took. */
final class Meter {
  private static final double NANOS_A_MILLI = 1e6;

  private final OperatingSystemMXBean system =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
  private final AtomicBoolean isStarted = new AtomicBoolean();
  private final AtomicLongArray laneNanos;
  private volatile long startedAt;
  private volatile long endedAt;
  private volatile long cpuAtStart;
  private volatile long cpuAtEnd;

  Meter(int keys) {
    this.laneNanos = new AtomicLongArray(keys);
  }

  /** To be called at the start of every handler; the first one counts. */
  void begin() {
    if (isStarted.get() || !isStarted.compareAndSet(false, true)) return;
    cpuAtStart = system.getProcessCpuTime();
    startedAt = System.nanoTime();
  }

  void end() {
    endedAt = System.nanoTime();
    cpuAtEnd = system.getProcessCpuTime();
  }

  void worked(int lane, long nanos) {
    laneNanos.addAndGet(lane, nanos);
  }

  double seconds() {
    return (endedAt - startedAt) / 1e9;
  }

  double cpuMicros() {
    return (cpuAtEnd - cpuAtStart) / 1e3;
  }

  double longestLaneMs() {
    long longest = 0;
    for (int lane = 0; lane < laneNanos.length(); lane++) longest = Math.max(longest, laneNanos.get(lane));
    return longest / NANOS_A_MILLI;
  }

  double totalWorkMs() {
    long total = 0;
    for (int lane = 0; lane < laneNanos.length(); lane++) total += laneNanos.get(lane);
    return total / NANOS_A_MILLI;
  }
}
