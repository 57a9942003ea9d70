package bench;

import io.confluent.parallelconsumer.ParallelConsumerOptions.CommitMode;
import java.util.Map;

/** One run over a topic that is filled already. */
record Task(String brokers, String topic, String group, int events, int keys, Tuning tuning) {

  /**
   * What its documentation says may be tuned.
   *
   * @param messageBufferSize records in hand; 0 leaves it to the dynamic load factor
   * @param consumer properties of the Kafka consumer below it
   */
  record Tuning(
      int maxConcurrency,
      int messageBufferSize,
      int batchSize,
      long commitIntervalMs,
      CommitMode commitMode,
      Map<String, String> consumer) {}
}
