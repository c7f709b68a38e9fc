package relay.request;

/** What came of reading a request's body. */
public sealed interface RequestScan permits RequestFacts, BadRequest {}
