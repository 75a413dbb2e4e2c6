package bench;

import java.io.*;
import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.serialization.*;

/** Harness: topics, gen, m1, m2, m3, counts, sizes. The application under test is any command line (--app). */
public final class Bench {
    static Args a;
    /** Prefixes of the input topic and of the output topics. */
    static String boot, pre, out;

    public static void main(String[] argv) throws Exception {
        System.setProperty("org.apache.avro.specific.use_custom_coders", "true");
        a = new Args(argv, 1);
        boot = a.req("bootstrap");
        pre = a.s("prefix", "");
        out = a.s("out", pre);
        switch (argv[0]) {
            case "topics" -> topics(a.b("outputs-only"));
            case "gen" -> gen();
            case "m1" -> m1();
            case "m2" -> m2();
            case "m3" -> m3();
            case "counts" -> counts();
            case "dump" -> dump();
            case "sizes" -> sizes();
            case "drop" -> drop();
            default -> throw new IllegalArgumentException(argv[0]);
        }
    }

    // ---------- clients ----------
    static Admin admin() { return Admin.create(Map.of("bootstrap.servers", boot)); }

    static Producer<String, byte[]> producer(Map<String, Object> more) {
        Map<String, Object> c = new HashMap<>(Map.of("bootstrap.servers", boot, "acks", "all", "compression.type", "none"));
        c.putAll(more);
        return new KafkaProducer<>(c, new StringSerializer(), new ByteArraySerializer());
    }

