package relay.redis.link;

import io.lettuce.core.RedisCommandExecutionException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import relay.redis.library.ScriptFile;

/** Prepares a master for the first call: loads the library of functions, checks the policy. */
final class Preparation {
  private static final String POLICY = "maxmemory_policy:";

  private Preparation() {}

  /** Whether a call failed because the library is not there: nothing ran, so a retry is safe. */
  static boolean isMissing(RedisCommandExecutionException refused) {
    return String.valueOf(refused.getMessage()).contains("Function not found");
  }

  /** Loads the library into Redis, unless it is there. */
  static CompletableFuture<String> loadLibrary(FunctionConnection live) {
    return live.load(ScriptFile.library())
        .exceptionally(
            failure -> {
              if (String.valueOf(RedisLink.cause(failure).getMessage())
                  .contains("already exists")) {
                return "";
              }
              throw new CompletionException(RedisLink.cause(failure));
            });
  }

  /** Warns of a Redis that evicts keys. Without the right to ask, the policy stays unknown. */
  static void checkPolicy(FunctionConnection live, RefusedCalls told) {
    var _ =
        live.memoryInfo()
            .thenAccept(
                info ->
                    info.lines()
                        .filter(line -> line.startsWith(POLICY))
                        .map(line -> line.substring(POLICY.length()))
                        .findFirst()
                        .ifPresent(
                            policy -> {
                              if (policy.equals("noeviction")) {
                                told.keepsAll();
                              } else {
                                told.evicts(policy);
                              }
                            }));
  }
}
