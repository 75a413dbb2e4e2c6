package bench;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import org.apache.avro.specific.SpecificRecordBase;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.*;
import org.apache.kafka.streams.processor.StateRestoreListener;
import org.apache.kafka.streams.processor.api.ProcessorSupplier;
import org.apache.kafka.streams.state.*;

/** The Kafka Streams application. Prints FIRST/RUNNING/RESTORE lines for the harness on stdout. */
public final class App {
    private static volatile boolean seen;

    static void mark() {
        if (!seen) {
            seen = true;
            say("FIRST " + System.currentTimeMillis() + " cpu_ms=" + cpuMs());
        }
    }

    static long cpuMs() { return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime() / 1_000_000; }
    static void say(String s) { System.out.println(s); System.out.flush(); }

    public static void main(String[] argv) throws Exception {
        System.setProperty("org.apache.avro.specific.use_custom_coders", "true");
        Args a = new Args(argv, 0);
        String p = a.s("prefix", ""), out = a.s("out", p);
        Properties c = new Properties();
        c.put(StreamsConfig.APPLICATION_ID_CONFIG, a.req("app-id"));
        c.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, a.req("bootstrap"));
        c.put(StreamsConfig.STATE_DIR_CONFIG, a.req("state-dir"));
        c.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, a.i("threads", 1));
        c.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        c.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 100);
        c.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, 0);
        c.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        c.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        if (a.s("instance", null) != null) c.put(StreamsConfig.consumerPrefix("group.instance.id"), a.s("instance", null));
        for (String kv : a.all("set")) { int i = kv.indexOf('='); c.put(kv.substring(0, i), kv.substring(i + 1)); }

        Topology t = new Topology();
        t.addSource("events", Serdes.String().deserializer(), new AvroSerde<UserEvent>(UserEvent.getClassSchema(), Names.EVENT_ID), p + Names.EVENTS);
        t.addProcessor("decide", (ProcessorSupplier<String, UserEvent, String, SpecificRecordBase>) Decide::new, "events");
        StoreBuilder<KeyValueStore<String, UserState>> sb = Stores.keyValueStoreBuilder(
            Stores.persistentKeyValueStore(Names.STORE), Serdes.String(), new AvroSerde<UserState>(UserState.getClassSchema(), -1))
            .withCachingDisabled().withLoggingEnabled(Map.of());
        t.addStateStore(sb, "decide");
        t.addSink(Names.COMMANDS, out + Names.COMMANDS, Serdes.String().serializer(), new AvroSerde<ProvisioningCommand>(ProvisioningCommand.getClassSchema(), Names.COMMAND_ID), "decide");
        t.addSink(Names.OUTCOMES, out + Names.OUTCOMES, Serdes.String().serializer(), new AvroSerde<CardOutcome>(CardOutcome.getClassSchema(), Names.OUTCOME_ID), "decide");
        t.addSink(Names.SUPPRESSIONS, out + Names.SUPPRESSIONS, Serdes.String().serializer(), new AvroSerde<CardSuppression>(CardSuppression.getClassSchema(), Names.SUPPRESSION_ID), "decide");

        KafkaStreams ks = new KafkaStreams(t, c);
        Map<TopicPartition, Long> t0 = new ConcurrentHashMap<>();
        ks.setGlobalStateRestoreListener(new StateRestoreListener() {
            public void onRestoreStart(TopicPartition tp, String s, long from, long to) {
                t0.put(tp, System.currentTimeMillis());
                say("RESTORE_START " + System.currentTimeMillis() + " " + tp + " from=" + from + " to=" + to);
            }
            public void onBatchRestored(TopicPartition tp, String s, long end, long n) {}
            public void onRestoreEnd(TopicPartition tp, String s, long total) {
                say("RESTORE_END " + System.currentTimeMillis() + " " + tp + " records=" + total + " ms=" + (System.currentTimeMillis() - t0.getOrDefault(tp, 0L)));
            }
        });
        ks.setStateListener((n, o) -> {
            say("STATE " + n + " " + System.currentTimeMillis());
            if (n == KafkaStreams.State.RUNNING) say("RUNNING " + System.currentTimeMillis() + " restored_bytes=" + restored(ks) + " cpu_ms=" + cpuMs());
        });
        ks.setUncaughtExceptionHandler(e -> {
            e.printStackTrace();
            return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        CountDownLatch done = new CountDownLatch(1);
        boolean leave = a.b("leave");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            CloseOptions o = CloseOptions.timeout(Duration.ofSeconds(30));
            if (leave) o = o.withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.LEAVE_GROUP);
            boolean ok = ks.close(o);
            say("CLOSED " + System.currentTimeMillis() + " ok=" + ok);
            done.countDown();
        }));
        ks.start();
        done.await();
    }

    private static long restored(KafkaStreams ks) {
        double sum = 0;
        for (var e : ks.metrics().entrySet()) {
            var n = e.getKey();
            String id = n.tags().get("client-id");
            if (n.name().equals("bytes-consumed-total") && id != null && id.endsWith("-restore-consumer") && !n.tags().containsKey("topic")) {
                double v = (Double) e.getValue().metricValue();
                if (!Double.isNaN(v)) sum += v;
            }
        }
        return (long) sum;
    }
}
