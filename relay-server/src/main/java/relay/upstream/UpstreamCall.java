package relay.upstream;

import java.io.IOException;
import java.net.ProtocolException;
import okhttp3.Call;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.ResponseBody;
import org.jspecify.annotations.Nullable;
import relay.carrier.Payload;
import relay.token.TokenRefusedException;

/** One attempt, which another thread may end. */
public final class UpstreamCall {
  private static final int UNAUTHORIZED = 401;

  private final ConnectionSlots lanes;
  private final IdleWatch idleWatch;
  private final UpstreamRequest request;
  private final ProviderProtocol wire;
  private final KeyCredential credential;
  private final Payload body;
  private @Nullable Call call;
  private boolean canceled;

  UpstreamCall(
      ConnectionSlots lanes,
      IdleWatch idleWatch,
      UpstreamRequest request,
      ProviderProtocol wire,
      KeyCredential credential,
      Payload body) {
    this.lanes = lanes;
    this.idleWatch = idleWatch;
    this.request = request;
    this.wire = wire;
    this.credential = credential;
    this.body = body;
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
    Request.Builder adjusted = request.with(body);
    wire.adjust(adjusted);
    Request plain = adjusted.build();
    try {
      Request.Builder proven = plain.newBuilder();
      KeyCredential.Shown shown = credential.show(proven, body);
      Outcome outcome = send(proven.build());
      if (outcome instanceof Outcome.Answered(UpstreamAnswer answer)
          && answer.status() == UNAUTHORIZED
          && !isCanceled()
          && shown.renew()) {
        answer.close(); // a token may be revoked, or end early by the provider's clock
        Request.Builder again = plain.newBuilder();
        credential.show(again, body);
        outcome = send(again.build());
      }
      return outcome;
    } catch (TokenRefusedException e) {
      return refused(plain);
    } catch (IOException e) {
      return new Outcome.Broken(request.trace().sent(), e);
    }
  }

  private Outcome send(Request proven) {
    ConnectionSlots.ConnectionSlot lane = lanes.take();
    Call next = lane.client().newCall(proven);
    begin(next);
    IdleWatch.Watched watched = idleWatch.watch(next);
    try {
      Response response = next.execute();
      lane.spoke(response.protocol());
      String wrong = AnswerHead.wrong(response);
      if (wrong != null) {
        next.cancel(); // what follows on the connection must not be taken for the next answer
        response.close();
        throw new ProtocolException("the provider's answer has " + wrong);
      }
      Response dialects = wire.inDialect(response);
      ChunkReader chunks =
          dialects == response ? ChunkReader.of(response, request.trace().connection()) : null;
      return new Outcome.Answered(new UpstreamAnswer(dialects, watched, lane, chunks));
    } catch (IOException e) {
      watched.close();
      lane.close();
      boolean sent = request.trace().sent();
      return watched.wasSilent() && sent ? new Outcome.Silent() : new Outcome.Broken(sent, e);
    }
  }

  /** A key that gets no token is as good as one that the provider does not know. */
  private Outcome refused(Request plain) {
    Response response =
        new Response.Builder()
            .request(plain)
            .protocol(Protocol.HTTP_1_1)
            .code(UNAUTHORIZED)
            .message("")
            .body(ResponseBody.create("", null))
            .build();
    ConnectionSlots.ConnectionSlot lane = lanes.take();
    IdleWatch.Watched watched = idleWatch.watch(lane.client().newCall(plain));
    return new Outcome.Answered(new UpstreamAnswer(response, watched, lane, null));
  }

  private synchronized void begin(Call next) {
    call = next;
    if (canceled) {
      next.cancel();
    }
  }

  /** Ends the attempt: whoever waits in it gets an exception at once. From any thread. */
  public synchronized void cancel() {
    canceled = true;
    if (call != null) {
      call.cancel();
    }
  }

  /** Whether {@link #cancel} was called. */
  public synchronized boolean isCanceled() {
    return canceled;
  }
}
