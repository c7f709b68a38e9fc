package relay.trial.load;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import relay.trial.load.PlainConnection.Answer;

/** A pool, as in {@code GET /pools} of a replica's admin port. */
public record PoolView(List<Group> groups) {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int MAX_BYTES = 64 << 10;

  /** The used part of a limit; 0 = the limit is not known. */
  public record Usage(long used, long limit) {

    /** In 0..1; 0 where there is no limit. */
    public double share() {
      return limit == 0 ? 0 : Math.clamp((double) used / limit, 0, 1);
    }
  }

  /** A quota group and its three limits. */
  public record Group(
      String account, Usage requests, Usage input, Usage output, long inFlight, long cooldownMs) {

    /** The used share of the fullest limit. */
    public double share() {
      return Math.max(requests.share(), Math.max(input.share(), output.share()));
    }
  }

  /** Requests in flight, over all groups. */
  public long inFlight() {
    return groups.stream().mapToLong(Group::inFlight).sum();
  }

  /** Reads the pool of a replica. */
  public static PoolView of(InetSocketAddress admin) throws IOException {
    return parse(read(admin, "/pools"));
  }

  /** How many refused requests the pools expect back, as the replica last knew. */
  static long waiting(InetSocketAddress admin) throws IOException {
    long sum = 0;
    for (JsonNode client : JSON.readTree(read(admin, "/clients")).path("clients")) {
      sum += client.path("waiting").asLong();
    }
    return sum;
  }

  private static String read(InetSocketAddress admin, String path) throws IOException {
    Answer answer = get(admin, path);
    if (answer.status() != 200) {
      throw new IOException("GET " + path + " gave status " + answer.status());
    }
    return answer.bodyEnd();
  }

  /** Sends {@code GET path} to an admin port. */
  public static Answer get(InetSocketAddress admin, String path) throws IOException {
    try (PlainConnection connection = new PlainConnection(admin, MAX_BYTES)) {
      return connection.exchange(
          ("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
              .getBytes(StandardCharsets.US_ASCII));
    }
  }

  /** Reads the groups of the first pool. */
  static PoolView parse(String json) throws IOException {
    List<Group> groups = new ArrayList<>();
    for (JsonNode group : JSON.readTree(json).at("/pools/0/groups")) {
      groups.add(
          new Group(
              group.path("account").asText(),
              usage(group, "rpm"),
              usage(group, "itpm"),
              usage(group, "otpm"),
              group.path("in_flight").asLong(),
              group.path("cooldown_ms").asLong()));
    }
    return new PoolView(groups);
  }

  private static Usage usage(JsonNode group, String dimension) {
    return new Usage(
        group.at("/used/" + dimension).asLong(), group.at("/limits/" + dimension).asLong());
  }
}
