import java.io.IOException;
import java.net.URI;
import java.net.http.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.*;
import java.util.regex.*;
import java.util.stream.Collectors;

/**
 * Leases of Relay: call a provider yourself, within the limits that Relay keeps. docs/leases.md has the rules.
 *
 * <pre>{@code
 * var pool = new RelayLeases("http://localhost:8787", System.getenv("RELAY_API_KEY"));
 * String text = pool.lease(Map.of("model", "claude-sonnet-5-5", "input_tokens", 1200), Duration.ofMinutes(5), lease -> {
 *   lease.sent(1); // an exception before this gives all back, one after it is charged
 *   Answer answer = send(secrets.get(lease.granted.get("key")), lease.granted.get("model")); // secrets: your own store
 *   lease.usage(answer.input(), answer.output(), 0, 0, 1);
 *   return answer.text();
 * });
 * }</pre>
 */
public final class RelayLeases { // one file, no dependency, Java 17 or later
  public interface Work<T> { T in(Lease lease) throws Exception; }

  /** Relay's refusal. {@code waitMillis}: until a retry; -1 if that is hopeless. */
  public static final class Refused extends IOException {
    private static final long serialVersionUID = 1;
    public final int status;
    public final long waitMillis;
    Refused(HttpResponse<String> answer, long back) {
      super(answer.statusCode() + ": " + answer.body());
      status = answer.statusCode();
      boolean passing = status >= 500 && !answer.headers().firstValue("x-should-retry").orElse("").equals("false");
      waitMillis = told(answer, "retry-after-ms", 1).or(() -> told(answer, "retry-after", 1000)).orElse(passing ? back : -1);
    }
    private static Optional<Long> told(HttpResponse<?> answer, String name, long unit) {
      return answer.headers().firstValue(name).filter(n -> n.matches("\\d{1,12}")).map(n -> unit * Long.parseLong(n));
    }
  }

  private static final Timer RENEWALS = new Timer("relay-renewals", true);
  private final HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
  private final String url, key;
  public RelayLeases(String url, String key) { this.url = url + "/v1/relay/leases"; this.key = key; }

  /** Runs the work in a lease, which is renewed meanwhile and always ended. Waits up to {@code most} for room. */
  public <T> T lease(Map<String, ?> ask, Duration most, Work<T> work) throws Exception {
    Map<String, Object> body = new HashMap<>(Map.of("idempotency_key", UUID.randomUUID().toString()));
    body.putAll(ask);
    Lease lease = new Lease(members(call("POST", "", body, most)));
    boolean failed = true;
    try {
      T result = work.in(lease);
      failed = false;
      return result;
    } finally {
      lease.close(failed);
    }
  }

  /** Waits as told; asks again if no answer came, or a balancer's 5xx. */
  private String call(String method, String path, Map<String, ?> body, Duration most) throws IOException, InterruptedException {
    long end = System.nanoTime() + most.toNanos();
    for (long back = 250; ; back = Math.min(2 * back, 5000)) {
      try {
        HttpResponse<String> answer = client.send(request(method, path, body), HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() < 300) return answer.body();
        throw new Refused(answer, back);
      } catch (IOException failure) {
        long wait = failure instanceof Refused refused ? refused.waitMillis : back;
        if (wait < 0 || wait > (end - System.nanoTime()) / 1_000_000) throw failure;
        TimeUnit.MILLISECONDS.sleep(wait);
      }
    }
  }
  private HttpRequest request(String method, String path, Map<String, ?> body) {
    long most = 10_000 + (body.get("wait_ms") instanceof Number n ? n.longValue() : 0);
    return HttpRequest.newBuilder(URI.create(url + path)).timeout(Duration.ofMillis(most))
        .method(method, HttpRequest.BodyPublishers.ofString(json(body)))
        .header("Authorization", "Bearer " + key).header("Content-Type", "application/json").build();
  }

