package relay.pipeline;

import java.io.IOException;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import relay.model.Endpoint;
import relay.model.HeaderLines;
import relay.model.RelayError;
import relay.model.TokenUsage;
import relay.redis.Lease;
import relay.stream.DecodingTap;
import relay.stream.ErrorEvents;
import relay.stream.StateIds;
import relay.stream.UsageChunkFilter;
import relay.stream.UsageScanner;
import relay.trace.RequestTrace;
import relay.upstream.UpstreamAnswer;

/** Relays a provider's answer as it arrives, reads its usage, and settles the lease. */
final class AnswerRelay {
  /** A body of known length up to this is relayed as a whole. */
  private static final int WHOLE_BYTES = 64 * 1024;

  private final RequestContext request;
  private final RequestResources resources;
  private final RequestPlan plan;
  private final Lease lease;
  private final @Nullable StateIds states; // that the answer names
  private final @Nullable BackgroundAnswer background;
  private @Nullable OutputReports reports;

  /**
   * @param resources own the lease
   */
  AnswerRelay(RequestContext request, RequestResources resources, RequestPlan plan, Lease lease) {
    this.request = request;
    this.resources = resources;
    this.plan = plan;
    this.lease = lease;
    states = plan.parsed().makesStates() ? new StateIds() : null;
    background = BackgroundAnswer.of(request, plan, lease);
  }

  void relay(UpstreamAnswer answer, int attempt) {
    HeaderLines headers =
        headers(request, plan, answer, lease).add(ClientAnswer.ATTEMPTS, Integer.toString(attempt));
    if (answer.status() >= 400) {
      headers.add("x-relay-error-origin", "upstream");
    }
    boolean events = answer.isEventStream();
    long length = answer.contentLength();
    if (request.client().method().equals("HEAD")) {
      request.client().begin(answer.status(), request.answer().withLimits(headers), length);
      request.client().end(new byte[0], 0, 0);
      request.answer().done(answer.status(), "upstream");
    } else if (!events && length >= 0 && length <= WHOLE_BYTES) {
      whole(answer, headers, (int) length);
    } else {
      inParts(answer, headers, events);
    }
  }

  private void whole(UpstreamAnswer answer, HeaderLines headers, int length) {
    long began = System.nanoTime();
    byte[] body = answer.readAtMost(length);
    request.record().addUpstreamNanos(System.nanoTime() - began);
    if (body.length < length) {
      if (request.cancellation().isCancelled()) {
        request.answer().cancelled();
      } else {
        AnswerBreak how = AnswerBreak.of(request, answer);
        how.report(request, plan);
        request.answer().refuse(how.error(plan.dialect()));
      }
      return; // the usage is unknown: the lease is charged what it reserved
    }
    UsageScanner scanner = scanner(false);
    try (Usage usage = usage(answer, scanner)) {
      usage.feed(body, 0, body.length);
    }
    scanner.end();
    settle(answer, scanner, false);
    pin(answer, scanner);
    request.answer().passOn(answer.status(), headers, body);
  }

  private void inParts(UpstreamAnswer answer, HeaderLines headers, boolean events) {
    UsageScanner scanner = scanner(events);
    String encoding = answer.header("content-encoding");
    boolean plain = isPlain(encoding);
    if (events && answer.status() < 400) {
      beginReports();
    }
    UsageChunkFilter filter =
        events && plain && plan.asksForUsage() ? new UsageChunkFilter() : null;
    // An event may be added or removed, so a stream has no content-length.
    request
        .client()
        .begin(
            answer.status(),
            request.answer().withLimits(headers),
            events ? -1 : answer.contentLength());
    Outbox outbox = new Outbox(request, filter);
    boolean whole;
    try (Usage usage = usage(answer, scanner)) {
      whole = copy(answer, usage, outbox);
      scanner.end();
      // A stream is complete if and only if its last event arrived, whatever the framing says.
      if (events && plan.counted() && usage.readable()) {
        whole = scanner.finished() || (whole && scanner.errorSeen());
      }
    } catch (ClientGoneException e) {
      settle(answer, scanner, true);
      if (background != null && background.hasKept()) {
        pin(answer, scanner);
      }
      request.answer().cancelled();
      return;
    }
    settle(answer, scanner, !whole);
    pin(answer, scanner);
    try {
      // Only the error event of a stream is a failure: a 400's JSON says "error", too.
      boolean errorEvent = events && plan.counted() && scanner.errorSeen();
      if (errorEvent) {
        AnswerBreak.ERROR_EVENT.cut(request, plan);
      }
      if (whole) {
        outbox.end();
      } else {
        AnswerBreak how = AnswerBreak.of(request, answer);
        if (!errorEvent) {
          how.cut(request, plan);
        }
        boolean tells = events && plain && !plan.unread() && !errorEvent;
        breakOff(outbox, tells, how.error(plan.dialect()), scanner);
      }
    } catch (ClientGoneException e) {
      request.answer().cancelled(); // the usage is settled already
      return;
    }
    request.answer().done(answer.status(), whole ? "upstream" : "relay");
  }

