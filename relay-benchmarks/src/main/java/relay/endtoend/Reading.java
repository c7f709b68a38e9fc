package relay.endtoend;

/**
 * The resources used up to one point in time.
 *
 * @param atNanos the time of the reading
 * @param relayMicros processor time of all replicas
 * @param redisMicros processor time of Redis
 * @param otherMicros processor time of the stand-in and the driver
 * @param machineMicros processor time of the whole machine; 0 if unknown
 * @param functionCalls calls of scripts
 * @param commands Redis commands, including those inside scripts
 */
record Reading(
    long atNanos,
    double relayMicros,
    double redisMicros,
    double otherMicros,
    double machineMicros,
    long functionCalls,
    long commands) {

  /** The cost since an earlier reading, per request or event. */
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
