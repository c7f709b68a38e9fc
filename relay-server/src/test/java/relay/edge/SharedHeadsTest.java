package relay.edge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.undertow.protocols.http2.HpackDecoder;
import io.undertow.protocols.http2.HpackEncoder;
import io.undertow.protocols.http2.HpackException;
import io.undertow.util.HeaderMap;
import io.undertow.util.Headers;
import io.undertow.util.HttpString;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import relay.HeaderBlock;
import relay.Seeds;

class SharedHeadsTest {
  private final SharedHeads heads = new SharedHeads(_ -> false);

  private List<String> names(byte[] block) throws Exception {
    List<String> names = new ArrayList<>();
    heads.setHeaderEmitter((name, value, never) -> names.add(name.toString()));
    heads.decode(ByteBuffer.wrap(block), false);
    return names;
  }

  @Test
  void a_faulty_line_is_replaced_and_stays_in_the_table_of_the_compression() throws Exception {
    HeaderBlock first = new HeaderBlock();
    first.added("x-a", "1");
    first.added("transfer-encoding", "chunked");
    first.added("content-length", "1");
    first.added("content-length", "1");
    first.added(":path", "/late");
    assertEquals(
        List.of("x-a", "(malformed)", "content-length", "(malformed)", "(malformed)"),
        names(first.bytes()));
    byte[] entries = {(byte) (0x80 | 62), (byte) (0x80 | 66)}; // the newest, the oldest
    assertEquals(List.of(":path", "x-a"), names(entries));
  }

  @Test
  void a_name_that_undertow_does_not_allow_stays_in_the_table_of_the_compression()
      throws Exception {
    HeaderBlock first = new HeaderBlock();
    first.added("x-a", "1");
    first.added("", "2");
    first.added("x\ny", "3");
    first.added("x\ry", "4");
    first.added("x-b", "5");
    assertEquals(
        List.of("x-a", "(malformed)", "(malformed)", "(malformed)", "x-b"), names(first.bytes()));
    byte[] entries = {(byte) (0x80 | 62), (byte) (0x80 | 64), (byte) (0x80 | 66)};
    assertEquals(List.of("x-b", "(malformed)", "x-a"), names(entries));
  }

  /** Undertow's encoder and decoder are the reference, and the same bytes cut anywhere. */
  @Test
  void lines_are_those_that_undertow_reads() throws Exception {
    Seeds seeds = new Seeds();
    HpackDecoder reference = new HpackDecoder();
    HpackEncoder encoder = new HpackEncoder(4096);
    for (int round = 0; round < 300; round++) {
      Random random = seeds.random(round);
      HeaderMap lines = new HeaderMap();
      for (int n = random.nextInt(30); n >= 0; n--) {
        HttpString name = new HttpString("x-" + random.nextInt(40));
        lines.add(random.nextInt(8) == 0 ? Headers.ACCEPT : name, value(random));
      }
      ByteBuffer block = ByteBuffer.allocate(64 << 10);
      assertEquals(HpackEncoder.State.COMPLETE, encoder.encode(lines, block));
      block.flip();
      List<String> expected = new ArrayList<>();
      reference.setHeaderEmitter((name, value, never) -> expected.add(name + ": " + value + never));
      reference.decode(block.duplicate(), false);
      List<String> found = new ArrayList<>();
      heads.setHeaderEmitter((name, value, never) -> found.add(name + ": " + value + never));
      int end = block.limit();
      block.limit(random.nextInt(end));
      heads.decode(block, true);
      block.limit(end);
      heads.decode(block, false);
      assertEquals(expected, found, seeds.replay(round));
    }
  }

  private static String value(Random random) {
    StringBuilder value = new StringBuilder();
    for (int n = random.nextInt(5) == 0 ? random.nextInt(400) : 3; n > 0; n--) {
      value.append((char) (' ' + random.nextInt(95)));
    }
    return value.toString();
  }

  @Test
  void a_client_may_lower_the_size_of_the_table_before_a_block_only() throws Exception {
    HeaderBlock first = new HeaderBlock();
    first.resized(40); // room for one line
    first.added("x-a", "1");
    first.added("x-b", "2");
    names(first.bytes());
    assertEquals(List.of("x-b"), names(new byte[] {(byte) (0x80 | 62)}));
    assertThrows(HpackException.class, () -> names(new byte[] {(byte) (0x80 | 63)}));
    byte[] late = {(byte) (0x80 | 62), 0x20};
    assertThrows(HpackException.class, () -> new SharedHeadsTest().names(late));
  }

  @Test
  void lines_beyond_the_bounds_are_one_line_and_the_next_head_is_whole() throws Exception {
    HeaderBlock many = new HeaderBlock();
    for (int n = 0; n < 3_000; n++) {
      many.added("x-" + n, "a");
    }
    List<String> names = names(many.bytes());
    assertEquals(HeadCheck.MAX_LINES + 5, names.size());
    assertEquals("rest", names.getLast());
    assertEquals(List.of("x-2999"), names(new byte[] {(byte) (0x80 | 62)}));
  }

  @Test
  void trailers_are_dropped_and_stay_in_the_table_of_the_compression() throws Exception {
    boolean[] isTrailer = {true};
    SharedHeads shared = new SharedHeads(_ -> isTrailer[0]);
    List<String> names = new ArrayList<>();
    HeaderBlock trailers = new HeaderBlock();
    trailers.added("x-a", "1");
    trailers.line("x-b", "2");
    shared.setHeaderEmitter((name, value, never) -> names.add("trailer " + name));
    shared.decode(ByteBuffer.wrap(trailers.bytes()), false);
    isTrailer[0] = false;
    shared.setHeaderEmitter((name, value, never) -> names.add(name + ": " + value));
    shared.decode(ByteBuffer.wrap(new byte[] {(byte) (0x80 | 62)}), false);
    assertEquals(List.of("x-a: 1"), names);
  }
}
