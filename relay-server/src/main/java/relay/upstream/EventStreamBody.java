package relay.upstream;

import java.io.IOException;
import okhttp3.MediaType;
import okhttp3.Response;
import okhttp3.ResponseBody;
import okio.Buffer;
import okio.ForwardingSource;
import okio.Okio;
import okio.Source;
import relay.bedrock.EventStreamDecoder;

/** Converts a Bedrock event stream body to SSE while it arrives. */
final class EventStreamBody extends ForwardingSource {
  private static final MediaType SSE = MediaType.get("text/event-stream");
  private static final int PART = 8 * 1024;

  private final EventStreamDecoder decoder = new EventStreamDecoder();
  private final Buffer frames = new Buffer();

  private EventStreamBody(Source frames) {
    super(frames);
  }

  static Response asEvents(Response response) {
    ResponseBody body =
        ResponseBody.create(
            Okio.buffer(new EventStreamBody(response.body().source())),
            SSE,
            /* contentLength= */ -1);
    return response
        .newBuilder()
        .header("content-type", SSE.toString())
        .removeHeader("content-length")
        .body(body)
        .build();
  }

  @Override
  public long read(Buffer sink, long byteCount) throws IOException {
    byte[] event = decoder.next();
    while (event == null) {
      if (super.read(frames, PART) < 0) {
        decoder.end();
        return -1;
      }
      byte[] part = frames.readByteArray();
      decoder.feed(part, 0, part.length);
      event = decoder.next();
    }
    sink.write(event);
    return event.length; // one event per read: deliver complete events before reporting a fault
  }
}
