package relay.pipeline;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import relay.admission.ClientQuotas;
import relay.admission.OwnLimits;
import relay.auth.Clients.Caller;
import relay.config.ServerConfig.Client;
import relay.model.JsonString;
import relay.model.RelayError;
import relay.pool.BudgetJson;
import relay.pool.ClientShares;
import relay.redis.UsageTally.Standing;
import relay.redis.model.Budget;
import relay.redis.model.Dimension;
import relay.redis.model.Limits;

/** What a client sees of itself: {@code GET /v1/relay/usage}. */
final class UsageAnswer {
  private UsageAnswer() {}

  /** Answers with it. Blocks until Redis has answered. */
  static void give(ClientAnswer answer, Generation generation, Caller caller) {
    ClientQuotas quotas = generation.quotas();
    Standing use = quotas.use(caller).exceptionally(_ -> null).join();
    List<Budget.Spent> budgets = quotas.spent(caller).exceptionally(_ -> null).join();
    if (use == null || budgets == null) {
      answer.refuse(RelayError.unavailable("the store of the rate limits cannot be reached"));
      return;
    }
    OwnLimits own = quotas.own(caller);
    Client known = caller.restrictions();
    answer.json(
        of(
            caller.name(),
            own == null || known == null || !known.hasLimits() ? null : own.limits(),
            known == null ? 0 : known.bounds().maxConcurrent(),
            use,
            standing(generation.clients().shares(), known),
            budgets));
  }

  private static String standing(ClientShares shares, @Nullable Client client) {
    Client.Standing standing = client == null ? Client.Standing.DEFAULT : client.standing();
    double share = client == null ? 1 : shares.of(client); // without credentials all are one
    String priority = standing.priority().name().toLowerCase(Locale.ROOT);
    return "\"share\":%s,\"priority\":\"%s\"".formatted(share, priority);
  }

  /**
   * @param limits null if the client has none of its own
   * @param maxConcurrent 0 for no bound
   * @param use of the last minute, over all replicas
   */
  private static byte[] of(
      String name,
      @Nullable Limits limits,
      int maxConcurrent,
      Standing use,
      String standing,
      List<Budget.Spent> budgets) {
    String stated =
        limits == null
            ? "null"
            : "{%s,\"max_concurrent\":%s}"
                .formatted(members(limits::of, true), known(maxConcurrent));
    return "{\"name\":%s,\"limits\":%s,\"used\":{%s},\"in_flight\":%d,%s,\"budgets\":[%s]}"
        .formatted(
            JsonString.quote(name),
            stated,
            members(use.used()::of, false),
            use.inFlight(),
            standing,
            budgets.stream()
                .map(spent -> BudgetJson.of(spent, Instant.now()).toString())
                .collect(Collectors.joining(",")))
        .getBytes(StandardCharsets.UTF_8);
  }

  private static String members(ToLongFunction<Dimension> number, boolean limits) {
    return Arrays.stream(Dimension.values())
        .map(
            d -> {
              long value = number.applyAsLong(d);
              return "\"%s\":%s".formatted(d.label(), limits ? known(value) : "" + value);
            })
        .collect(Collectors.joining(","));
  }

  private static String known(long limit) {
    return limit > 0 ? Long.toString(limit) : "null";
  }
}
