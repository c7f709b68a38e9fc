package relay.e2e;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import relay.e2e.FaultTable.Cell;
import relay.e2e.RawProvider.Connection;
import relay.embedded.LoopbackPorts;
import relay.guards.Await;
import relay.model.Dialect;

/** A cell's pool and providers: its own, so that a broken connection does not affect others. */
final class FaultyPool implements AutoCloseable {
  private static final int KEYS = 3;
  private static final Duration SOME_LOOKS = Duration.ofSeconds(6);
  private static final Duration MOST_LOOKS = Duration.ofSeconds(60);

  /** A look costs two connections: many at a time would take the processor from the requests. */
  private static final long LOOK_EVERY_NANOS = 200_000_000;

  /** A window longer than a test may take: no charge leaves it before it is seen. */
  private static final String POOLING = "pooling: { affinity: none, window_ms: 3600000 }";

  private final Cell cell;
  private final ProviderFault fault;
  private final AnswerForm form;
  private final String name;
  private final String url;
  private final List<RawProvider> providers = new ArrayList<>();
  private final CountDownLatch faultReached = new CountDownLatch(1);
  private final AtomicInteger asked = new AtomicInteger();
  private final CountDownLatch earlierReached = new CountDownLatch(1);
  private final CountDownLatch answered = new CountDownLatch(1);

  FaultyPool(Cell cell) throws IOException {
    this.cell = cell;
    fault = cell.row().fault();
    form = cell.row().form();
    name =
        "%s-%s-%s-%s-%s"
            .formatted(
                cell.wire(),
                fault,
                form.dialect(),
                form.stream() ? "sse" : "json",
                cell.row().always() ? "always" : "once")
            .toLowerCase(Locale.ROOT)
            .replace('_', '-');
    RawProvider first = fault.provider(cell.wire(), (request, connection) -> answer(connection));
    providers.add(first);
    if (hasSecond()) {
      providers.add(new RawProvider(cell.wire(), (request, connection) -> form.fine(connection)));
    }
    url =
        switch (fault) {
          case REFUSE -> cell.wire().url(LoopbackPorts.free());
          case HANDSHAKE_STALLS -> cell.wire().url(withoutTls().port());
          default -> first.url();
        };
  }

  /** It waits for the end of a line. */
  private RawProvider withoutTls() throws IOException {
    RawProvider silent = new RawProvider((request, connection) -> {});
    providers.add(silent);
    return silent;
  }

  private void answer(Connection connection) throws Exception {
    int number = asked.getAndIncrement();
    if (fault.hasEarlier() && number == 0) {
      fault.answerEarlier(form, connection);
      earlierReached.countDown();
      if (fault.earlierGoesOn() && answered.await(1, TimeUnit.MINUTES)) {
        form.end(connection);
      }
    } else if (cell.row().always() || number == (fault.hasEarlier() ? 1 : 0)) {
      fault.answer(form, connection);
      faultReached.countDown();
      if (fault.isStall()) {
        connection.awaitClosed();
      }
    } else {
      form.fine(connection);
    }
  }

  Cell cell() {
    return cell;
  }

  /** Whether a second provider answers what the first does not get. */
  private boolean hasSecond() {
    return fault.isOfConnection() && !cell.row().always();
  }

  void addTo(Setup setup) {
    Dialect dialect = form.dialect();
    setup.provider(name, dialect, cell.wire(), url, List.of(POOLING), keys(name));
    if (hasSecond()) {
      List<String> settings = List.of(POOLING, "models: [" + name + "]");
      setup.provider(second(), dialect, providers.get(1), settings, keys(second()));
    }
  }

  private String second() {
    return name + "-2";
  }

  private static List<String> keys(String pool) {
    return IntStream.range(0, KEYS).mapToObj(n -> Setup.key(pool + "-k" + n)).toList();
  }

  /** Waits until the provider has said all it says before a stall. */
  void awaitFault() throws InterruptedException {
    if (!faultReached.await(1, TimeUnit.MINUTES)) {
      System.out.println(cell + ": no request arrived");
    }
  }

  /** Sends the request, and tells what the client gets. */
  String ask(int port) throws Exception {
    Ask ask = form.stream() ? Ask.stream(form.dialect(), name) : Ask.of(form.dialect(), name);
    CompletableFuture<Integer> earlier = CompletableFuture.completedFuture(200);
    if (fault.hasEarlier()) {
      earlier = new CompletableFuture<>();
      CompletableFuture<Integer> status = earlier;
      Thread.ofVirtual().start(() -> askEarlier(port, ask, status));
      if (!earlierReached.await(1, TimeUnit.MINUTES)) {
        throw new AssertionError("no earlier request at " + name);
      }
      if (!fault.earlierGoesOn()) {
        earlier.join();
      }
    }
    Answer answer = RawClient.ask(port, ask);
    answered.countDown();
    if (earlier.join() != 200) {
      throw new AssertionError("the earlier request of " + name + " got " + earlier.join());
    }
    String attempts = answer.header("x-relay-attempts");
    return "%s. %s %s;"
        .formatted(gets(answer), attempts, "1".equals(attempts) ? "attempt" : "attempts");
  }

