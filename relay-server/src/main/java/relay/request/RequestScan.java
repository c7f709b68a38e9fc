package relay.request;

/** The outcome of scanning a request body. */
public sealed interface RequestScan permits RequestFacts, BadRequest {}