    static KafkaConsumer<byte[], byte[]> consumer() {
        return new KafkaConsumer<>(Map.of("bootstrap.servers", boot, "isolation.level", "read_committed", "enable.auto.commit", false,
            "max.poll.records", 5000, "auto.offset.reset", "earliest"), new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    static List<TopicPartition> parts(Admin ad, String topic) throws Exception {
        int n = ad.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size();
        List<TopicPartition> l = new ArrayList<>();
        for (int i = 0; i < n; i++) l.add(new TopicPartition(topic, i));
        return l;
    }

    static long end(Admin ad, String topic) throws Exception {
        Map<TopicPartition, OffsetSpec> q = new HashMap<>();
        for (TopicPartition tp : parts(ad, topic)) q.put(tp, OffsetSpec.latest());
        long s = 0;
        for (var v : ad.listOffsets(q).all().get().values()) s += v.offset();
        return s;
    }

    static Map<Integer, Long> ends(Admin ad, String topic) throws Exception {
        Map<TopicPartition, OffsetSpec> q = new HashMap<>();
        for (TopicPartition tp : parts(ad, topic)) q.put(tp, OffsetSpec.latest());
        Map<Integer, Long> m = new HashMap<>();
        for (var e : ad.listOffsets(q).all().get().entrySet()) m.put(e.getKey().partition(), e.getValue().offset());
        return m;
    }

    static long committed(Admin ad, String group, String topic) throws Exception {
        long s = 0;
        try {
            for (var e : ad.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().entrySet())
                if (e.getKey().topic().equals(topic) && e.getValue() != null) s += e.getValue().offset();
        } catch (ExecutionException e) {
            if (!(e.getCause() instanceof org.apache.kafka.common.errors.GroupIdNotFoundException)) throw e;
        }
        return s;
    }

    static void topics(boolean outputsOnly) throws Exception {
        int p = a.i("partitions", 4);
        List<String> names = new ArrayList<>(List.of(out + Names.COMMANDS, out + Names.OUTCOMES, out + Names.SUPPRESSIONS));
        if (!outputsOnly) names.add(pre + Names.EVENTS);
        try (Admin ad = admin()) {
            Set<String> have = ad.listTopics().names().get();
            List<String> del = names.stream().filter(have::contains).collect(Collectors.toList());
            if (!del.isEmpty()) ad.deleteTopics(del).all().get();
            for (int i = 0; ; i++) {
                try {
                    ad.createTopics(names.stream().map(n -> new NewTopic(n, p, (short) 1)).collect(Collectors.toList())).all().get();
                    break;
                } catch (ExecutionException e) {
                    if (i > 50) throw e;
                    Thread.sleep(200);
                    Set<String> now = ad.listTopics().names().get();
                    names.removeIf(now::contains);
                    if (names.isEmpty()) break;
                }
            }
        }
    }

    static void gen() throws Exception {
        long n = a.l("n", 1_000_000);
        Gen g = new Gen(a.l("seed", 42), a.i("users", 200_000), a.b("cover"));
        AvroSerde<UserEvent> ser = new AvroSerde<>(UserEvent.getClassSchema(), Names.EVENT_ID);
        long t = System.currentTimeMillis(), bytes = 0;
        AtomicReference<Exception> err = new AtomicReference<>();
        try (Producer<String, byte[]> p = producer(Map.of("batch.size", 262144, "linger.ms", 20, "buffer.memory", 67108864L))) {
            for (long i = 0; i < n; i++) {
                UserEvent e = g.event(i);
                byte[] v = ser.serialize(null, e);
                bytes += v.length;
                p.send(new ProducerRecord<>(pre + Names.EVENTS, e.user_id, v), (m, x) -> { if (x != null) err.set(x); });
            }
            p.flush();
        }
        if (err.get() != null) throw err.get();
        System.out.printf("{\"m\":\"gen\",\"n\":%d,\"users\":%d,\"value_bytes_avg\":%.1f,\"wall_s\":%.1f}%n", n, g.users, (double) bytes / n, (System.currentTimeMillis() - t) / 1e3);
    }

    // ---------- application process ----------
    static final class AppProc {
        final Process p;
        final long started;
        final Map<String, Long> marks = new ConcurrentHashMap<>();
        final List<String> lines = Collections.synchronizedList(new ArrayList<>());
        AppProc() throws IOException {
            String cmd = a.req("app");
            ProcessBuilder b = new ProcessBuilder("bash", "-c", "exec " + cmd).redirectErrorStream(true);
            started = System.currentTimeMillis();
            p = b.start();
            Path log = Path.of(a.s("log", "app.log"));
            Thread th = new Thread(() -> {
                try (BufferedReader r = new BufferedReader(new InputStreamReader(p.getInputStream()));
                     Writer w = Files.newBufferedWriter(log, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
                    w.write("--- start " + started + "\n");
                    for (String l; (l = r.readLine()) != null; ) {
                        w.write(l + "\n");
                        w.flush();
                        lines.add(l);
                        String[] f = l.split(" ");
                        if (f.length > 1 && (f[0].equals("FIRST") || f[0].equals("RUNNING") || f[0].equals("CLOSED"))) marks.putIfAbsent(f[0], Long.parseLong(f[1]));
                    }
                } catch (IOException ignored) { }
            });
            th.setDaemon(true);
            th.start();
        }
        double cpu() { return procCpu(p.pid()); }
        long hwmMb() {
            try { for (String l : Files.readAllLines(Path.of("/proc/" + p.pid() + "/status"))) if (l.startsWith("VmHWM")) return Long.parseLong(l.replaceAll("\\D", "")) / 1024; } catch (IOException ignored) { }
            return -1;
        }
        void term() throws Exception { p.destroy(); if (!p.waitFor(60, TimeUnit.SECONDS)) throw new IllegalStateException("app did not stop"); }
        void kill9() throws Exception { p.destroyForcibly(); p.waitFor(); }
        void check() { if (!p.isAlive()) throw new IllegalStateException("app exited rc=" + p.exitValue()); }
        long restoredRecords() { return lines.stream().filter(l -> l.startsWith("RESTORE_END")).mapToLong(l -> Long.parseLong(l.replaceAll(".*records=(\\d+).*", "$1"))).sum(); }
        long restoredBytes() { return lines.stream().filter(l -> l.startsWith("RUNNING")).mapToLong(l -> Long.parseLong(l.replaceAll(".*restored_bytes=(\\d+).*", "$1"))).findFirst().orElse(-1); }
        long restoreMs() {
            long s = Long.MAX_VALUE, e = 0;
            for (String l : List.copyOf(lines)) {
                if (l.startsWith("RESTORE_START")) s = Math.min(s, Long.parseLong(l.split(" ")[1]));
                if (l.startsWith("RESTORE_END")) e = Math.max(e, Long.parseLong(l.split(" ")[1]));
            }
            return e == 0 ? -1 : e - s;
        }
    }

    static double procCpu(long pid) {
        try {
            String s = Files.readString(Path.of("/proc/" + pid + "/stat"));
            String[] f = s.substring(s.lastIndexOf(')') + 2).split(" ");
            return (Long.parseLong(f[11]) + Long.parseLong(f[12])) / 100.0;
        } catch (IOException e) { return Double.NaN; }
    }

    /** CPU seconds per thread id */
    static Map<String, Double> threads(long pid) {
        Map<String, Double> m = new HashMap<>();
        File[] fs = new File("/proc/" + pid + "/task").listFiles();
        if (fs != null) for (File f : fs) {
            try {
                String s = Files.readString(f.toPath().resolve("stat"));
                String[] x = s.substring(s.lastIndexOf(')') + 2).split(" ");
                m.put(f.getName(), (Long.parseLong(x[11]) + Long.parseLong(x[12])) / 100.0);
            } catch (IOException ignored) { }
        }
        return m;
    }

    static double brokerCpu() { long b = a.l("broker-pid", 0); return b == 0 ? 0 : procCpu(b); }

    /** busy CPU seconds of the whole machine: what is not this app or the broker shows how quiet the run was */
    static double machineCpu() {
        try {
            String[] f = Files.readAllLines(Path.of("/proc/stat")).get(0).trim().split(" +");
            long idle = Long.parseLong(f[4]) + Long.parseLong(f[5]), all = 0;
            for (int i = 1; i <= 8; i++) all += Long.parseLong(f[i]);
            return (all - idle) / 100.0;
        } catch (IOException e) { return Double.NaN; }
    }

    record Sample(long t, long n, double cpu, double broker, double machine) {}

    // ---------- M1 ----------
    static void m1() throws Exception {
        String group = a.req("group"), topic = pre + Names.EVENTS;
        try (Admin ad = admin()) {
            long total = end(ad, topic);
            committed(ad, group, topic);
            AppProc app = new AppProc();
            List<Sample> ss = new ArrayList<>();
            long c = 0, n20 = 0;
            Map<String, Double> th20 = null;
            long deadline = System.currentTimeMillis() + a.l("timeout-s", 170) * 1000;
            while (c < total) {
                app.check();
                if (System.currentTimeMillis() > deadline) { app.kill9(); throw new IllegalStateException("timeout at " + c + "/" + total); }
                c = committed(ad, group, topic);
                ss.add(new Sample(System.currentTimeMillis(), c, app.cpu(), brokerCpu(), machineCpu()));
                if (th20 == null && c >= total / 5) { th20 = threads(app.p.pid()); n20 = c; }
                Thread.sleep(40);
            }
            double hot = 0;
            for (var e : threads(app.p.pid()).entrySet()) hot = Math.max(hot, e.getValue() - th20.getOrDefault(e.getKey(), 0.0));
            long hwm = app.hwmMb();
            Sample z = ss.get(ss.size() - 1);
            Long first = app.marks.get("FIRST");
            Sample s0 = null, s20 = null;
            for (Sample s : ss) {
                if (s0 == null && (first != null ? s.t >= first : s.n > 0)) s0 = s;
                if (s20 == null && s.n >= total / 5) s20 = s;
            }
            long t0 = first != null ? first : s0.t;
            app.term();
            double wall = (z.t - t0) / 1e3, cpu = z.cpu - s0.cpu;
            double swall = (z.t - s20.t) / 1e3;
            long sn = z.n - s20.n;
            System.out.printf(Locale.ROOT, "{\"m\":\"M1\",\"impl\":\"%s\",\"n\":%d,\"threads\":\"%s\",\"startup_ms\":%d,\"wall_s\":%.2f,\"rps\":%.0f,\"cpu_s\":%.2f,\"cpu_us_per_rec\":%.1f,"
                    + "\"steady_rps\":%.0f,\"steady_cpu_us_per_rec\":%.1f,\"cpu_total_s\":%.2f,\"max_rss_mb\":%d,\"broker_cpu_s\":%.2f,\"hot_thread_us_per_rec\":%.1f,\"other_cpu_s\":%.2f,\"note\":\"%s\"}%n",
                a.s("impl", "kafka-streams"), total, a.s("threads", "1"), t0 - app.started, wall, total / wall, cpu, cpu * 1e6 / total,
                sn / swall, (z.cpu - s20.cpu) * 1e6 / sn, z.cpu, hwm, z.broker - s0.broker, hot * 1e6 / (z.n - n20),
                z.machine - s0.machine - cpu - (z.broker - s0.broker), a.s("note", ""));
        }
    }

    // ---------- paced producer ----------
    /** Sends events seeded off the wall clock at a fixed rate; updated_at is the scheduled send time. */
    static final class Pacer extends Thread {
        final Gen g;
        final double rate;
        final long count, base;
        final AtomicLong sent = new AtomicLong();
        volatile boolean stop;
        Pacer(double rate, long count) {
            this.rate = rate;
            this.count = count;
            base = System.currentTimeMillis() % 1_000_000_000L * 1000;
            g = new Gen(a.l("seed", 42) ^ base, a.i("users", 200_000), false);
            setDaemon(true);
        }
        @Override public void run() {
            AvroSerde<UserEvent> ser = new AvroSerde<>(UserEvent.getClassSchema(), Names.EVENT_ID);
            try (Producer<String, byte[]> p = producer(Map.of("linger.ms", 1))) {
                p.partitionsFor(pre + Names.EVENTS);
                long t0 = System.nanoTime(), w0 = System.currentTimeMillis();
                for (long i = 0; i < count && !stop; i++) {
                    long due = (long) (i * 1e9 / rate);
                    for (long d; (d = due - (System.nanoTime() - t0)) > 0; ) java.util.concurrent.locks.LockSupport.parkNanos(d);
                    UserEvent e = g.event(base + i);
                    e.updated_at = w0 + due / 1_000_000;
                    p.send(new ProducerRecord<>(pre + Names.EVENTS, null, e.updated_at, e.user_id, ser.serialize(null, e)));
                    sent.incrementAndGet();
                }
                p.flush();
            }
        }
    }

    // ---------- outcome watcher ----------
    /** read_committed consumer on card-outcomes from the end; at receive time records (now, at, partition, offset). */
    static final class Watch extends Thread {
        final KafkaConsumer<byte[], byte[]> c = consumer();
        final ConcurrentLinkedQueue<long[]> q = new ConcurrentLinkedQueue<>();
        final AtomicLong n = new AtomicLong();
        volatile boolean stop;
        Watch() throws Exception {
            try (Admin ad = admin()) {
                List<TopicPartition> l = parts(ad, out + Names.OUTCOMES);
                c.assign(l);
                c.seekToEnd(l);
                for (TopicPartition tp : l) c.position(tp);
            }
            setDaemon(true);
            start();
        }
        @Override public void run() {
            AvroSerde<CardOutcome> de = new AvroSerde<>(CardOutcome.getClassSchema(), Names.OUTCOME_ID);
            while (!stop) {
                var rs = c.poll(Duration.ofMillis(100));
                long now = System.currentTimeMillis();
                for (var r : rs) {
                    CardOutcome o = de.deserialize(null, r.value());
                    q.add(new long[] {now, o.at, r.partition(), r.offset()});
                }
                n.addAndGet(rs.count());
            }
            c.close();
        }
        /** When the first record at or past these log ends was seen; 0 if none was: what a predecessor wrote lies before. */
        long firstPast(Map<Integer, Long> ends) {
            for (long[] x : q) if (x[3] >= ends.get((int) x[2])) return x[0];
            return 0;
        }
    }

    // ---------- M2 ----------
    static void m2() throws Exception {
        double rate = a.l("rate", 1000);
        int warm = a.i("warm-s", 15), secs = a.i("secs", 30);
        String group = a.req("group"), topic = pre + Names.EVENTS;
        try (Admin ad = admin()) {
            AppProc app = new AppProc();
            long dl = System.currentTimeMillis() + 120_000;
            while (committed(ad, group, topic) < end(ad, topic) || !app.marks.containsKey("RUNNING") && a.s("impl", "kafka-streams").equals("kafka-streams")) {
                app.check();
                if (System.currentTimeMillis() > dl) throw new IllegalStateException("not caught up");
                Thread.sleep(200);
            }
            Watch w = new Watch();
            long count = (long) (rate * (warm + secs));
            Pacer p = new Pacer(rate, count);
            p.start();
            Thread.sleep(warm * 1000L);
            long from = System.currentTimeMillis();
            double c0 = app.cpu(), b0 = brokerCpu(), m0 = machineCpu();
            Thread.sleep(secs * 1000L - 200);
            double c1 = app.cpu(), b1 = brokerCpu(), m1 = machineCpu();
            long to = System.currentTimeMillis();
            p.join();
            Thread.sleep(2000);
            long[] lat = w.q.stream().filter(x -> x[1] >= from && x[1] < to).mapToLong(x -> x[0] - x[1]).sorted().toArray();
            long hwm = app.hwmMb();
            app.term();
            double el = (to - from) / 1e3;
            System.out.printf(Locale.ROOT, "{\"m\":\"M2\",\"impl\":\"%s\",\"rate\":%.0f,\"threads\":\"%s\",\"n\":%d,\"sent\":%d,\"seen\":%d,\"p50_ms\":%d,\"p90_ms\":%d,\"p99_ms\":%d,\"p999_ms\":%d,\"max_ms\":%d,\"cpu_pct\":%.1f,\"cpu_us_per_rec\":%.1f,\"broker_cpu_pct\":%.1f,\"max_rss_mb\":%d,\"other_cpu_pct\":%.1f,\"note\":\"%s\"}%n",
                a.s("impl", "kafka-streams"), rate, a.s("threads", "1"), lat.length, p.sent.get(), w.n.get(), q(lat, .5), q(lat, .9), q(lat, .99), q(lat, .999), lat[lat.length - 1],
                (c1 - c0) / el * 100, (c1 - c0) * 1e6 / (rate * el), (b1 - b0) / el * 100, hwm,
                (m1 - m0 - (c1 - c0) - (b1 - b0)) / el * 100, a.s("note", ""));
            w.stop = true;
            w.join();
        }
    }

    static long q(long[] l, double p) { return l[(int) Math.min(l.length - 1, Math.floor(p * l.length))]; }

    // ---------- M3 ----------
    static void m3() throws Exception {
        String group = a.req("group"), topic = pre + Names.EVENTS, mode = a.req("mode");
        long dl = System.currentTimeMillis() + a.l("timeout-s", 170) * 1000;
        try (Admin ad = admin()) {
            Watch w = new Watch();
            double probe = a.l("rate", 500);
            long killAt = 0;
            if (mode.startsWith("kill")) {
                AppProc a1 = new AppProc();
                while (committed(ad, group, topic) < end(ad, topic)) { a1.check(); Thread.sleep(100); if (System.currentTimeMillis() > dl) { a1.kill9(); throw new IllegalStateException("pre-kill timeout"); } }
                // kill: light paced traffic for ~3 s; killload: --load events as fast as possible, killed when 90 % are committed
                boolean heavy = mode.equals("killload");
                long load = a.l("load", 400_000), base = end(ad, topic);
                Pacer p = heavy ? new Pacer(200_000, load) : new Pacer(probe, (long) (probe * 8));
                p.start();
                long n0 = w.n.get();
                while (heavy ? committed(ad, group, topic) < base + load * 9 / 10 : w.n.get() < n0 + probe * 3) { a1.check(); Thread.sleep(10); if (System.currentTimeMillis() > dl) { a1.kill9(); throw new IllegalStateException("pre-kill timeout"); } }
                a1.kill9();
                killAt = System.currentTimeMillis();
                if (a.s("wipe", null) != null) new ProcessBuilder("rm", "-rf", a.s("wipe", null)).inheritIO().start().waitFor();
                p.stop = true;
                p.join();
            } else {
                Pacer p = new Pacer(100_000, (long) probe);
                p.start();
                p.join();
            }
            Thread.sleep(mode.startsWith("kill") ? 0 : 300);
            long total = end(ad, topic), c0 = committed(ad, group, topic);
            Map<Integer, Long> ends = ends(ad, out + Names.OUTCOMES);
            w.q.clear();
            double b0 = brokerCpu(), m0 = machineCpu();
            AppProc app = new AppProc();
            long tFirst = 0, tAll = 0, tCommit = 0;
            double cpuAll = 0, b1 = 0, m1 = 0;
            while (tAll == 0) {
                app.check();
                Thread.sleep(5);
                long now = System.currentTimeMillis();
                if (now > dl) { app.kill9(); throw new IllegalStateException("restart timeout"); }
                if (tFirst == 0) tFirst = w.firstPast(ends);
                if (now / 20 % 2 == 0) continue;
                long c = committed(ad, group, topic);
                if (tCommit == 0 && c > c0) tCommit = System.currentTimeMillis();
                if (c >= total) { tAll = System.currentTimeMillis(); cpuAll = app.cpu(); b1 = brokerCpu(); m1 = machineCpu(); }
            }
            Thread.sleep(300);
            if (tFirst == 0) tFirst = w.firstPast(ends);
            long hwm = app.hwmMb();
            Long run = app.marks.get("RUNNING"), first = app.marks.get("FIRST");
            app.term();
            System.out.printf(Locale.ROOT, "{\"m\":\"M3\",\"impl\":\"%s\",\"mode\":\"%s\",\"variant\":\"%s\",\"users\":%d,\"pending\":%d,\"to_first_record_ms\":%d,\"to_running_ms\":%d,\"to_first_output_ms\":%d,\"to_first_commit_ms\":%d,\"to_all_ms\":%d,\"outage_from_kill_ms\":%d,\"restored_records\":%d,\"restored_bytes\":%d,\"restore_ms\":%d,\"cpu_s\":%.2f,\"broker_cpu_s\":%.2f,\"max_rss_mb\":%d,\"stop_ms\":%d,\"other_cpu_s\":%.2f,\"note\":\"%s\"}%n",
                a.s("impl", "kafka-streams"), mode, a.s("variant", "default"), a.i("users", 200_000), total - c0, first == null ? -1 : first - app.started, run == null ? -1 : run - app.started,
                tFirst - app.started, tCommit - app.started, tAll - app.started, killAt == 0 ? -1 : tFirst - killAt, app.restoredRecords(), app.restoredBytes(), app.restoreMs(), cpuAll, b1 - b0, hwm,
                System.currentTimeMillis() - tAll - 300, m1 - m0 - cpuAll - (b1 - b0), a.s("note", ""));
            w.stop = true;
            w.join();
        }
    }

    // ---------- output comparison ----------
    interface Each { void on(ConsumerRecord<byte[], byte[]> r) throws Exception; }

    static void readAll(String topic, Each f) throws Exception {
        try (Admin ad = admin(); KafkaConsumer<byte[], byte[]> c = consumer()) {
            List<TopicPartition> l = parts(ad, topic);
            c.assign(l);
            c.seekToBeginning(l);
            Map<TopicPartition, Long> ends = c.endOffsets(l);
            while (true) {
                for (var r : c.poll(Duration.ofMillis(500))) f.on(r);
                boolean done = true;
                for (TopicPartition tp : l) done &= c.position(tp) >= ends.get(tp);
                if (done) return;
            }
        }
    }

    static long h(byte[] b, long s) { for (byte x : b) s = (s ^ (x & 255)) * 0x100000001b3L; return s; }

    /** Order-independent digest: sum over records of mix(fnv1a64(key 0x00 value)); plus outcome counts per status. */
    static void counts() throws Exception {
        Map<String, Long> st = new TreeMap<>();
        StringBuilder b = new StringBuilder("{\"m\":\"counts\"");
        AvroSerde<CardOutcome> de = new AvroSerde<>(CardOutcome.getClassSchema(), Names.OUTCOME_ID);
        for (String t : List.of(Names.COMMANDS, Names.OUTCOMES, Names.SUPPRESSIONS)) {
            long[] n = {0, 0};
            readAll(out + t, r -> {
                n[0]++;
                n[1] += Gen.mix(h(r.value(), h(new byte[1], h(r.key(), 0xcbf29ce484222325L))));
                if (t.equals(Names.OUTCOMES)) st.merge(de.deserialize(null, r.value()).status, 1L, Long::sum);
            });
            b.append(String.format(",\"%s\":{\"n\":%d,\"digest\":\"%016x\"}", t, n[0], n[1]));
        }
        b.append(",\"outcomes\":{").append(st.entrySet().stream().map(e -> "\"" + e.getKey() + "\":" + e.getValue()).collect(Collectors.joining(","))).append("}}");
        System.out.println(b);
    }

    /** One JSON line per record of an output topic, unsorted, for a record-by-record diff after sort. */
    static void dump() throws Exception {
        String t = a.req("topic");
        AvroSerde<?> de = switch (t) {
            case Names.COMMANDS -> new AvroSerde<ProvisioningCommand>(ProvisioningCommand.getClassSchema(), Names.COMMAND_ID);
            case Names.OUTCOMES -> new AvroSerde<CardOutcome>(CardOutcome.getClassSchema(), Names.OUTCOME_ID);
            default -> new AvroSerde<CardSuppression>(CardSuppression.getClassSchema(), Names.SUPPRESSION_ID);
        };
        try (PrintStream o = new PrintStream(new BufferedOutputStream(System.out, 1 << 16))) {
            readAll(out + t, r -> o.println(de.deserialize(null, r.value())));
        }
    }

    /** Deletes topics whose name starts with --starts (used for the internal topics of throw-away application ids). */
    static void drop() throws Exception {
        String w = a.req("starts");
        try (Admin ad = admin()) {
            List<String> l = ad.listTopics().names().get().stream().filter(n -> n.startsWith(w)).collect(Collectors.toList());
            if (!l.isEmpty()) ad.deleteTopics(l).all().get();
        }
    }

    // ---------- M4 ----------
    static void sizes() throws Exception {
        try (Admin ad = admin()) {
            int id = ad.describeCluster().nodes().get().iterator().next().id();
            Map<String, Long> m = new TreeMap<>();
            for (var d : ad.describeLogDirs(List.of(id)).allDescriptions().get().get(id).values())
                for (var e : d.replicaInfos().entrySet()) m.merge(e.getKey().topic(), e.getValue().size(), Long::sum);
            String like = a.s("like", "");
            System.out.println("{\"m\":\"sizes\"," + m.entrySet().stream().filter(e -> e.getKey().contains(like)).map(e -> "\"" + e.getKey() + "\":" + e.getValue()).collect(Collectors.joining(",")) + "}");
        }
    }
}
