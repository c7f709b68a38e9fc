package relay.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import relay.redis.script.Reply;

/**
 * The reply of {@code evidence}.
 *
 * @param events of the group that was asked for
 * @param refused the time in ms by what is refused, if the version is another than the caller's
 */
record Evidence(long version, List<Refusals.Event> events, Map<String, Long> refused) {

  static Evidence of(List<Object> r) {
    int end = 3 + (int) Reply.number(r.get(2));
    List<Refusals.Event> events = new ArrayList<>();
    for (int n = 3; n < end; n += 4) {
      Duration age = Duration.ofMillis(Reply.number(r.get(n + 3)));
      events.add(
          new Refusals.Event(
              Reply.text(r.get(n)), Reply.text(r.get(n + 1)), Reply.text(r.get(n + 2)), age));
    }
    Map<String, Long> refused = new HashMap<>();
    for (int n = end; n + 1 < r.size(); n += 2) {
      refused.put(Reply.text(r.get(n)), Reply.number(r.get(n + 1)));
    }
    return new Evidence(Reply.number(r.get(1)), events, refused);
  }
}
