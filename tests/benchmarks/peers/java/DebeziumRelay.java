import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.debezium.Module;
import io.debezium.embedded.Connect;
import io.debezium.engine.DebeziumEngine;
import io.debezium.engine.DebeziumEngine.ChangeConsumer;
import io.debezium.engine.DebeziumEngine.ConnectorCallback;
import io.debezium.engine.DebeziumEngine.RecordCommitter;
import io.debezium.engine.RecordChangeEvent;
import io.debezium.engine.format.ChangeEventFormat;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.connect.source.SourceRecord;

/**
 * Debezium's engine, whose batches a Kafka producer of ours sends: a batch is marked when the broker has all of it.
 *
 * <p>Speaks JSON lines. {"engine": {...}, "producer": {...}} starts it and is answered when it polls; {"count": n} is
 * answered when n records are acknowledged, with what it took from the first batch on; {} stops it.
 */
final class DebeziumRelay implements ChangeConsumer<RecordChangeEvent<SourceRecord>>, AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final KafkaProducer<byte[], byte[]> producer;
  private final DebeziumEngine<RecordChangeEvent<SourceRecord>> engine;
  private final CompletableFuture<Void> polling = new CompletableFuture<>();
  private final AtomicReference<Exception> failure = new AtomicReference<>();
  private final Thread thread;
  private long count;
  private Moment first;
  private Moment last;

  public static void main(String[] arguments) throws Exception {
    System.out.println(JSON.writeValueAsString(Map.of("version", Module.version())));
    var lines = new BufferedReader(new InputStreamReader(System.in, UTF_8));
    DebeziumRelay relay = null;
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      JsonNode asked = JSON.readTree(line);
      Map<String, Long> answer = Map.of();
      if (asked.has("engine")) {
        relay = new DebeziumRelay(properties(asked.get("engine")), properties(asked.get("producer")));
        relay.polling.get();
      } else if (asked.has("count")) {
        answer = relay.await(asked.get("count").asLong());
      } else {
        relay.close();
      }
      System.out.println(JSON.writeValueAsString(answer));
    }
  }

  private DebeziumRelay(Properties engineProperties, Properties producerProperties) {
    producer = new KafkaProducer<>(producerProperties, new ByteArraySerializer(), new ByteArraySerializer());
    engine = DebeziumEngine.create(ChangeEventFormat.of(Connect.class))
        .using(engineProperties)
        .notifying(this)
        .using(new ConnectorCallback() {
          @Override
          public void pollingStarted() {
            polling.complete(null);
          }
        })
        .using((success, message, error) -> end(message, error))
        .build();
    thread = new Thread(engine);
    thread.start();
  }

  @Override
  public void handleBatch(
      List<RecordChangeEvent<SourceRecord>> batch, RecordCommitter<RecordChangeEvent<SourceRecord>> committer)
      throws InterruptedException {
    Moment began = Moment.now();
    for (var event : batch) {
      producer.send(outgoing(event.record()), (sent, error) -> {
        if (error != null) {
          failure.set(error);
        }
      });
    }
    producer.flush();
    if (failure.get() != null) {
      throw new IllegalStateException(failure.get());
    }
    for (var event : batch) {
      committer.markProcessed(event);
    }
    committer.markBatchFinished();
    acknowledged(batch.size(), began);
  }

  private synchronized void acknowledged(int records, Moment began) {
    first = count == 0 ? began : first;
    last = Moment.now();
    count += records;
    notifyAll();
  }

  private synchronized void end(String message, Throwable error) {
    if (error != null) {
      failure.set(new IllegalStateException(message, error));
      polling.completeExceptionally(error);
    }
    notifyAll();
  }

  private synchronized Map<String, Long> await(long records) throws Exception {
    while (count < records) {
      wait();
      if (failure.get() != null) {
        throw failure.get();
      }
    }
    return last.since(first);
  }

  @Override
  public void close() throws Exception {
    engine.close();
    thread.join();
    producer.close();
  }

  private static ProducerRecord<byte[], byte[]> outgoing(SourceRecord record) {
    var made = new ProducerRecord<>(
        record.topic(), record.kafkaPartition(), record.timestamp(), bytes(record.key()), bytes(record.value()));
    record.headers().forEach(header -> made.headers().add(header.key(), bytes(header.value())));
    return made;
  }

  private static byte[] bytes(Object value) {
    return value.toString().getBytes(UTF_8);
  }

  private static Properties properties(JsonNode settings) {
    var made = new Properties();
    settings.properties().forEach(entry -> made.put(entry.getKey(), entry.getValue().asText()));
    return made;
  }
}
