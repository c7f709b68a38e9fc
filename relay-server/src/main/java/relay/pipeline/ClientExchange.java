package relay.pipeline;

import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.body.Payload;
import relay.model.Dialect;
import relay.model.HeaderLines;
import relay.upstream.UpstreamAnswer.DirectSink;

/**
 * A client's request and the way to answer it, once. Answering hands the exchange over: nothing may
 * be called after {@link #answer}, {@link #end} or {@link #abort}.
 */
public interface ClientExchange {

  /** The request's method. */
  String method();

  /** The dialect in which the client wants its answer. */
  Dialect dialect();

  /** Path and query as they came. */
  String target();

  /** The first value of a header; null if there is none. */
  @Nullable String header(String name);

  /** All values of a header, in their order. */
  List<String> headers(String name);

  /** Shows every header line in turn. */
  void forEachHeader(HeaderLines.Visitor visitor);

  /** Reads the body, once. Blocks, though not for ever: use a virtual thread. */
  Body readBody(int maxBytes);

  /** Calls back, from any thread, when the client has left before it was answered. */
  void onGone(Runnable callback);

  /** Runs the rest of the request, which may block, on another thread. Does not wait for it. */
  void continueOnNewThread(Runnable rest);

  /** Answers as a whole. From any thread; does not block. */
  void answer(int status, HeaderLines headers, byte[] body);

  /**
   * Begins an answer that follows in parts.
   *
   * @param length bytes of the body, of which the answer to a HEAD has none; -1 if not known
   */
  void begin(int status, HeaderLines headers, long length);

  /** Writes the next part and waits until the client took it. Blocks: use a virtual thread. */
  void write(byte[] bytes, int offset, int length) throws IOException;

  /**
   * Takes answer bytes directly from the provider's connection, while no thread is in {@link
   * #write}. After it took bytes, {@link #flush} must precede the next wait and {@link #end}.
   */
  DirectSink directSink();

  /** Writes bytes that the {@link #directSink} has kept, if there are any. Blocks. */
  void flush() throws IOException;

  /**
   * Writes the last part, which may be empty, and ends the answer. From any thread; does not block.
   * The bytes must not be changed afterwards.
   */
  void end(byte[] bytes, int offset, int length);

  /** Breaks the connection, so that what came cannot be taken for a whole answer. */
  void abort();

  /** What came of reading a body. */
  sealed interface Body {

    /** It is here. */
    record Whole(Payload payload) implements Body {}

    /** It is longer than allowed. */
    record TooLarge() implements Body {}

    /** Its chunks are not framed as HTTP has it; the rest cannot be read. */
    record Malformed() implements Body {}

    /** It came too slowly. */
    record TooSlow() implements Body {}

    /** The client left or broke the protocol: there is nobody to answer. */
    record Broken() implements Body {}
  }
}
