package relay.redis.mutation;

import org.jspecify.annotations.Nullable;

/** Formats {@code MUTATIONS.md}. */
final class MutationPage {
  static final String HEAD =
      """
      # Faults that the suite must notice

      Each line is a fault, injected alone into the scripts before the engine's tests ran. The list with the texts
      is `src/test/resources/relay/redis/mutations.txt`. This command writes the page, and fails if a fault is not caught:

      ```
      ./mvnw test -pl relay-redis-scripts -am -Dsurefire.failIfNoSpecifiedTests=false -Dtest=MutationRun
      ```

      A test in every build checks that each text occurs once in the scripts, and
      that this page lists the same faults. "Caught by" is the first failing class; the model's walks come first.

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
