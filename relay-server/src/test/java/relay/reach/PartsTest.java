package relay.reach;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.undertow.Undertow;
import java.util.concurrent.atomic.AtomicInteger;
import okhttp3.OkHttpClient;
import okio.Buffer;
import org.junit.jupiter.api.Test;

/**
 * Each private part of a library that Relay uses, by the version that has it. After an upgrade a
 * test here fails: look whether the part still means the same, then change the version; else
 * change, or delete, the class in this package that the test names. Replicas work without it.
 */
class PartsTest {
  private static final String OKHTTP = "okhttp-jvm-5.5.1";
  private static final String OKIO = "okio-jvm-3.18.1";
  private static final String UNDERTOW = "undertow-core-2.4.4.Final";

  private static void is(String version, Class<?> part) {
    String jar = part.getProtectionDomain().getCodeSource().getLocation().toString();
    assertTrue(jar.endsWith("/" + version + ".jar"), jar + " is not " + version);
  }

  /** VirtualThreads: a virtual thread with its scheduler, its name, no flags, and its task. */
  @Test
  void jdk_25_makes_virtual_threads_on_an_executor_in_ThreadBuilders() throws Exception {
    assertEquals(25, Runtime.version().feature());
    assertTrue(VirtualThreads.canBeCarried());
    AtomicInteger carried = new AtomicInteger();
    Thread made =
        VirtualThreads.unstarted(
            task -> {
              carried.incrementAndGet();
              Thread.ofPlatform().start(task);
            },
            () -> {});
    made.start();
    made.join();
    assertTrue(carried.get() > 0);
  }

  /** ChunkEnd: the line break of a chunk, as far as it is not written yet. */
  @Test
  void undertow_2_4_4_keeps_the_end_of_a_chunk_in_chunkingSepBuffer() throws Exception {
    is(UNDERTOW, Undertow.class);
    assertNotNull(
        Parts.field(
            "io.undertow.conduits.ChunkedStreamSinkConduit",
            "chunkingSepBuffer",
            java.nio.ByteBuffer.class));
  }

  /** FrameHead: the fields of RFC 9113, section 4.1, and the stream of the lines in a frame. */
  @Test
  void undertow_2_4_4_parses_frames_into_type_flags_and_streamId() {
    is(UNDERTOW, Undertow.class);
    assertTrue(FrameHead.isKnown());
  }

  /** HeadDecoder: used for each head of a connection, after its constructor has set it. */
  @Test
  void undertow_2_4_4_decodes_heads_by_the_field_decoder() {
    is(UNDERTOW, Undertow.class);
    assertTrue(HeadDecoder.isReplaceable());
  }

  /** QueuedFrames: all frames that are not sent, each in one of the three. */
  @Test
  void undertow_2_4_4_queues_frames_in_pendingFrames_heldFrames_and_newFrames() {
    is(UNDERTOW, Undertow.class);
    assertTrue(QueuedFrames.isKnown());
  }

  /** ResetStreams: of the streams in it, a server without pushes needs none. */
  @Test
  void undertow_2_4_4_keeps_reset_streams_in_resetStreamTracker() {
    is(UNDERTOW, Undertow.class);
    assertTrue(ResetStreams.canForget());
  }

  /** ReadAhead: what has been read from the socket, and is not consumed. */
  @Test
  void okhttp_5_5_1_reads_a_connection_by_the_field_socket() throws Exception {
    is(OKHTTP, OkHttpClient.class);
    assertNotNull(
        Parts.field(
            "okhttp3.internal.connection.RealConnection",
            "socket",
            okhttp3.internal.connection.BufferedSocket.class));
  }

  /** ChunkCount: bytes of the chunk that are not read; 0 before its line break, -1 after it. */
  @Test
  void okhttp_5_5_1_counts_a_chunk_in_bytesRemainingInChunk() throws Exception {
    is(OKHTTP, OkHttpClient.class);
    assertNotNull(
        Parts.field(
            "okhttp3.internal.http1.Http1ExchangeCodec$ChunkedSource",
            "bytesRemainingInChunk",
            long.class));
  }

  /** Http2Streams: settings may still be changed when the connection is made, before a request. */
  @Test
  void okhttp_5_5_1_keeps_an_http2_connection_in_http2Connection() throws Exception {
    is(OKHTTP, OkHttpClient.class);
    assertEquals(Http2Streams.WINDOW_BYTES, Http2Streams.windowBytes());
    assertNotNull(
        Parts.field(
            "okhttp3.internal.connection.RealConnection",
            "http2Connection",
            okhttp3.internal.http2.Http2Connection.class));
  }

  /** LentBytes: a segment that is shared and not owned is read, and not reused. */
  @Test
  void okio_3_18_1_reads_a_segment_that_another_owns() {
    is(OKIO, Buffer.class);
    assertTrue(LentBytes.isPossible());
    byte[] bytes = new byte[100_000];
    bytes[99_999] = 1;
    assertEquals(1, LentBytes.of(bytes, bytes.length).getByte(99_999));
  }

  @Test
  void a_part_that_is_absent_or_of_another_type_is_not_used() {
    String owner = "okhttp3.internal.connection.RealConnection";
    assertNull(
        Parts.find("a", "nothing changes", () -> Parts.field(owner, "absent", Object.class)));
    assertNull(
        Parts.find("b", "nothing changes", () -> Parts.field(owner, "socket", String.class)));
    assertNull(
        Parts.find("c", "nothing changes", () -> Parts.field("absent.Type", "a", int.class)));
  }
}
