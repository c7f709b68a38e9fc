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

class OpenStreamsTest {
  private final AtomicInteger changes = new AtomicInteger();
  private final OpenStreams streams = new OpenStreams(changes::incrementAndGet);
  private final List<OpenStreams.Work> begun = new ArrayList<>();

  private OpenStreams.Work begin(int count) {
    for (int n = 0; n < count; n++) {
      begun.add(streams.begin());
    }
    return begun.getLast();
  }

  @Test
  void a_stranger_has_few_streams_until_a_request_shows_a_credential() {
    begin(OpenStreams.MOST_OF_STRANGERS - 1);
    assertTrue(streams.mayBegin());
    OpenStreams.Work last = begin(1);
    assertFalse(streams.mayBegin());
    last.known();
    assertTrue(streams.mayBegin());
    begin(OpenStreams.MOST - OpenStreams.MOST_OF_STRANGERS);
    assertTrue(streams.mayBegin(), "the number that is announced");
    begin(1);
    assertFalse(streams.mayBegin());
  }

  @Test
  void a_stream_that_was_reset_counts_until_its_request_has_returned() {
    OpenStreams.Work last = begin(OpenStreams.MOST_OF_STRANGERS);
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
      OpenStreams.Work work = streams.begin();
      List<Runnable> ends =
          new ArrayList<>(List.of(work::known, work::returned, work::reset, work::complete));
      Collections.shuffle(ends, new Random(n));
      ends.forEach(Runnable::run);
      ends.forEach(Runnable::run);
    }
    assertEquals(0, streams.bytes(0));
    begin(OpenStreams.MOST);
    assertTrue(streams.mayBegin());
    begin(1);
    assertFalse(streams.mayBegin());
  }

  @Test
  void refused_requests_and_untaken_frames_are_charged() {
    begin(4);
    assertEquals(0, streams.bytes(4));
    begin(1);
    assertEquals(8 * OpenStreams.STREAM_BYTES, streams.bytes(0));
    assertEquals(16 * OpenStreams.STREAM_BYTES, streams.bytes(9));
    begun.forEach(OpenStreams.Work::known);
    assertEquals(0, streams.bytes(0));
    assertTrue(streams.mayOwe(1_200));
    assertFalse(streams.mayOwe(1_201));
  }
}
