package relay.estimate;

/** The size of a request that is known by its text. */
record TextSize(long inputBytes, long maxOutputTokens) implements Estimator.Size {}
