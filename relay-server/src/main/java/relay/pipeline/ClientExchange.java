package relay.pipeline;

import java.io.IOException;
import java.util.List;
import org.jspecify.annotations.Nullable;
import relay.body.Payload;
import relay.body.Upload;
import relay.model.Dialect;
import relay.model.HeaderLines;
import relay.upstream.UpstreamAnswer.DirectSink;

/**
 * A client's request, and its one answer. No method may be called after {@link #answer}, {@link
 * #end} or {@link #abort}.
 */
public interface ClientExchange {

  /** The request's method. */
  String method();

  /** The dialect in which the client wants its answer. */
  Dialect dialect();

  /** Path and query, undecoded. */
  String target();

  /** The first value of a header; null if there is none. */
  @Nullable String header(String name);

  /** All values of a header, in their order. */
  List<String> headers(String name);

  /** Visits every header line. */
  void forEachHeader(HeaderLines.Visitor visitor);

  /**
   * The client has shown a credential: its connection is not closed to make room for others.
   *
   * @param client its name; null if it is the only one
   */
  void authenticated(@Nullable String client);

  /** Reads the body, once. Blocks for a bounded time: use a virtual thread. */
  Body readBody(int maxBytes);

  /**
   * Reads the body as {@link #readBody}, but does not read a body to its end that is larger: it is
   * {@link Body.Passing}.
   *
   * @param heldBytes that are read at least, to have the whole of a small body
   * @param maxBytes of the whole
   */
  Body readOrPass(int heldBytes, int maxBytes);

  /** Runs a callback, on any thread, if the client disconnects before its answer. */
  void onGone(Runnable callback);

  /** Runs the rest of the request, which may block, on another thread. Does not wait for it. */
  void continueOnNewThread(Runnable rest);

  /** Sends a whole answer. From any thread; does not block. */
  void answer(int status, HeaderLines headers, byte[] body);

  /**
   * Begins an answer that follows in parts.
   *
   * @param length bytes of the body; -1 if unknown. The answer to a HEAD has no body
   */
  void begin(int status, HeaderLines headers, long length);

  /** How much the provider may send ahead of a {@link #write} that blocks, beyond the usual. */
  void readAhead(int bytes);

  /** Writes the next part. Blocks until the client's socket took it: use a virtual thread. */
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

  /** Closes the connection, so that the client does not take the answer for a complete one. */
  void abort();

  /** The result of reading a body. */
  sealed interface Body {

    /** The whole body. */
    record Whole(Payload payload) implements Body {}

    /** A larger body, which the provider reads as it arrives. */
    record Passing(Upload upload) implements Body {}

    /** It exceeds the allowed size. */
    record TooLarge() implements Body {}

    /** The replica has no memory for it now. */
    record NoRoom() implements Body {}

    /** Its chunks are malformed; the rest cannot be read. */
    record Malformed() implements Body {}

    /** The client sent it too slowly. */
    record TooSlow() implements Body {}

    /** The client disconnected or broke the protocol: no answer is possible. */
    record Broken() implements Body {}
  }
}
