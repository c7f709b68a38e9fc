package relay.endtoend;

/**
 * The cost of a request or an event.
 *
 * @param relayMicros processor time of all replicas
 * @param redisMicros processor time of Redis
 * @param otherMicros processor time of the stand-in and the driver
 * @param functionCalls calls of scripts
 * @param commands Redis commands, including those inside scripts
 * @param strangers share of the machine that other processes used meanwhile
 */
record Cost(
    double relayMicros,
    double redisMicros,
    double otherMicros,
    double functionCalls,
    double commands,
    double strangers) {}