  /** {@code granted} is Relay's answer. {@code lost}: Relay has ended the lease, as no renewal came within its ttl. */
  public final class Lease {
    public final Map<String, String> granted;
    public final long requests;
    public volatile boolean lost;
    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicLong sent = new AtomicLong(), made = new AtomicLong();
    private final AtomicLongArray used = new AtomicLongArray(5);
    private final TimerTask renewals = new TimerTask() { @Override public void run() { renew(); } };
    Lease(Map<String, String> answer) {
      granted = answer;
      requests = number("requests");
      RENEWALS.schedule(renewals, number("ttl_ms") / 3, number("ttl_ms") / 3);
    }
    private long number(String member) { return Long.parseLong(granted.get(member)); }
    public void sent(int more) { sent.addAndGet(more); } // call it right before a request goes out
    public void progress(long output) { made.accumulateAndGet(output, Math::max); } // all so far; a renewal reports it
    /** What requests used; the calls add up. Input tokens are all, with those of the cache. */
    public void usage(long input, long output, long cacheRead, long cacheWrite, long more) {
      long[] all = {input, output, cacheRead, cacheWrite, more};
      for (int i = 0; i < all.length; i++) used.addAndGet(i, all[i]);
    }
    /** Of a good answer, to learn limits from. */
    public void observed(Map<String, ?> headers) { tell("POST", "/observed", Map.of("headers", headers), Duration.ZERO); }
    /** By the provider: every replica learns of it. It ends the lease. */
    public void refused(int status, Map<String, ?> headers, String body) {
      Map<String, Object> told = new HashMap<>(total(true, 1));
      told.putAll(Map.of("status", status, "headers", headers, "body", body.substring(0, Math.min(body.length(), 16_384))));
      end("POST", "/refused", told);
    }
    /** Nothing was sent: all is given back. */
    public void cancel() { end("DELETE", "", Map.of()); }
    private void close(boolean failed) {
      Map<String, Long> total = total(failed, 0);
      if (total.get("requests") == 0) cancel();
      end("POST", "/settle", total);
    }
    /** A request that was sent and has no usage counts its part of what was reserved; a refused one used nothing. */
    private Map<String, Long> total(boolean failed, int refused) {
      long input = used.get(0), output = used.get(1), known = used.get(4);
      if (made.get() <= output) known += refused; // else it made output
      long all = Math.max(Math.max(sent.get(), known), Math.min(made.get(), 1));
      if (all == 0 && !failed) all = requests;
      if (all > known) {
        input += part("input_tokens", all - known);
        output += failed ? 0 : part("output_tokens", all - known);
        output = Math.max(output, made.get());
      }
      return Map.of("input_tokens", input, "output_tokens", output, "cache_read_tokens", used.get(2),
          "cache_write_tokens", used.get(3), "requests", Math.min(all, requests));
    }
    private long part(String member, long of) { return (number(member) * of + requests - 1) / requests; }
    private void renew() {
      client.sendAsync(request("POST", "/" + granted.get("lease") + "/progress", Map.of("output_tokens", made.get())),
          HttpResponse.BodyHandlers.discarding()).thenAccept(answer -> {
            lost |= answer.statusCode() == 404;
            if (lost) renewals.cancel();
          });
    }
    private void end(String method, String path, Map<String, ?> body) {
      renewals.cancel();
      if (!over.getAndSet(true)) tell(method, path, body, Duration.ofSeconds(10));
    }
    /** A failure of Relay is none of the work's: it is logged. */
    private void tell(String method, String path, Map<String, ?> body, Duration most) {
      boolean interrupted = Thread.interrupted(); // the end of a lease is told all the same
      try {
        call(method, "/" + granted.get("lease") + path, body, most);
      } catch (IOException failure) {
        System.getLogger("relay").log(System.Logger.Level.WARNING, "lease at " + granted.get("key") + path + ": " + failure);
      } catch (InterruptedException again) {
        interrupted = true;
      }
      if (interrupted) Thread.currentThread().interrupt();
    }
  }

  private static String json(Object value) {
    if (value instanceof Map<?, ?> map) return map.entrySet().stream()
        .map(e -> json(e.getKey()) + ":" + json(e.getValue())).collect(Collectors.joining(",", "{", "}"));
    if (value instanceof Collection<?> list) return list.stream().map(RelayLeases::json).collect(Collectors.joining(",", "[", "]"));
    if (!(value instanceof CharSequence text)) return String.valueOf(value);
    return text.chars().mapToObj(c -> c < ' ' || c > '~' || c == '"' || c == '\\' ? String.format("\\u%04x", c) : Character.toString(c))
        .collect(Collectors.joining("", "\"", "\""));
  }

  private static final Pattern MEMBER = Pattern.compile("\"(\\w+)\"\\s*:\\s*(?:\"((?:[^\"\\\\]|\\\\.)*+)\"|(\\d+))");
  private static final Pattern ESCAPE = Pattern.compile("\\\\(?:u(\\p{XDigit}{4})|(.))");
  /** The texts and numbers of an answer, with those of inner objects: it has no two of one name. */
  private static Map<String, String> members(String answer) {
    Map<String, String> members = new HashMap<>();
    MEMBER.matcher(answer).results().forEach(m -> members.put(m.group(1), m.group(3) != null ? m.group(3)
        : ESCAPE.matcher(m.group(2)).replaceAll(e -> Matcher.quoteReplacement(e.group(1) != null
            ? Character.toString(Integer.parseInt(e.group(1), 16))
            : "bfnrt".contains(e.group(2)) ? e.group().translateEscapes() : e.group(2)))));
    return members;
  }
}
