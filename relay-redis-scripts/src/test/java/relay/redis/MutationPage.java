package relay.redis;

import org.jspecify.annotations.Nullable;

/** Formats {@code MUTATIONS.md}. */
final class MutationPage {
  static final String HEAD =
      """
      # Faults that the suite must notice

      Each line is a fault that was put into the scripts, alone, before the engine's tests ran. The list with the texts
      is `src/test/resources/relay/redis/mutations.txt`; this page is written by

      ```
      ./mvnw test -pl relay-redis-scripts -Dtest=MutationRun
      ```

      which fails if one is not caught. A test in every build checks that each text still occurs once in the scripts, and
      that this page names the same faults. "Caught by" is the first class that failed; the model's walks come first.

      | fault | script | breaks | caught by |
      |---|---|---|---|
      """;

  private MutationPage() {}

  static String row(Mutation mutation, @Nullable String killer) {
    return String.format(
        "| %s | `%s.lua` | %s | %s |%n",
        mutation.name(),
        mutation.file(),
        mutation.guarantee(),
        killer == null ? "**nothing**" : killer);
  }
}
