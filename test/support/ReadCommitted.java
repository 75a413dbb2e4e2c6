import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Apache Kafka's own consumer as the independent witness of what is committed: prints every read_committed record of the
 * given topics from their beginning to their last stable offset, one line each:
 * topic, partition, offset, timestamp, key and value in base64 ("-" for null), headers (name:value in base64, separated by
 * commas, "-" for none), separated by blanks.
 * Arguments: bootstrap servers, topics.
 */
public final class ReadCommitted {
  public static void main(String[] args) {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", args[0]);
    config.put("isolation.level", "read_committed");
    config.put("enable.auto.commit", false);
    config.put("fetch.max.wait.ms", 50);
    PrintStream out = new PrintStream(new java.io.BufferedOutputStream(System.out, 1 << 16), false);
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      List<TopicPartition> partitions = new ArrayList<>();
      for (int i = 1; i < args.length; i++) {
        for (PartitionInfo p : consumer.partitionsFor(args[i])) partitions.add(new TopicPartition(p.topic(), p.partition()));
      }
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (!ends.isEmpty()) {
        for (ConsumerRecord<byte[], byte[]> r : consumer.poll(Duration.ofMillis(200))) {
          Long end = ends.get(new TopicPartition(r.topic(), r.partition()));
          if (end != null && r.offset() >= end) continue;
          out.println(r.topic() + " " + r.partition() + " " + r.offset() + " " + r.timestamp() + " " + text(r.key()) + " " + text(r.value()) + " " + headers(r));
        }
        ends.entrySet().removeIf(e -> consumer.position(e.getKey()) >= e.getValue());
      }
    }
    out.flush();
  }

  private static String text(byte[] bytes) {
    return bytes == null ? "-" : Base64.getEncoder().encodeToString(bytes);
  }

  private static String headers(ConsumerRecord<byte[], byte[]> r) {
    StringBuilder line = new StringBuilder();
    for (Header header : r.headers()) {
      if (line.length() > 0) line.append(',');
      line.append(text(header.key().getBytes(java.nio.charset.StandardCharsets.UTF_8))).append(':').append(text(header.value()));
    }
    return line.length() == 0 ? "-" : line.toString();
  }

  private ReadCommitted() {}
}
