package relay.redis.model;

/**
 * An output of unknown length.
 *
 * @param tokens its mean
 * @param spread its standard deviation
 */
public record ExpectedOutput(long tokens, long spread) {}
