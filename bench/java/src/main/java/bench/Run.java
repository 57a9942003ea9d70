package bench;

import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Handles all events of a topic in a group of its own, in the order of keys, and commits them. */
final class Run {
  private static final int STALL_SECONDS = 20;

  private Run() {}

  static Answer of(Task task) throws InterruptedException {
    var oracle = new Oracle(task.events(), task.keys());
    var meter = new Meter(task.keys());
    var handler = new Handler(oracle, meter, task.keys());
    var faults = new ArrayList<String>();
    var processor = ParallelStreamProcessor.createEosStreamProcessor(options(task));
    processor.subscribe(List.of(task.topic()));
    processor.poll(context -> context.forEach(one -> handler.handle(one.getConsumerRecord())));
    oracle.untilAll(STALL_SECONDS);
    processor.closeDrainFirst();
    faults.addAll(oracle.faults());
    return new Answer(
        oracle.handled(),
        meter.seconds(),
        meter.cpuMicros(),
        meter.longestLaneMs(),
        meter.totalWorkMs(),
        faults);
  }

  private static ParallelConsumerOptions<String, byte[]> options(Task task) {
    Task.Tuning tuning = task.tuning();
    var options =
        ParallelConsumerOptions.<String, byte[]>builder()
            .ordering(ProcessingOrder.KEY)
            .consumer(consumer(task))
            .maxConcurrency(tuning.maxConcurrency())
            .batchSize(tuning.batchSize())
            .commitMode(tuning.commitMode())
            .commitInterval(Duration.ofMillis(tuning.commitIntervalMs()));
    if (tuning.messageBufferSize() > 0) options.messageBufferSize(tuning.messageBufferSize());
    return options.build();
  }

  private static Consumer<String, byte[]> consumer(Task task) {
    Map<String, Object> properties = new HashMap<>(task.tuning().consumer());
    properties.put("bootstrap.servers", task.brokers());
    properties.put("group.id", task.group());
    properties.put("auto.offset.reset", "earliest");
    properties.put("enable.auto.commit", "false");
    return new KafkaConsumer<>(properties, new StringDeserializer(), new ByteArrayDeserializer());
  }
}
