package relay.e2e;

import java.util.List;
import java.util.Random;
import relay.model.Dialect;

/** Where a {@link LeaseWalk} is: a pool of two accounts, and two clients. */
record LeasePlace(int number, Kind kind) {
  /** How its provider counts, and how much room there is. */
  enum Kind {
    AS_MADE("rpm_limit: 100000, itpm_limit: 100000000, otpm_limit: 100000000"),
    AT_ADMISSION("rpm_limit: 100000, tpm_limit: 100000000"),
    TIGHT("rpm_limit: 300");

    private final String limits;

    Kind(String limits) {
      this.limits = limits;
    }
  }

  static final int TIGHT_LIMIT = 300;

  static LeasePlace of(int number, Random random) {
    return new LeasePlace(number, Kind.values()[random.nextInt(3)]);
  }

  String pool() {
    return "walk-" + number;
  }

  String free() {
    return "free-" + number;
  }

  String limited() {
    return "limited-" + number;
  }

  Dialect dialect() {
    return isAtAdmission() ? Dialect.OPENAI : Dialect.ANTHROPIC;
  }

  boolean isAtAdmission() {
    return kind == Kind.AT_ADMISSION;
  }

  String limits() {
    return kind.limits;
  }

  List<String> accounts() {
    return List.of(pool() + "-1", pool() + "-2");
  }
}
