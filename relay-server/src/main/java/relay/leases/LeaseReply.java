package relay.leases;

import relay.model.RelayError;

/** The answer to a call about leases. */
public sealed interface LeaseReply {

  /** It was done. */
  @SuppressWarnings("ArrayRecordComponent") // nobody compares answers
  record Done(byte[] json) implements LeaseReply {}

  /** It was not done. */
  record Refused(RelayError error) implements LeaseReply {}

  /** Nobody waits for the answer. */
  record Cancelled() implements LeaseReply {}
}
