package relay.upstream;

import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.model.HeaderLines;

/** A provider's response, to any caller, from which the limits learn. */
public interface ProviderReply {

  /** The HTTP status. */
  int status();

  /** The last value of a header; null if absent. */
  @Nullable String header(String name);

  /** All values of a header, in order. */
  List<String> headers(String name);

  /** Passes each header line to the visitor. */
  void forEachHeader(HeaderLines.Visitor visitor);

  /** The body up to a maximum length; what has come of it if it broke off. May block. */
  byte[] readAtMost(int bytes);

  /** As {@link #readAtMost}, but the same bytes can be read later. */
  byte[] peekAtMost(int bytes);
}
