import java.io.IOException;
import java.net.URI;
import java.net.http.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.*;
import java.util.regex.*;
import java.util.stream.Collectors;

/**
 * Leases of Relay: call a provider yourself, within the limits that Relay keeps. docs/leases.md has the rules.
 *
 * <pre>{@code
 * var pool = new RelayLeases("http://localhost:8787", System.getenv("RELAY_API_KEY"));
 * var ask = Map.<String, Object>of("model", "claude-sonnet-5-5", "input_tokens", 1200);
 * String text = pool.lease(ask, Duration.ofMinutes(5), lease -> {
 *   lease.sent(1); // an exception before this gives all back, one after it is charged
 *   Answer answer = send(secrets.get(lease.text("key")), lease.text("model")); // the secret is in your own store
 *   lease.usage(answer.input(), answer.output(), 0, 0, 1);
 *   return answer.text();
 * });
 * }</pre>
 */
public final class RelayLeases {
  public interface Work<T> { T in(Lease lease) throws Exception; }

  /** Relay's refusal. {@code waitMillis} is -1 if it told no time. */
  public static final class Refused extends IOException {
    private static final long serialVersionUID = 1;
    public final int status;
    public final long waitMillis;
    final boolean passing;
    Refused(HttpResponse<String> answer) {
      super(answer.statusCode() + ": " + answer.body());
      status = answer.statusCode();
      waitMillis = told(answer, "retry-after-ms", 1).or(() -> told(answer, "retry-after", 1000)).orElse(-1L);
      passing = status >= 500 && !answer.headers().firstValue("x-should-retry").orElse("").equals("false");
    }
    private static Optional<Long> told(HttpResponse<?> answer, String name, int unit) {
      return answer.headers().firstValue(name).filter(n -> n.matches("\\d{1,12}")).map(n -> Long.parseLong(n) * unit);
    }
  }

