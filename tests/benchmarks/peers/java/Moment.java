import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Map;

/** An instant, and what this process had spent by then. Nanoseconds. */
record Moment(long at, long spent) {
  private static final OperatingSystemMXBean PROCESS =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  static Moment now() {
    return new Moment(System.nanoTime(), PROCESS.getProcessCpuTime());
  }

  Map<String, Long> since(Moment began) {
    return Map.of("nanoseconds", at - began.at, "spent", spent - began.spent);
  }
}
