import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs the scenarios of LeaseClientsTest: LeaseDriver URL. Prints a line for each. */
final class LeaseDriver {
  private static String url;

  private static void event(String name) throws Exception {
    HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/event/" + name)).build();
    HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.discarding());
  }

  private interface Work {
    void in(RelayLeases.Lease lease) throws Exception;
  }

  private static void run(String name, int seconds, Map<String, Object> more, Work work) {
    try {
      Map<String, Object> ask =
          new LinkedHashMap<>(Map.of("model", "m \"\n\u00e9\ud83d\ude00", "input_tokens", 1200));
      ask.putAll(more);
      String key =
          new RelayLeases(url + "/" + name, "secret")
              .lease(
                  ask,
                  Duration.ofSeconds(seconds),
                  lease -> {
                    work.in(lease);
                    return lease.granted.get("key");
                  });
      System.out.println(name + " ok " + key);
    } catch (Exception failure) {
      System.out.println(name + " failed " + failure.getMessage());
    }
  }

  private static void used(RelayLeases.Lease lease) {
    lease.sent(1);
    lease.usage(1, 2, 0, 0, 1);
  }

  public static void main(String[] args) {
    url = args[0];
    for (String name : List.of("waits", "seconds", "budget", "lost", "balancer", "unsettled"))
      run(name, 30, Map.of(), LeaseDriver::used);
    run("bound", 1, Map.of(), LeaseDriver::used);
    run(
        "sent",
        30,
        Map.of(),
        lease -> {
          lease.sent(1);
          lease.progress(5);
          throw new IllegalStateException("boom");
        });
    run(
        "unsent",
        30,
        Map.of(),
        lease -> {
          throw new IllegalStateException("boom");
        });
    run("unknown", 30, Map.of(), lease -> {});
    run(
        "renews",
        30,
        Map.of(),
        lease -> {
          lease.sent(1);
          lease.progress(7);
          event("renews/progress/2");
          lease.usage(1100, 9, 100, 50, 1);
        });
    run(
        "gone",
        30,
        Map.of(),
        lease -> {
          lease.sent(1);
          event("gone/progress/1");
          run("beside", 30, Map.of(), other -> event("beside/progress/2"));
          lease.usage(1, 2, 0, 0, 1);
        });
    run(
        "bulk",
        30,
        Map.of("requests", 10, "partial", true),
        lease -> {
          lease.usage(10, 20, 0, 0, 1);
          lease.usage(30, 40, 1, 2, 1);
        });
    run(
        "refused",
        30,
        Map.of(),
        lease -> {
          lease.sent(1);
          lease.observed(Map.of("x-ratelimit-limit-requests", "50"));
          lease.refused(429, Map.of("retry-after", "7"), "slow \"down\"");
        });
    run(
        "partly",
        30,
        Map.of("requests", 4),
        lease -> {
          lease.sent(1);
          lease.usage(10, 20, 1, 2, 1);
          lease.sent(2);
          lease.refused(429, Map.of(), "");
        });
    run(
        "made",
        30,
        Map.of(),
        lease -> {
          lease.sent(1);
          lease.progress(7);
          lease.refused(529, Map.of(), "");
        });
    run(
        "often",
        30,
        Map.of(),
        lease -> {
          lease.sent(2);
          lease.usage(10, 20, 0, 0, 1);
        });
  }
}
