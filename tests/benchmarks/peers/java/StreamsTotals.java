import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.AppInfoParser;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;

/**
 * The total of each counter by Kafka Streams: a store in RocksDB and its changelog topic, called "totals".
 *
 * <p>Speaks JSON lines. {"streams": {...}, "topic": "..."} starts it and is answered when it runs; {"count": n} is answered
 * when its committed offsets sum to n, with what it took from the first record on; {} stops it.
 */
final class StreamsTotals {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final AtomicReference<Moment> FIRST = new AtomicReference<>();

  public static void main(String[] arguments) throws Exception {
    System.out.println(JSON.writeValueAsString(Map.of("version", AppInfoParser.getVersion())));
    var lines = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    KafkaStreams streams = null;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonNode asked = JSON.readTree(line);
      Map<String, Long> answer = Map.of();
      if (asked.has("streams")) {
        streams = started(asked.get("topic").asText(), asked.get("streams"));
      } else if (asked.has("count")) {
        until(streams, asked.get("count").asLong());
        answer = Moment.now().since(FIRST.get());
      } else {
        streams.close(Duration.ofSeconds(30));
      }
      System.out.println(JSON.writeValueAsString(answer));
    }
  }

  private static KafkaStreams started(String topic, JsonNode settings) throws InterruptedException {
    var properties = new Properties();
    settings.properties().forEach(entry -> properties.put(entry.getKey(), entry.getValue().asText()));
    var builder = new StreamsBuilder();
    builder.stream(topic, Consumed.with(Serdes.String(), Serdes.ByteArray()))
        .filter((key, body) -> key != null) // what has no key is the relay's beat
        .mapValues(StreamsTotals::amount)
        .groupByKey(Grouped.with(Serdes.String(), Serdes.Long()))
        .reduce(Long::sum, Materialized.as("totals"));
    FIRST.set(null);
    var streams = new KafkaStreams(builder.build(properties), properties);
    streams.start();
    while (streams.state() != KafkaStreams.State.RUNNING) {
      alive(streams);
    }
    return streams;
  }

  private static void until(KafkaStreams streams, long count) throws InterruptedException {
    while (committed(streams) < count) {
      alive(streams);
    }
  }

  private static long committed(KafkaStreams streams) {
    return streams.metadataForLocalThreads().stream()
        .flatMap(thread -> thread.activeTasks().stream())
        .flatMap(task -> task.committedOffsets().values().stream())
        .mapToLong(offset -> Math.max(offset, 0))
        .sum();
  }

  private static void alive(KafkaStreams streams) throws InterruptedException {
    if (streams.state() == KafkaStreams.State.ERROR) {
      throw new IllegalStateException("Kafka Streams has stopped with an error");
    }
    Thread.sleep(2);
  }

  private static long amount(byte[] body) {
    if (FIRST.get() == null) {
      FIRST.set(Moment.now());
    }
    try {
      return JSON.readTree(body).get("amount").asLong();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
