package relay.upstream;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ProtocolException;
import java.net.Proxy;
import java.net.SocketTimeoutException;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import okhttp3.ResponseBody;
import org.jspecify.annotations.Nullable;
import relay.body.Payload;
import relay.carrier.HandshakeRefusedException;
import relay.carrier.NoSocketException;
import relay.token.TokenRefusedException;

/** One attempt. Any thread may cancel it. */
public final class UpstreamCall {
  private static final int UNAUTHORIZED = 401;

  /** How often a request may be sent again that the provider has refused unseen. */
  private static final int MOST_REFUSALS = 8;

  private final ConnectionSlots slots;
  private final IdleWatch idleWatch;
  private final UpstreamRequest request;
  private final ProviderProtocol protocol;
  private final KeyCredential credential;
  private final Payload body;
  private @Nullable UpstreamExchange exchange;
  private @Nullable CompletableFuture<?> awaited;
  private boolean canceled;

  UpstreamCall(
      ConnectionSlots slots,
      IdleWatch idleWatch,
      UpstreamRequest request,
      ProviderProtocol protocol,
      KeyCredential credential,
      Payload body) {
    this.slots = slots;
    this.idleWatch = idleWatch;
    this.request = request;
    this.protocol = protocol;
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
    record Broken(boolean sent, FailureCause why, IOException cause) implements Outcome {}
  }

  /** Why an attempt got no answer. */
  public enum FailureCause {
    /** The lookup of the host name failed or took longer than the connect timeout. */
    NAME("its host name does not resolve"),
    /** Nothing listens on its port. */
    REFUSED("it refuses connections"),
    /** The network is unreachable. */
    ROUTE("no network route leads to it"),
    /** The connection or its TLS handshake took too long. */
    TIMEOUT("no connection in time"),
    /** The TLS handshake failed. */
    TLS("the TLS handshake failed"),
    /** No trusted authority has signed the certificate. */
    CERTIFICATE("its TLS certificate is not trusted"),
    /** The certificate is no longer valid, or not yet. */
    EXPIRED("its TLS certificate has expired or is not valid yet"),
    /** The certificate is for another host. */
    IDENTITY("its TLS certificate is for another host"),
    /** The proxy cannot be reached, or does not connect to the provider. */
    PROXY("its proxy gives no connection"),
    /** The provider refuses HTTP/2 streams. */
    STREAMS("it refuses HTTP/2 streams"),
    /** The token endpoint of the credential cannot be reached. */
    TOKEN("no access token: its token endpoint cannot be reached"),
    /**
     * This process has no file descriptor, port, thread or memory left. Not the provider's fault.
     */
    LOCAL("this replica has no free file descriptor, port, thread or memory"),
    /** The answer is not valid HTTP. */
    PROTOCOL("its answer is not valid HTTP"),
    /** The connection was closed or reset. */
    CONNECTION("the connection broke"),
    /** The provider sent nothing for the idle timeout. */
    SILENCE("it sent nothing for server.idle_timeout_ms");

    private final String text;

    FailureCause(String text) {
      this.text = text;
    }

    /** For clients and operators: holds no address and no secret. */
    public String text() {
      return text;
    }

    /** A fault of the provider's certificate: it is the same for every key and connection. */
    public boolean isOfCertificate() {
      return this == CERTIFICATE || this == EXPIRED || this == IDENTITY;
    }

    /** The value of a metric's label. */
    public String label() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Sends the request and waits for the response head. Blocks: call it on a virtual thread. */
  public Outcome execute() {
    try {
      Request.Builder proven = plain();
      KeyCredential.Shown shown = credential.show(proven, body);
      Outcome outcome = send(proven.build());
      if (outcome instanceof Outcome.Answered(UpstreamAnswer answer)
          && answer.status() == UNAUTHORIZED
          && !isCanceled()
          && renew(shown, answer, body.isSpent())) {
        Request.Builder again = plain();
        credential.show(again, body);
        outcome = send(again.build());
      }
      return outcome;
    } catch (TokenRefusedException e) {
      return refused(plain().build());
    } catch (IOException e) { // of show(): send() handles its own
      FailureCause why = FailureCauses.of(e);
      return new Outcome.Broken(
          request.trace().sent(), why == FailureCause.LOCAL ? why : FailureCause.TOKEN, e);
    }
  }

  /** The request without a credential. */
  private Request.Builder plain() {
    Request.Builder adjusted = request.with(body);
    protocol.adjust(adjusted);
    return adjusted;
  }

  /**
   * Closes the answer if a newer token may be accepted: the old one may be revoked or expired.
   *
   * @param forLaterOnly whether this request cannot be sent again
   */
  private static boolean renew(
      KeyCredential.Shown shown, UpstreamAnswer answer, boolean forLaterOnly) {
    boolean keep = false;
    try {
      keep = !shown.renew() || forLaterOnly;
      return !keep;
    } finally {
      if (!keep) {
        answer.close();
      }
    }
  }

  /** A refused stream was not seen by the provider: the request is sent again at once. */
  private Outcome send(Request proven) {
    Outcome outcome = sendOnce(proven);
    for (int n = 1; n < MOST_REFUSALS && maySendAgain(outcome); n++) {
      outcome = sendOnce(proven);
    }
    return outcome;
  }

  private boolean maySendAgain(Outcome outcome) {
    return isRefusedUnseen(outcome) && !isCanceled() && !body.isSpent();
  }

  private static boolean isRefusedUnseen(Outcome outcome) {
    return outcome instanceof Outcome.Broken(_, FailureCause why, IOException cause)
        && (why == FailureCause.STREAMS || cause instanceof HandshakeRefusedException);
  }

