package bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;

/** Judges what arrives, from many threads: all of it, each event once, the order of each key. Events have keys in turn. */
final class Oracle {
  private final AtomicIntegerArray seen;
  /** Key → number of its last event, plus one. */
  private final AtomicIntegerArray last;
  private final AtomicInteger handled = new AtomicInteger();
  private final AtomicInteger duplicates = new AtomicInteger();
  private final AtomicInteger outOfOrder = new AtomicInteger();
  private final AtomicInteger strangers = new AtomicInteger();
  private final CountDownLatch all = new CountDownLatch(1);
  private final int target;

  Oracle(int target, int keys) {
    this.target = target;
    this.seen = new AtomicIntegerArray(target);
    this.last = new AtomicIntegerArray(keys);
  }

  int handled() {
    return handled.get();
  }

  /**
   * To be called at the end of a handler.
   *
   * @return whether it was the last that was missing
   */
  boolean take(Event event, String metadataKey) {
    int n = event.n();
    if (n < 0 || n >= target || !event.key().equals(metadataKey)) {
      strangers.incrementAndGet();
      return false;
    }
    if (!seen.compareAndSet(n, 0, 1)) {
      duplicates.incrementAndGet();
      return false;
    }
    int lane = n % last.length();
    if (last.get(lane) > n) outOfOrder.incrementAndGet();
    else last.set(lane, n + 1);
    return handled.incrementAndGet() == target;
  }

  void finish() {
    all.countDown();
  }

  /** Waits until {@link #finish()}, or until nothing has come for so long. */
  void untilAll(long stallSeconds) throws InterruptedException {
    for (int before = -1; before != handled(); ) {
      before = handled();
      if (all.await(stallSeconds, TimeUnit.SECONDS)) return;
    }
  }

  List<String> faults() {
    var found = new ArrayList<String>();
    int missing = target - handled();
    if (missing > 0) found.add(missing + " of " + target + " events were lost");
    if (duplicates.get() > 0) found.add(duplicates + " events came twice");
    if (outOfOrder.get() > 0) found.add(outOfOrder + " events were behind a later one of their key");
    if (strangers.get() > 0) found.add(strangers + " events were not of this run, or under another key");
    return found;
  }
}