  private static void askEarlier(int port, Ask ask, CompletableFuture<Integer> status) {
    try {
      Answer answer = RawClient.ask(port, ask);
      status.complete(answer.whole() ? answer.status() : -1);
    } catch (IOException | RuntimeException e) {
      status.completeExceptionally(e);
    }
  }

  private String gets(Answer answer) throws IOException {
    StringBuilder says = new StringBuilder().append(answer.status());
    String origin = answer.header("x-relay-error-origin");
    if (origin != null) {
      says.append(' ').append(answer.json().at("/error/type").asText()).append(", ");
      says.append(origin.equals("relay") ? "Relay's" : "the provider's");
      String retry = answer.header("retry-after");
      if (retry != null) {
        int most = AnswerForm.RETRY_SECONDS;
        int seconds = Integer.parseInt(retry);
        boolean rest = seconds > most / 2 && seconds <= most;
        says.append(", retry-after ").append(rest ? "≤ " + most : retry);
      }
    }
    for (String event : answer.text().split("\n\n", -1)) {
      int data = event.indexOf("data: {");
      if (form.stream() && data >= 0 && event.contains("\"error\"")) {
        JsonNode error = new ObjectMapper().readTree(event.substring(data + 6)).get("error");
        says.append(" + event ").append(error.get("type").asText());
        says.append(
            error.get("message").asText().equals("as the provider says")
                ? ", the provider's"
                : ", Relay's");
      }
    }
    return says.append(answer.whole() ? "" : ", aborted").toString();
  }

  /**
   * Looks until the charge and the keys' states are the documented ones, or for a while.
   *
   * @param said what the client got
   */
  String observed(Replicas replicas, String said, String documented) throws Exception {
    Duration most = documented.isEmpty() ? SOME_LOOKS : MOST_LOOKS;
    String[] seen = {""};
    try {
      Await.until(
          "the documented cell",
          most,
          () -> {
            seen[0] = said + after(replicas);
            boolean reads = seen[0].equals(documented);
            if (!reads) {
              Await.moment(System.nanoTime() + LOOK_EVERY_NANOS);
            }
            return reads;
          });
    } catch (AssertionError e) {
      if (!documented.isEmpty()) {
        System.out.println(cell + "\ndocumented: " + documented + "\n      seen: " + seen[0]);
      }
    }
    return seen[0];
  }

  /** The charge and the keys' states, over all its providers. */
  private String after(Replicas replicas) throws IOException {
    int earlier = fault.hasEarlier() ? 1 : 0;
    long requests = -earlier;
    long input = -earlier * (long) AnswerForm.INPUT;
    long output = -earlier * (long) AnswerForm.OUTPUT;
    Map<String, Integer> states = new TreeMap<>();
    long failures = 0;
    for (String pool : hasSecond() ? List.of(name, second()) : List.of(name)) {
      PoolPicture picture = PoolPicture.of(replicas, pool);
      requests += picture.used().get(0);
      input += picture.used().get(1);
      output += picture.used().get(2);
      picture.keys().forEach((state, count) -> states.merge(state, count, Integer::sum));
      failures += picture.failures();
    }
    List<String> keys = new ArrayList<>();
    states.forEach((state, count) -> keys.add(count + " " + state));
    return " charged %d, %s, %s; %s; breaker %d"
        .formatted(
            requests,
            tokens(input, AnswerForm.INPUT),
            tokens(output, AnswerForm.OUTPUT),
            String.join(", ", keys),
            failures);
  }

  private static String tokens(long charged, long used) {
    return charged == 0 ? "0" : charged == used ? "used" : "est.";
  }

  /** Whether it waits for a timeout, and needs no processor meanwhile. */
  boolean waits() {
    return fault.isStall()
        || fault == ProviderFault.HANDSHAKE_STALLS
        || fault == ProviderFault.CONNECTION_FALLS_SILENT;
  }

  /** Whether only a shorter idle timeout ends it. */
  boolean stalls() {
    return fault.isStall();
  }

  @Override
  public void close() throws IOException {
    for (RawProvider provider : providers) {
      provider.close();
    }
  }
}
