package relay.logging;

import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.logging.Formatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.SimpleFormatter;
import java.util.stream.IntStream;
import relay.model.JsonString;

/**
 * Keeps the last records of the log for an operator: the requests, the failed requests, and the
 * events of this replica, which are all other records. Takes no lock: carriers log, too.
 */
public final class RecentRecords extends Handler {
  /** Records kept of each kind. With the longest texts they take 2 MB. */
  private static final int KEPT = 200;

  private static final int FIRST_REFUSAL = 400;
  private static final Formatter MESSAGES = new SimpleFormatter();

  private static final RecentRecords ALL = new RecentRecords();

  private final AtomicLong last = new AtomicLong();
  private final Ring events = new Ring();
  private final Ring requests = new Ring();
  private final Ring failed = new Ring();

  private static final class Ring {
    private final AtomicReferenceArray<Kept> kept = new AtomicReferenceArray<>(KEPT);
    private final AtomicLong next = new AtomicLong();

    void add(Kept one) {
      kept.set((int) (next.getAndIncrement() % KEPT), one);
    }

    String json(String name) {
      List<Kept> all = new ArrayList<>();
      IntStream.range(0, KEPT).mapToObj(kept::get).filter(Objects::nonNull).forEach(all::add);
      all.sort(Comparator.comparingLong(Kept::number));
      StringBuilder json = new StringBuilder("{\"").append(name).append("\":[");
      for (Kept one : all) {
        one.append(json.append(json.charAt(json.length() - 1) == '[' ? "" : ","));
      }
      return json.append("]}\n").toString();
    }
  }

  /** A request becomes text only when a page shows it. */
  private sealed interface Kept {
    /** It orders records, also those of one millisecond. */
    long number();

    Instant at();

    default void append(StringBuilder json) {
      json.append("{\"number\":").append(number()).append(",\"ts\":\"");
      json.append(JsonFormatter.TIME.format(at())).append('"');
      appendRest(json);
      json.append('}');
    }

    void appendRest(StringBuilder json);

    record Request(long number, Instant at, RequestLine line) implements Kept {
      @Override
      public void appendRest(StringBuilder json) {
        line.appendJson(json);
      }
    }

    record Event(long number, Instant at, Level level, String logger, String message)
        implements Kept {
      @Override
      public void appendRest(StringBuilder json) {
        json.append(",\"level\":\"").append(Levels.name(level)).append("\",\"logger\":");
        JsonString.quote(json, logger).append(",\"msg\":");
        JsonString.quote(json, message);
      }
    }
  }

  RecentRecords() {
    setFilter(new LibraryLines(System::nanoTime));
  }

  /** Those of this process, which {@link Logging} fills. */
  static RecentRecords ofProcess() {
    return ALL;
  }

  /** {@code {"events": [...]}}, the last one last. */
  public static String events() {
    return ALL.eventList();
  }

  /**
   * {@code {"requests": [...]}}, the last one last: of those that the log has.
   *
   * @param failedOnly those with a status of 400 and more, or whose answer broke off
   */
  public static String requests(boolean failedOnly) {
    return ALL.requestList(failedOnly);
  }

  String eventList() {
    return events.json("events");
  }

  String requestList(boolean failedOnly) {
    return (failedOnly ? failed : requests).json("requests");
  }

  @Override
  public void publish(LogRecord record) {
    if (!isLoggable(record)) {
      return;
    }
    long number = last.incrementAndGet();
    RequestLine line = RequestLine.of(record);
    if (line == null) {
      events.add(
          new Kept.Event(
              number,
              record.getInstant(),
              record.getLevel(),
              String.valueOf(record.getLoggerName()),
              Bounded.message(record, MESSAGES)));
      return;
    }
    Kept request = new Kept.Request(number, record.getInstant(), line.bounded());
    requests.add(request);
    if (line.status() >= FIRST_REFUSAL || !line.broken().isEmpty()) {
      failed.add(request);
    }
  }

  @Override
  public void flush() {}

  @Override
  public void close() {}
}
