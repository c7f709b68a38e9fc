package relay.redis.link;

import io.lettuce.core.RedisCommandExecutionException;
import java.security.GeneralSecurityException;
import javax.net.ssl.SSLException;

/** Why Redis could not be used, for a log line or an operator. */
public final class FailureReason {
  private FailureReason() {}

  /** The root cause: Lettuce wraps the error of Redis or the system. */
  public static Throwable root(Throwable failure) {
    Throwable root = failure;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root;
  }

  /** The root cause in words. Unless it is an error of Redis, they say what to do about it. */
  public static String of(Throwable failure) {
    Throwable root = root(failure);
    String why = root.getMessage() == null ? root.toString() : root.getMessage();
    return switch (root) {
      case RedisCommandExecutionException e -> why; // RedisTrouble has the advice
      case IllegalStateException e -> why; // of the sentinels
      case RedisGoneException e -> why;
      case GeneralSecurityException e when isOfName(why) ->
          "its certificate is of another name: "
              + why
              + "; is the host in redis.url one of the certificate's names?";
      case GeneralSecurityException e ->
          "its certificate is not accepted: " + why + "; is redis.tls.ca right?";
      case SSLException e -> "TLS failed: " + why + "; is redis.tls right?";
      default -> why + "; is it running, and is redis.url right?";
    };
  }

  /** The JDK has no type for it. */
  private static boolean isOfName(String why) {
    return why.startsWith("No subject alternative ") || why.startsWith("No name matching ");
  }
}
