package relay.pipeline;

import java.io.IOException;
import org.jspecify.annotations.Nullable;
import relay.admission.Admitted;
import relay.admission.OutputReports;
import relay.admission.ReportedUsage;
import relay.model.Endpoint;
import relay.model.HeaderLines;
import relay.model.RelayError;
import relay.model.TokenUsage;
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
  private final ParsedRequest parsed;
  private final Admitted admitted;
  private final @Nullable StateIds states; // that the answer names
  private final @Nullable BackgroundAnswer background;
  private @Nullable OutputReports reports;

  AnswerRelay(RequestContext request, ParsedRequest parsed, Admitted admitted) {
    this.request = request;
    this.parsed = parsed;
    this.admitted = admitted;
    states = parsed.makesStates() ? new StateIds() : null;
    background = BackgroundAnswer.of(request, parsed, admitted);
  }

  void relay(UpstreamAnswer answer) {
    HeaderLines headers =
        AnswerHeaders.of(
                answer,
                request.record().id(),
                admitted.plan().route().name(),
                admitted.lease().key())
            .add(ClientAnswer.ATTEMPTS, Integer.toString(admitted.number()));
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
        how.report(admitted);
        request.answer().refuse(how.error(parsed.dialect()));
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
    if (events && answer.status() < 400 && parsed.counted()) {
      reports = admitted.streams(request.cancellation()::overBudget);
    }
    UsageChunkFilter filter =
        events && plain && parsed.asksForUsage() ? new UsageChunkFilter() : null;
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
      if (events && parsed.counted() && usage.readable()) {
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
      boolean errorEvent = events && parsed.counted() && scanner.errorSeen();
      if (errorEvent) {
        AnswerBreak.ERROR_EVENT.cut(request, admitted);
      }
      if (whole) {
        outbox.end();
      } else {
        AnswerBreak how = AnswerBreak.of(request, answer);
        if (!errorEvent) {
          how.cut(request, admitted);
        }
        boolean tells = events && plain && !parsed.unread() && !errorEvent;
        breakOff(outbox, tells, how.error(parsed.dialect()), scanner);
      }
    } catch (ClientGoneException e) {
      request.answer().cancelled(); // the usage is settled already
      return;
    }
    request.answer().done(answer.status(), whole ? "upstream" : "relay");
  }

  private UsageScanner scanner(boolean events) {
    UsageScanner scanner =
        events ? UsageScanner.ofStream(parsed.dialect()) : UsageScanner.ofJson(parsed.dialect());
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
        if (!gathers || !outbox.hasRoom(answer.arrived())) {
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
    return parsed.endpoint() == Endpoint.RESPONSES
        ? ErrorEvents.ofResponses(type, message)
        : ErrorEvents.of(parsed.dialect(), type, message);
  }

  private static boolean isPlain(@Nullable String encoding) {
    return encoding == null || encoding.isBlank() || encoding.strip().equalsIgnoreCase("identity");
  }

  private Usage usage(UpstreamAnswer answer, UsageScanner scanner) {
    boolean reads =
        parsed.counted()
            || (background != null && background.isOfKnown())
            || (states != null && NamedIds.isJson(answer.header("content-type")));
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
    if (answer.status() < 300 && (states != null || !parsed.states().isEmpty())) {
      admitted.pin(states).join();
    }
    if (background != null) {
      background.told().join();
    }
  }

  /**
   * @param cut whether the answer has begun and will not be complete
   */
  private void settle(UpstreamAnswer answer, UsageScanner scanner, boolean cut) {
    if (!parsed.counted()) {
      return;
    }
    if (answer.status() >= 400) {
      admitted.settleError();
      return;
    }
    if (background != null && background.keeps(scanner, answer.isEventStream())) {
      return;
    }
    TokenUsage usage = scanner.reported() ? scanner.usage() : null;
    admitted.settle(new ReportedUsage(usage, scanner.finished(), cut));
    RequestTrace trace = request.trace();
    if (trace != null && usage != null) {
      trace.reported(scanner.model(), usage);
    }
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
