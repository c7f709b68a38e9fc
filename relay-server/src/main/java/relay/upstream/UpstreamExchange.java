package relay.upstream;

import java.io.IOException;
import okhttp3.Call;
import okhttp3.Response;

/** One request on the wire, and its answer. */
interface UpstreamExchange {

  /** Sends the request and waits for the answer's head. Blocks. */
  Response execute() throws IOException;

  /** Closes the connection, or the stream, from any thread. */
  void cancel();

  boolean isCanceled();

  /** By OkHttp. */
  static UpstreamExchange of(Call call) {
    return new UpstreamExchange() {
      @Override
      public Response execute() throws IOException {
        return call.execute();
      }

      @Override
      public void cancel() {
        call.cancel();
      }

      @Override
      public boolean isCanceled() {
        return call.isCanceled();
      }
    };
  }
}
