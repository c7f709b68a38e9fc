package relay.redis;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import relay.redis.link.Alarm;
import relay.redis.script.PoolScripts;
import relay.redis.script.SurveyReply;

/**
 * Checks leases that are due when a heartbeat has left some: after a burst, or the death of a
 * replica. Each call takes Redis half a millisecond at most, and pauses follow, so that requests
 * hardly notice them.
 */
final class Sweeps {
  private static final long PAUSE_NANOS = 5_000_000;

  private final PoolScripts scripts;
  private final Alarm alarm;
  private final AtomicBoolean sweeping = new AtomicBoolean();

  Sweeps(PoolScripts scripts, Alarm alarm) {
    this.scripts = scripts;
    this.alarm = alarm;
  }

  /** Hears what each heartbeat tells, and then tells the listener. */
  Consumer<SurveyReply.Beside> also(Consumer<SurveyReply.Beside> listener) {
    return beside -> {
      if (beside.due() && sweeping.compareAndSet(false, true)) {
        next();
      }
      listener.accept(beside);
    };
  }

  private void next() {
    var _ = alarm.in(PAUSE_NANOS, this::sweep);
  }

  private void sweep() {
    var _ =
        scripts
            .sweep()
            .whenComplete(
                (due, failure) -> {
                  if (failure == null && due) {
                    next();
                  } else {
                    sweeping.set(false); // the next heartbeat tells
                  }
                });
  }
}