  private static final ScheduledExecutorService RENEWALS = Executors.newSingleThreadScheduledExecutor(work -> {
    Thread thread = new Thread(work, "relay-renewals");
    thread.setDaemon(true);
    return thread;
  });
  private static final List<String> USAGE =
      List.of("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "requests");
  private final HttpClient client = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();
  private final String url, key;
  public RelayLeases(String url, String key) { this.url = url + "/v1/relay/leases"; this.key = key; }

  /** Runs the work in a lease, which is renewed meanwhile and always ended. Waits up to {@code most} for room. */
  public <T> T lease(Map<String, ?> ask, Duration most, Work<T> work) throws Exception {
    Map<String, Object> body = new LinkedHashMap<>(Map.of("idempotency_key", UUID.randomUUID().toString()));
    body.putAll(ask);
    Lease lease = new Lease(call("POST", "", body, most.toMillis()));
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
  private String call(String method, String path, Map<String, ?> body, long mostMillis) throws IOException, InterruptedException {
    long end = System.nanoTime() + mostMillis * 1_000_000;
    for (long back = 250; ; back = Math.min(2 * back, 5000)) {
      long wait = back;
      IOException failure;
      try {
        HttpResponse<String> answer = client.send(request(method, path, body), HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() < 300) return answer.body();
        Refused refused = new Refused(answer);
        if (refused.waitMillis < 0 && !refused.passing) throw refused;
        if (refused.waitMillis >= 0) wait = refused.waitMillis;
        failure = refused;
      } catch (Refused refused) {
        throw refused;
      } catch (IOException lost) {
        failure = lost;
      }
      if (System.nanoTime() + wait * 1_000_000 > end) throw failure;
      TimeUnit.MILLISECONDS.sleep(wait);
    }
  }
  private HttpRequest request(String method, String path, Map<String, ?> body) {
    long most = 10_000 + (body.get("wait_ms") instanceof Number n ? n.longValue() : 0);
    var publisher = method.equals("POST") ? HttpRequest.BodyPublishers.ofString(json(body)) : HttpRequest.BodyPublishers.noBody();
    return HttpRequest.newBuilder(URI.create(url + path)).timeout(Duration.ofMillis(most)).method(method, publisher)
        .header("Authorization", "Bearer " + key).header("Content-Type", "application/json").build();
  }

  /** {@code granted} is Relay's answer. {@code lost}: Relay has ended the lease, as no renewal came within its ttl. */
  public final class Lease {
    public final Map<?, ?> granted;
    public volatile boolean lost;
    private final AtomicBoolean over = new AtomicBoolean();
    private final LongAdder sent = new LongAdder();
    private final AtomicLong made = new AtomicLong();
    private final Map<String, Long> used = new LinkedHashMap<>();
    private final ScheduledFuture<?> renewals;
    Lease(String answer) {
      granted = (Map<?, ?>) new Json(answer).value();
      long every = (Long) granted.get("ttl_ms") / 3;
      renewals = RENEWALS.scheduleAtFixedRate(this::renew, every, every, TimeUnit.MILLISECONDS);
    }
    public String text(String member) { return (String) granted.get(member); }
    public long requests() { return (Long) granted.get("requests"); }
    public void sent(int requests) { sent.add(requests); } // call it right before a request goes out
    public void progress(long output) { made.accumulateAndGet(output, Math::max); } // all so far; a renewal reports it
    /** What requests used; the calls add up. Input tokens are all, with those of the cache. */
    public synchronized void usage(long input, long output, long cacheRead, long cacheWrite, long requests) {
      long[] more = {input, output, cacheRead, cacheWrite, requests};
      for (int i = 0; i < USAGE.size(); i++) used.merge(USAGE.get(i), more[i], Long::sum);
    }
    /** Of a good answer, to learn limits from. */
    public void observed(Map<String, String> headers) { attempt("POST", "/observed", Map.of("headers", headers), 0); }
    /** By the provider: every replica learns of it. It ends the lease. */
    public void refused(int status, Map<String, String> headers, String body) {
      end("POST", "/refused", Map.of("status", status, "headers", headers, "body", body.substring(0, Math.min(body.length(), 16_384))));
    }
    /** Nothing was sent: all is given back. */
    public void cancel() { end("DELETE", "", Map.of()); }
    /** Settles the usage; a request that was sent and has none counts its part of what was reserved. */
    synchronized void close(boolean failed) {
      for (String name : USAGE) used.putIfAbsent(name, 0L);
      long known = used.get("requests"), all = Math.max(Math.max(sent.sum(), known), Math.min(made.get(), 1));
      if (all == 0 && failed) cancel();
      long unknown = (all == 0 ? all = requests() : all) - known;
      if (unknown > 0) {
        used.merge("input_tokens", part("input_tokens", unknown), Long::sum);
        used.merge("output_tokens", failed ? 0L : part("output_tokens", unknown), Long::sum);
        used.merge("output_tokens", made.get(), Math::max);
      }
      used.put("requests", all);
      end("POST", "/settle", used);
    }
    private long part(String name, long unknown) {
      long reserved = (Long) ((Map<?, ?>) granted.get("reserved")).get(name);
      return (reserved * unknown + requests() - 1) / requests();
    }
    private void renew() {
      client.sendAsync(request("POST", "/" + text("lease") + "/progress", Map.of("output_tokens", made.get())),
          HttpResponse.BodyHandlers.discarding()).thenAccept(answer -> {
            if (answer.statusCode() == 404) renewals.cancel(lost = true);
          });
    }
    private void end(String method, String path, Map<String, ?> body) {
      renewals.cancel(false);
      if (!over.getAndSet(true)) attempt(method, path, body, 10_000);
    }
    /** A failure of Relay is none of the work's: it is logged. */
    private void attempt(String method, String path, Map<String, ?> body, long mostMillis) {
      boolean interrupted = Thread.interrupted(); // the end of a lease is told all the same
      try {
        call(method, "/" + text("lease") + path, body, mostMillis);
      } catch (IOException failure) {
        System.getLogger("relay").log(System.Logger.Level.WARNING, "lease at " + text("key") + " " + method + path + ": " + failure);
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
    return text.chars().mapToObj(c -> c == '"' || c == '\\' ? "\\" + (char) c
        : c < ' ' || c > '~' ? String.format("\\u%04x", c) : String.valueOf((char) c)).collect(Collectors.joining("", "\"", "\""));
  }

  /** Reads JSON that is well formed: objects, texts, whole numbers and the words are all that Relay answers. */
  private static final class Json {
    private static final Pattern TOKEN = Pattern.compile("\\s*(\"((?:[^\"\\\\]|\\\\.)*+)\"|[^\\s{}\\[\\],:\"]+|[{}\\[\\],:])");
    private static final Pattern ESCAPE = Pattern.compile("\\\\(?:u([0-9a-fA-F]{4})|(.))");
    private final Matcher tokens;
    Json(String text) { tokens = TOKEN.matcher(text); }
    Object value() { return tokens.find() ? value(tokens.group(1)) : null; }
    private Object value(String token) {
      if (token.startsWith("\"")) return ESCAPE.matcher(tokens.group(2)).replaceAll(escape -> Matcher.quoteReplacement(
          escape.group(1) != null ? String.valueOf((char) Integer.parseInt(escape.group(1), 16))
              : "bfnrt".contains(escape.group(2)) ? "\b\f\n\r\t".substring("bfnrt".indexOf(escape.group(2))).substring(0, 1) : escape.group(2)));
      if (token.equals("{") || token.equals("[")) {
        Map<Object, Object> members = new LinkedHashMap<>();
        for (Object name = value(); name != null && !name.equals('}') && !name.equals(']'); name = value()) {
          if (name.equals(',')) continue;
          if (token.equals("[")) { members.put(members.size(), name); continue; }
          value(); // the colon
          members.put(name, value());
        }
        return members;
      }
      if ("}],:".contains(token)) return token.charAt(0);
      return token.matches("-?\\d{1,18}") ? (Object) Long.valueOf(token) : token;
    }
  }
}
