package relay.upstream;

import java.io.IOException;
import java.net.ProtocolException;
import okhttp3.Call;
import okhttp3.Response;

/** One attempt, which another thread may end. */
public final class UpstreamCall {
  private final Call call;
  private final AttemptTrace trace;
  private final IdleWatch idleWatch;

  UpstreamCall(Call call, AttemptTrace trace, IdleWatch idleWatch) {
    this.call = call;
    this.trace = trace;
    this.idleWatch = idleWatch;
  }

  /** What came of sending the request. */
  public sealed interface Outcome {

    /** The provider's status and headers are here; the body follows. */
    record Answered(UpstreamAnswer answer) implements Outcome {}

    /** The provider sent no byte for the idle timeout. */
    record Silent() implements Outcome {}

    /**
     * The connection could not be made or broke.
     *
     * @param sent whether the provider may have seen a part of the request
     */
    record Broken(boolean sent, IOException cause) implements Outcome {}
  }

  /** Sends the request and waits for the head of the answer. Blocks: use a virtual thread. */
  public Outcome execute() {
    IdleWatch.Watched watched = idleWatch.watch(call);
    try {
      Response response = call.execute();
      String wrong = AnswerHead.wrong(response);
      if (wrong != null) {
        call.cancel(); // what follows on the connection must not be taken for the next answer
        response.close();
        throw new ProtocolException("the provider's answer has " + wrong);
      }
      return new Outcome.Answered(new UpstreamAnswer(response, watched));
    } catch (IOException e) {
      watched.close();
      return watched.wasSilent() && trace.sent()
          ? new Outcome.Silent()
          : new Outcome.Broken(trace.sent(), e);
    }
  }

  /** Ends the attempt: whoever waits in it gets an exception at once. From any thread. */
  public void cancel() {
    call.cancel();
  }

  /** Whether {@link #cancel} was called. */
  public boolean isCanceled() {
    return call.isCanceled();
  }
}
