package relay.endtoend;

/**
 * What a request or an event costs.
 *
 * @param relayMicros processor time of all replicas
 * @param redisMicros likewise of Redis
 * @param otherMicros likewise of the stand-in and the driver
 * @param functionCalls calls of scripts
 * @param commands commands of Redis, those inside of scripts included
 * @param strangers share of the machine that other processes took meanwhile
 */
record Cost(
    double relayMicros,
    double redisMicros,
    double otherMicros,
    double functionCalls,
    double commands,
    double strangers) {}