  /** A stream's output is told by its bytes; where it counts as it is made, the limits hear it. */
  private void beginReports() {
    if (plan.counted()) {
      reports =
          new OutputReports(
              plan.route().pool().estimates(),
              plan.counting(),
              plan.upstreamModel(),
              plan.parsed().maxOutputTokens());
      if (plan.counting().countsAsMade()) {
        lease.reports(reports);
      }
      request
          .answer()
          .streams(lease, plan.counting(), reports::made, request.cancellation()::overBudget);
    }
  }

  private UsageScanner scanner(boolean events) {
    UsageScanner scanner =
        events ? UsageScanner.ofStream(plan.dialect()) : UsageScanner.ofJson(plan.dialect());
    if (request.trace() != null) {
      scanner.seekModel();
    }
    if (background != null) {
      scanner.seekResponse();
    }
    return scanner;
  }

  /** False when the provider broke off the answer. */
  private boolean copy(UpstreamAnswer answer, Usage usage, Outbox outbox)
      throws ClientGoneException {
    boolean gathers = answer.beforeWaiting(outbox::flushBeforeWaiting);
    request.client().readAhead(answer.readAhead());
    answer.sendDirectly(request.client().directSink(), new UsageTap(outbox, usage));
    long began = System.nanoTime();
    try {
      while (true) {
        outbox.makeRoom();
        int n = answer.read(outbox.buffer(), outbox.filled(), outbox.room());
        outbox.throwIfGone();
        if (n < 0) {
          return true;
        }
        usage.feed(outbox.buffer(), outbox.filled(), n);
        outbox.add(n);
        if (!gathers || !outbox.hasRoom()) {
          outbox.flush();
        }
      }
    } catch (IOException e) {
      outbox.throwIfGone();
      return false;
    } finally {
      request.record().addUpstreamNanos(System.nanoTime() - began);
    }
  }

  /** Ends an answer whose status line is sent: an error event, then a broken connection. */
  private void breakOff(Outbox outbox, boolean tells, RelayError error, UsageScanner scanner)
      throws ClientGoneException {
    outbox.flush();
    if (tells) {
      byte[] event = errorEvent(error.type(), error.message());
      if (!scanner.atEventBoundary()) {
        outbox.write(new byte[] {'\n', '\n'});
      }
      outbox.write(event);
    }
    request.client().abort();
  }

  private byte[] errorEvent(String type, String message) {
    return plan.parsed().endpoint() == Endpoint.RESPONSES
        ? ErrorEvents.ofResponses(type, message)
        : ErrorEvents.of(plan.dialect(), type, message);
  }

  private static boolean isPlain(@Nullable String encoding) {
    return encoding == null || encoding.isBlank() || encoding.strip().equalsIgnoreCase("identity");
  }

  private Usage usage(UpstreamAnswer answer, UsageScanner scanner) {
    boolean reads =
        plan.counted()
            || (background != null && background.isOfKnown())
            || (states != null && NamedStates.isJson(answer.header("content-type")));
    return reads ? usageIn(answer.header("content-encoding"), scanner) : Usage.UNREAD;
  }

  private Usage usageIn(@Nullable String encoding, UsageScanner scanner) {
    if (isPlain(encoding)) {
      return new Usage(scanner, null, reports, states);
    }
    OutputReports made = reports;
    DecodingTap.Reader both =
        (bytes, offset, length) -> {
          scanner.feed(bytes, offset, length);
          if (made != null) {
            made.saw(scanner.madeBytes());
          }
          if (states != null) {
            states.feed(bytes, offset, length);
          }
        };
    return new Usage(null, DecodingTap.of(encoding, both), null, null);
  }

