package relay.endtoend;

/**
 * What the processes have used up to a moment.
 *
 * @param atNanos the moment
 * @param relayMicros processor time of all replicas
 * @param redisMicros likewise of Redis
 * @param otherMicros likewise of the stand-in and the driver
 * @param machineMicros likewise of the whole machine; 0 where it is not known
 * @param functionCalls calls of scripts
 * @param commands commands of Redis, those inside of scripts included
 */
record Reading(
    long atNanos,
    double relayMicros,
    double redisMicros,
    double otherMicros,
    double machineMicros,
    long functionCalls,
    long commands) {

  /** What was used since an earlier moment, for each of so many requests or events. */
  Cost since(Reading before, long count) {
    double strangers =
        (machineMicros - before.machineMicros)
            - (relayMicros - before.relayMicros)
            - (redisMicros - before.redisMicros)
            - (otherMicros - before.otherMicros);
    double all = (atNanos - before.atNanos) / 1e3 * Runtime.getRuntime().availableProcessors();
    return new Cost(
        (relayMicros - before.relayMicros) / count,
        (redisMicros - before.redisMicros) / count,
        (otherMicros - before.otherMicros) / count,
        (double) (functionCalls - before.functionCalls) / count,
        (double) (commands - before.commands) / count,
        machineMicros == 0 ? 0 : Math.max(0, strangers / all));
  }
}
