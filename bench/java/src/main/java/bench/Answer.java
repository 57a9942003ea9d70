package bench;

import java.util.List;

/**
 * What a run has found.
 *
 * @param seconds from the first handler's start to the last one's end
 * @param cpuMicros of this process, in that time
 * @param longestLaneMs handler time of the key that had the most of it, as measured
 * @param totalWorkMs handler time of all, as measured
 */
record Answer(
    int handled,
    double seconds,
    double cpuMicros,
    double longestLaneMs,
    double totalWorkMs,
    List<String> faults) {}
