package bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.Header;

/** What a careful handler does with a record: its id, type and key from the headers, its body as JSON; then it waits as the event says. */
final class Handler {
  private static final ObjectReader EVENTS = new ObjectMapper().readerFor(Event.class);

  private final Oracle oracle;
  private final Meter meter;
  private final int keys;

  Handler(Oracle oracle, Meter meter, int keys) {
    this.oracle = oracle;
    this.meter = meter;
    this.keys = keys;
  }

  void handle(ConsumerRecord<String, byte[]> record) {
    meter.begin();
    Event event = read(record);
    if (event.workMs() > 0) work(event);
    if (!oracle.take(event, text(record, "ce_partitionkey"))) return;
    meter.end();
    oracle.finish();
  }

  private void work(Event event) {
    long since = System.nanoTime();
    try {
      Thread.sleep(event.workMs());
    } catch (InterruptedException stop) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while handling " + event, stop);
    }
    meter.worked(event.n() % keys, System.nanoTime() - since);
  }

  private static Event read(ConsumerRecord<String, byte[]> record) {
    if (text(record, "ce_id").isEmpty() || text(record, "ce_type").isEmpty()) {
      throw new IllegalArgumentException("a message without metadata");
    }
    try {
      return EVENTS.readValue(record.value());
    } catch (IOException cause) {
      throw new UncheckedIOException(cause);
    }
  }

  private static String text(ConsumerRecord<String, byte[]> record, String name) {
    Header header = record.headers().lastHeader(name);
    return header == null ? "" : new String(header.value(), StandardCharsets.UTF_8);
  }
}