  /** Before the client sees the end of the answer, and names what it made at another replica. */
  private void pin(UpstreamAnswer answer, UsageScanner scanner) {
    if (background != null) {
      background.saw(scanner, answer.status());
    }
    if (answer.status() < 300 && (states != null || !plan.parsed().states().isEmpty())) {
      String client = request.record().clientName();
      NamedStates.pin(plan.route(), client, lease, plan.parsed().states(), states).join();
    }
    if (background != null) {
      background.told().join();
    }
  }

  /**
   * @param cut whether the answer has begun and will not be complete
   */
  private void settle(UpstreamAnswer answer, UsageScanner scanner, boolean cut) {
    if (!plan.counted()) {
      return;
    }
    if (answer.status() >= 400) {
      lease.settle(0, 0);
      return;
    }
    if (background != null && background.keeps(scanner, answer.isEventStream(), resources)) {
      return;
    }
    long made = reports == null ? 0 : reports.made();
    Charge charge = Charge.seen(plan, scanner, lease, made);
    lease.settle(charge.inputTokens(), charge.outputTokens());
    request.answer().answered(lease, scanner, made);
    request.answer().endQuota(); // before the client sees the end and sends more
    if (scanner.reported()) {
      TokenUsage usage = scanner.usage();
      request.record().tokens(usage);
      RequestTrace trace = request.trace();
      if (trace != null) {
        trace.reported(scanner.model(), usage);
      }
      request.meters().tokens(plan.route().name(), lease.key(), plan.facts().model(), usage);
      request.meters().clients().used(plan.served(request.record().clientName()), usage);
      if (scanner.finished()) {
        if (reports != null) {
          reports.ended(usage.outputTokens());
        }
        learn(plan.counting().inputAtStart(usage), usage.outputTokens());
      }
    }
    if (cut && !scanner.finished()) { // what was reported so far is only the beginning
      request.record().charged(charge.inputTokens(), charge.outputTokens());
    }
  }

  /**
   * Learns from the input that counted at the start, but from the produced output: a charge may be
   * the client's bound.
   */
  private void learn(long inputTokens, long outputTokens) {
    plan.route()
        .pool()
        .estimates()
        .learn(plan.upstreamModel(), plan.facts().inputBytes(), inputTokens, outputTokens);
    request.meters().estimateError("input", lease.inputTokens(), inputTokens);
    request.meters().estimateError("output", lease.outputTokens(), outputTokens);
  }

  /** The provider's header lines that pass, and Relay's own except the number of attempts. */
  static HeaderLines headers(
      RequestContext request, RequestPlan plan, UpstreamAnswer answer, Lease lease) {
    HeaderLines lines = new HeaderLines();
    Set<String> connectionNames = HeaderPolicy.connectionNames(answer.headers("connection"));
    answer.forEachHeader(
        (name, value) -> {
          if (HeaderPolicy.passesDownstream(name.toLowerCase(Locale.ROOT), connectionNames)) {
            lines.add(name, value);
          }
        });
    return lines
        .add("x-relay-request-id", request.record().id())
        .add("x-relay-provider", plan.route().name())
        .add("x-relay-key", lease.key());
  }

  /** Reads the usage of data that bypasses the outbox. */
  private record UsageTap(Outbox outbox, Usage usage) implements UpstreamAnswer.DirectTap {
    @Override
    public boolean mayBypass(byte[] bytes, int offset, int length) {
      return outbox.mayBypass(bytes, offset, length);
    }

    @Override
    public void sent(byte[] bytes, int offset, int length) {
      usage.feed(bytes, offset, length);
    }
  }

  /** Feeds an answer's bytes to the usage scanner, decoded if necessary. */
  private record Usage(
      @Nullable UsageScanner plain,
      @Nullable DecodingTap decoding,
      @Nullable OutputReports reports,
      @Nullable StateIds states)
      implements AutoCloseable {

    static final Usage UNREAD = new Usage(null, null, null, null);

    boolean readable() {
      return plain != null || (decoding != null && !decoding.stopped());
    }

    void feed(byte[] bytes, int offset, int length) {
      if (plain != null) {
        plain.feed(bytes, offset, length);
        if (reports != null) {
          reports.saw(plain.madeBytes());
        }
        if (states != null) {
          states.feed(bytes, offset, length);
        }
      } else if (decoding != null) {
        decoding.feed(bytes, offset, length);
      }
    }

    @Override
    public void close() {
      if (decoding != null) {
        decoding.close();
      }
    }
  }
}
