package relay.redis.link;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import relay.redis.model.RedisTrouble;

final class RefusedCallsTest {
  private static final String FULL = "OOM command not allowed when used memory > 'maxmemory'.";
  private static final String FCALL = "NOPERM User x has no permissions to run the 'fcall' command";
  private static final String KEY = "NOPERM No permissions to access a key";
  private static final long SECOND = 1_000_000_000L;

  private final List<String> told = new ArrayList<>();
  private long nanos;
  private final RefusedCalls refusals = new RefusedCalls(told::add, () -> nanos);

  private void add(String what, String why) {
    refusals.report(what, new IllegalStateException(why));
  }

  @Test
  void a_lasting_refusal_is_logged_once_a_minute() {
    for (int n = 0; n < 240; n++) {
      add("a call for pool p", FULL);
      add("to merge estimates", FULL);
      nanos += SECOND / 2;
    }
    assertEquals(4, told.size(), told.toString());
    assertEquals(
        "Redis refused a call for pool p: " + FULL + "; " + RedisTrouble.MEMORY.advice(),
        told.getFirst());
    assertEquals(Set.of(RedisTrouble.MEMORY), refusals.troubles());
    nanos += 61 * SECOND;
    assertEquals(Set.of(), refusals.troubles());
  }

  @ParameterizedTest
  @CsvSource({
    "LOGIN, WRONGPASS invalid username-password pair or user is disabled.",
    "LOGIN, no sentinel names the master; sentinel s1:26379: NOAUTH Authentication required.",
    "READ_ONLY, READONLY You can't write against a read only replica.",
    "MEMORY, OOM command not allowed when used memory > 'maxmemory'.",
    "RIGHTS, NOPERM User x has no permissions to run the 'fcall' command",
    "CROSS_SLOT, CROSSSLOT Keys in request don't hash to the same slot",
    "CROSS_SLOT, MOVED 3999 127.0.0.1:6381",
    "VERSION, ERR unknown command `FUNCTION`",
    "SCHEMA, SCHEMA the state is of schema 2",
    ", ERR wrong number of arguments"
  })
  void each_trouble_has_its_advice_and_shows(String trouble, String error) {
    String told = refusals.explained(error);
    assertEquals(
        trouble == null ? Set.of() : Set.of(RedisTrouble.valueOf(trouble)), refusals.troubles());
    assertEquals(trouble == null, told.equals(error), told);
  }

  @Test
  void a_policy_of_eviction_shows_until_it_is_changed() {
    refusals.evicts("allkeys-lru");
    nanos += 1_000 * SECOND;
    assertEquals(Set.of(RedisTrouble.EVICTION), refusals.troubles());
    assertTrue(told.getFirst().contains("allkeys-lru; set maxmemory-policy noeviction"));
    refusals.keepsAll();
    assertEquals(Set.of(), refusals.troubles());
  }

  @Test
  void missing_rights_are_named_and_logged_once_for_all_calls() {
    add("a call for pool p", FCALL);
    add("a call for pool q", FCALL);
    add("to merge estimates", FCALL);
    assertEquals(1, told.size(), told.toString());
    assertTrue(told.getFirst().contains("+fcall +function|load"), told.getFirst());
    add("to merge estimates", KEY);
    assertEquals(2, told.size(), told.toString());
    nanos += 59 * SECOND;
    add("a call for pool q", FCALL);
    assertEquals(2, told.size(), told.toString());
    nanos += SECOND;
    add("a call for pool q", FCALL);
    assertEquals(3, told.size(), told.toString());
  }

  @Test
  void remembered_refusals_are_bounded() {
    for (int n = 0; n < 1_000; n++) {
      add("call " + n, FULL);
    }
    assertEquals(1_000, told.size());
    add("call 0", FULL);
    assertEquals(1_001, told.size()); // forgotten, so logged again
  }
}
