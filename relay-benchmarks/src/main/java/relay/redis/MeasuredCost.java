package relay.redis;

import java.util.ArrayList;
import java.util.List;

/**
 * What a workload's scripts cost: the tenth percentile of many bursts, for what else a machine does
 * only ever makes a burst slower.
 *
 * @param acquireMicros of a call of acquire, inside of the script
 * @param settleMicros likewise of settle
 * @param referenceMicros of the reference script, measured between the bursts
 * @param cpuMicrosPerPair of Redis's main thread for one request's acquire and settle, all in
 */
record MeasuredCost(
    double acquireMicros, double settleMicros, double referenceMicros, double cpuMicrosPerPair) {

  static MeasuredCost of(ScriptRig rig, int bursts) {
    List<Double> acquires = new ArrayList<>();
    List<Double> settles = new ArrayList<>();
    List<Double> references = new ArrayList<>();
    for (int n = 0; n < bursts; n++) {
      references.add(rig.reference());
      ScriptRig.Pair pair = rig.measure();
      acquires.add(pair.acquire().microsPerCall());
      settles.add(pair.settle().microsPerCall());
    }
    return new MeasuredCost(
        low(acquires), low(settles), low(references), rig.cpuMicrosPerPair(bursts));
  }

  private static double low(List<Double> values) {
    return values.stream().sorted().toList().get(values.size() / 10);
  }
}
