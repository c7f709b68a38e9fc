package relay.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ConnectionStreamsTest {
  private final AtomicInteger changes = new AtomicInteger();
  private final ConnectionStreams streams = new ConnectionStreams(changes::incrementAndGet);
  private final List<ConnectionStreams.Work> begun = new ArrayList<>();

  private ConnectionStreams.Work begin(int count) {
    for (int n = 0; n < count; n++) {
      begun.add(streams.begin());
    }
    return begun.getLast();
  }

  @Test
  void a_stranger_has_few_streams_until_a_request_shows_a_credential() {
    begin(ConnectionStreams.MOST_OF_STRANGERS - 1);
    assertTrue(streams.mayBegin());
    ConnectionStreams.Work last = begin(1);
    assertFalse(streams.mayBegin());
    last.known();
    assertTrue(streams.mayBegin());
    begin(ConnectionStreams.MOST - ConnectionStreams.MOST_OF_STRANGERS);
    assertTrue(streams.mayBegin(), "the number that is announced");
    begin(1);
    assertFalse(streams.mayBegin());
  }

  @Test
  void a_stream_that_was_reset_counts_until_its_request_has_returned() {
    ConnectionStreams.Work last = begin(ConnectionStreams.MOST_OF_STRANGERS);
    last.reset();
    assertFalse(streams.mayBegin());
    last.returned();
    assertTrue(streams.mayBegin());
    begin(1).returned();
    begun.getLast().reset();
    assertTrue(streams.mayBegin());
  }

  @Test
  void a_stream_counts_once_in_whatever_order_it_ends() {
    for (int n = 0; n < 100; n++) {
      ConnectionStreams.Work work = streams.begin();
      List<Runnable> ends =
          new ArrayList<>(List.of(work::known, work::returned, work::reset, work::complete));
      Collections.shuffle(ends, new Random(n));
      ends.forEach(Runnable::run);
      ends.forEach(Runnable::run);
    }
    assertEquals(0, streams.bytes(0));
    begin(ConnectionStreams.MOST);
    assertTrue(streams.mayBegin());
    begin(1);
    assertFalse(streams.mayBegin());
  }

  @Test
  void refused_requests_and_untaken_frames_are_charged() {
    begin(4);
    assertEquals(0, streams.bytes(4));
    begin(1);
    assertEquals(8 * ConnectionStreams.STREAM_BYTES, streams.bytes(0));
    assertEquals(16 * ConnectionStreams.STREAM_BYTES, streams.bytes(9));
    begun.forEach(ConnectionStreams.Work::known);
    assertEquals(0, streams.bytes(0));
    assertTrue(streams.mayOwe(1_200));
    assertFalse(streams.mayOwe(1_201));
  }
}
