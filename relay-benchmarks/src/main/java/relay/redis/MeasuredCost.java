package relay.redis;

import java.util.ArrayList;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.stream.DoubleStream;

/**
 * The cost of a workload's scripts: the tenth percentile of many bursts, because other load on the
 * machine only makes bursts slower.
 *
 * @param acquireMicros time inside the script per call of acquire
 * @param bothMicros the same for calls that end as many leases as they grant
 * @param settleMicros the same for settle
 * @param reportMicros the same for one lease's report of progress
 * @param referenceMicros time of the reference script, measured between the bursts
 * @param cpuMicrosPerPair total time of Redis's main thread for one request's acquire and settle in
 *     one call
 */
record MeasuredCost(
    double acquireMicros,
    double bothMicros,
    double settleMicros,
    double reportMicros,
    double referenceMicros,
    double cpuMicrosPerPair) {

  static MeasuredCost of(ScriptRig rig, int bursts) {
    List<Double> acquires = new ArrayList<>();
    List<Double> both = new ArrayList<>();
    List<Double> settles = new ArrayList<>();
    List<Double> reports = new ArrayList<>();
    List<Double> references = new ArrayList<>();
    for (int n = 0; n < bursts; n++) {
      references.add(rig.reference());
      ScriptRig.Bursts cost = rig.measure();
      acquires.add(cost.acquire().microsPerCall());
      both.add(cost.both().microsPerCall());
      settles.add(cost.settle().microsPerCall());
      reports.add(cost.reportMicros());
    }
    return new MeasuredCost(
        low(acquires),
        low(both),
        low(settles),
        low(reports),
        low(references),
        rig.cpuMicrosPerPair(bursts));
  }

  /** Measures {@code times} times, in microseconds. Returns the tenth percentile. */
  static double low(int times, DoubleSupplier micros) {
    return low(DoubleStream.generate(micros).limit(times).boxed().toList());
  }

  private static double low(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 10);
  }
}