  private Outcome sendOnce(Request proven) {
    ConnectionSlots.ConnectionSlot slot;
    try {
      slot = slots.take(this::await);
    } catch (SharedConnections.NotMadeException e) {
      return e.outcome();
    } catch (IOException e) {
      return broken(e, false, false);
    }
    IdleWatch.Watched watched = null;
    UpstreamExchange next = null;
    Response response = null;
    Outcome answered = null;
    try {
      next = slot.exchange(proven, request.trace());
      begin(next);
      watched = idleWatch.watch(next::cancel);
      request.trace().watchedBy(watched);
      response = answered(next);
      slot.spoke(response, request.trace().connection());
      String wrong = AnswerHead.wrong(response);
      if (wrong != null) {
        throw new ProtocolException("the provider's answer has " + wrong);
      }
      if (AnswerHead.onlyDescribesBody(response)) {
        response = withoutBody(next, response);
      }
      Response dialects = protocol.inDialect(response);
      ChunkReader chunks =
          dialects == response ? ChunkReader.of(response, request.trace().connection()) : null;
      answered = new Outcome.Answered(new UpstreamAnswer(dialects, watched, slot, chunks));
      return answered;
    } catch (IOException e) {
      boolean proxied = next != null && !Proxy.NO_PROXY.equals(slot.client().proxy());
      IOException told = slot.learn(e, proven.url().host());
      Outcome outcome = broken(told, proxied, watched != null && watched.wasSilent());
      if (outcome instanceof Outcome.Broken failed
          && next != null
          && !next.isCanceled()
          && !isRefusedUnseen(failed)) {
        slot.failed(failed);
      }
      return outcome;
    } catch (OutOfMemoryError e) { // also if no thread can be started
      return new Outcome.Broken(
          request.trace().sent(), FailureCause.LOCAL, new NoSocketException(e));
    } finally {
      if (answered == null) {
        abandon(next, response, watched, slot);
      }
    }
  }

  /** Ends the connection, as another reader may believe that the body follows. */
  private static Response withoutBody(UpstreamExchange exchange, Response response) {
    exchange.cancel();
    response.close();
    return response.newBuilder().body(ResponseBody.create("", null)).build();
  }

  /** OkHttp throws an unchecked exception for a negative status. */
  private static Response answered(UpstreamExchange next) throws IOException {
    try {
      return next.execute();
    } catch (IllegalStateException | IllegalArgumentException e) {
      next.cancel(); // OkHttp does not close the connection then
      throw (IOException)
          new ProtocolException("the provider's answer has an invalid head").initCause(e);
    }
  }

  private Outcome broken(IOException e, boolean proxied, boolean silent) {
    AttemptTrace trace = request.trace();
    if (silent && trace.sent()) {
      return new Outcome.Silent();
    }
    FailureCause why = silent ? FailureCause.TIMEOUT : FailureCauses.of(e);
    if (why == FailureCause.STREAMS) {
      trace.refused();
    } else if (proxied && !trace.sent() && !trace.reached() && why != FailureCause.LOCAL) {
      why = FailureCause.PROXY;
    }
    return new Outcome.Broken(trace.sent(), why, e);
  }

  /** Releases all resources of an attempt without an answer. */
  private static void abandon(
      @Nullable UpstreamExchange exchange,
      @Nullable Response response,
      IdleWatch.@Nullable Watched watched,
      ConnectionSlots.ConnectionSlot slot) {
    try (slot;
        watched) {
      if (exchange != null && response != null) {
        exchange.cancel(); // close the connection, so that the rest is not read as the next answer
        response.close();
      }
    } catch (IllegalArgumentException e) {
      return; // OkHttp cannot skip the rest of a body with a negative length
    }
  }

  /** A key without a token is handled like a key that the provider rejects. */
  private Outcome refused(Request plain) {
    ConnectionSlots.ConnectionSlot slot = slots.takeAlone();
    IdleWatch.Watched watched = null;
    Outcome answered = null;
    try {
      Response response =
          new Response.Builder()
              .request(plain)
              .protocol(Protocol.HTTP_1_1)
              .code(UNAUTHORIZED)
              .message("")
              .body(ResponseBody.create("", null))
              .build();
      watched = idleWatch.watch(() -> {});
      answered = new Outcome.Answered(new UpstreamAnswer(response, watched, slot, null));
      return answered;
    } finally {
      if (answered == null) {
        abandon(null, null, watched, slot);
      }
    }
  }

  /** Waits for what another call makes, until it is made or this call is cancelled. */
  private void await(CompletableFuture<?> made, long mostNanos) throws IOException {
    CompletableFuture<?> mine = made.copy();
    synchronized (this) {
      awaited = mine;
      if (canceled) {
        mine.cancel(false);
      }
    }
    try {
      mine.get(mostNanos, TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      mine.cancel(false);
      throw new SocketTimeoutException(
          "no connection in time: another request is still connecting");
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IOException known ? known : new IOException(e.getCause());
    } catch (CancellationException e) {
      throw new IOException("Canceled", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException();
    } finally {
      synchronized (this) {
        awaited = null;
      }
    }
  }

  private synchronized void begin(UpstreamExchange next) {
    exchange = next;
    if (canceled) {
      next.cancel();
    }
  }

  /** Cancels the attempt from any thread. A blocked read fails at once. */
  public synchronized void cancel() {
    canceled = true;
    if (awaited != null) {
      awaited.cancel(false);
    }
    if (exchange != null) {
      exchange.cancel();
    }
  }

  /** Whether {@link #cancel} was called. */
  public synchronized boolean isCanceled() {
    return canceled;
  }
}
