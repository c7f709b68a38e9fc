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

/** One attempt. Any thread may cancel it. */
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

  /** The outcome of sending the request. */
  public sealed interface Outcome {

    /** The provider sent status and headers; the body follows. */
    record Answered(UpstreamAnswer answer) implements Outcome {}

    /** The provider sent no byte for the idle timeout. */
    record Silent() implements Outcome {}

    /**
     * The connection failed or broke.
     *
     * @param sent whether the provider may have received any part of the request
     */
    record Broken(boolean sent, IOException cause) implements Outcome {}
  }

  /** Sends the request and waits for the response head. Blocks: call it on a virtual thread. */
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
        answer.close(); // the token may be revoked, or expired by the provider's clock
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
        next.cancel(); // close the connection, so that later bytes are not read as the next answer
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

  /** A key without a token is handled like a key that the provider rejects. */
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

  /** Cancels the attempt from any thread. A blocked read fails at once. */
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
