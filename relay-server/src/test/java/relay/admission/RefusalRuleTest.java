package relay.admission;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import relay.admission.RefusalRule.Case;
import relay.admission.RefusalRule.Elsewhere;
import relay.admission.RefusalRule.Limit;
import relay.admission.RefusalRule.Stop;
import relay.redis.Refusals;
import relay.redis.Refusals.Event;

/** Whose fault a refusal is. The case is always model m of client x. */
class RefusalRuleTest {
  private static final Case KEY = new Case("key k", "m", "x");
  private static final Case RATE = new Case(RefusalRule.rate(), "m", "x");

  private static Event event(String what, String model, String client, int seconds) {
    return new Event(what, model, client, Duration.ofSeconds(seconds));
  }

  private static Event served(String model, String client, int seconds) {
    return event(Refusals.SERVED, model, client, seconds);
  }

  private static Event refused(String model, String client, int seconds) {
    return event("key k", model, client, seconds);
  }

  private static Event limited(String model, String client, int seconds) {
    return event(RefusalRule.rate(), model, client, seconds);
  }

  private static Event convicted(String client, int seconds) {
    return event(RefusalRule.convicting("key k"), "m", client, seconds);
  }

  private static Event repeated(String client, int seconds) {
    return event(RefusalRule.repeated("key k"), "m", client, seconds);
  }

  private static Stop stop(Elsewhere elsewhere, Event... events) {
    return RefusalRule.stop(KEY, elsewhere, List.of(events));
  }

  private static Limit limit(Event... events) {
    return RefusalRule.limit(RATE, List.of(events));
  }

  @Test
  void what_another_account_serves_is_the_accounts_state() {
    assertEquals(Stop.ACCOUNT, stop(Elsewhere.SERVED));
    assertEquals(Stop.ACCOUNT, stop(Elsewhere.SERVED, served("m", "x", 1)));
    assertEquals(
        Stop.ACCOUNT, stop(Elsewhere.SERVED, served("n", "by", 61), served("m", "by", 61)));
  }

  @Test
  void while_another_model_is_served_there_it_is_the_models() {
    assertEquals(Stop.MODEL, stop(Elsewhere.SERVED, served("n", "by", 59)));
    assertEquals(Stop.MODEL, stop(Elsewhere.SERVED, served("n", "x", 59)));
  }

  @Test
  void while_another_client_is_served_the_model_there_it_is_nobodys() {
    assertEquals(Stop.NOTHING, stop(Elsewhere.SERVED, served("m", "by", 59)));
    assertEquals(Stop.NOTHING, stop(Elsewhere.SERVED, served("m", "by", 5), served("n", "by", 5)));
  }

  @Test
  void what_a_second_account_refuses_is_the_requests() {
    assertEquals(Stop.NOTHING, stop(Elsewhere.REFUSED));
    assertEquals(Stop.NOTHING, stop(Elsewhere.REFUSED, refused("n", "x", 5), repeated("x", 5)));
    assertEquals(Stop.NOTHING, stop(Elsewhere.REFUSED, repeated("y", 5), served("m", "by", 30)));
  }

  @Test
  void where_nobody_is_served_two_clients_prove_it() {
    assertEquals(Stop.ACCOUNT, stop(Elsewhere.REFUSED, repeated("y", 5)));
    assertEquals(Stop.ACCOUNT, stop(Elsewhere.REFUSED, refused("m", "y", 5)));
  }

  @Test
  void without_another_account_one_client_and_one_model_prove_nothing() {
    assertEquals(Stop.NOTHING, stop(Elsewhere.UNKNOWN));
    assertEquals(Stop.NOTHING, stop(Elsewhere.UNKNOWN, refused("m", "x", 5)));
    assertEquals(Stop.NOTHING, stop(Elsewhere.UNKNOWN, repeated("y", 5)));
    assertEquals(Stop.NOTHING, stop(Elsewhere.UNKNOWN, refused("m", "y", 3601)));
  }

  @Test
  void a_second_client_or_model_proves_it() {
    assertEquals(Stop.ACCOUNT, stop(Elsewhere.UNKNOWN, refused("m", "y", 5)));
    assertEquals(Stop.ACCOUNT, stop(Elsewhere.UNKNOWN, refused("n", "x", 5)));
    assertEquals(Stop.ACCOUNT, stop(Elsewhere.SERVED, refused("m", "y", 5), served("m", "by", 6)));
    assertEquals(Stop.MODEL, stop(Elsewhere.UNKNOWN, refused("m", "y", 5), served("n", "by", 6)));
  }

  @Test
  void but_not_if_somebody_was_served_since() {
    assertEquals(Stop.NOTHING, stop(Elsewhere.UNKNOWN, refused("m", "y", 5), served("m", "by", 4)));
    assertEquals(Stop.NOTHING, stop(Elsewhere.UNKNOWN, refused("n", "x", 0), served("m", "by", 1)));
  }

  @Test
  void whose_refusals_were_disproved_does_not_prove_it_for_an_hour() {
    assertEquals(Stop.NOTHING, stop(Elsewhere.SERVED, convicted("x", 3599)));
    assertEquals(Stop.ACCOUNT, stop(Elsewhere.SERVED, convicted("x", 3601)));
    assertEquals(Stop.ACCOUNT, stop(Elsewhere.SERVED, convicted("y", 5)));
    assertEquals(Stop.NOTHING, stop(Elsewhere.UNKNOWN, convicted("x", 60), refused("n", "x", 5)));
    assertEquals(Stop.ACCOUNT, stop(Elsewhere.UNKNOWN, convicted("x", 60), refused("m", "y", 5)));
  }

  @Test
  void of_one_caller_a_429_cools_the_class() {
    assertEquals(Limit.CLASS, limit());
    assertEquals(Limit.CLASS, limit(served("m", "x", 1), limited("m", "x", 1)));
    assertEquals(Limit.CLASS, limit(served("n", "by", 61)));
  }

  @Test
  void while_another_model_succeeds_a_429_is_the_models() {
    assertEquals(Limit.MODEL, limit(served("n", "x", 59)));
    assertEquals(Limit.MODEL, limit(served("n", "by", 5), limited("n", "by", 6)));
    assertEquals( // two refused models of one client, and a third that is served
        Limit.MODEL, limit(served("n", "by", 5), limited("o", "x", 1)));
  }

  @Test
  void a_429_of_the_other_model_makes_it_the_classs() {
    assertEquals(Limit.CLASS, limit(served("n", "x", 5), limited("n", "x", 4)));
  }

  @Test
  void while_another_client_is_served_a_429_is_the_clients() {
    assertEquals(Limit.CLIENT, limit(served("m", "by", 5), limited("m", "x", 1)));
    assertEquals(Limit.CLASS, limit(served("m", "by", 11)));
    assertEquals(Limit.CLASS, limit(served("m", "by", 1), limited("m", "y", 5)));
    assertEquals(Limit.CLIENT, limit(served("m", "by", 1), limited("m", "y", 11)));
  }

  @Test
  void the_order_of_the_events_does_not_matter() {
    List<Event> events = List.of(limited("m", "y", 5), served("m", "by", 1), served("m", "c", 50));
    Stream.of(events, events.reversed())
        .forEach(some -> assertEquals(Limit.CLASS, RefusalRule.limit(RATE, some)));
  }
}
