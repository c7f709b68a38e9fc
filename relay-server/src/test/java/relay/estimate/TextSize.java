package relay.estimate;

/** Of a request that is known by its text. */
record TextSize(long inputBytes, long maxOutputTokens) implements Estimator.Size {}
