package relay.stream;

import com.aayushatharva.brotli4j.Brotli4jLoader;
import com.github.luben.zstd.util.Native;
import java.io.IOException;
import java.util.Locale;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import relay.memory.MemoryBudget;

/**
 * Decodes the encodings of answers whose usage is read. The libraries for {@code br} and {@code
 * zstd} are native and loaded at the first request that accepts them. Thread-safe.
 */
public final class Decoders {
  private static final Logger log = LoggerFactory.getLogger(Decoders.class);

  /** Windows may take this part of the memory for clients. */
  private static final int SHARE = 4;

  private final MemoryBudget memory;
  private final Library brotli = new Library("br", Brotli4jLoader::ensureAvailability);
  private final Library zstd = new Library("zstd", Native::load);

  /**
   * @param memory what all clients together may hold
   */
  public Decoders(MemoryBudget memory) {
    this.memory = memory.share(SHARE);
  }

  /**
   * Whether a provider may be asked for an encoding. While other answers hold much memory for
   * theirs, {@code br} and {@code zstd} are not asked for. Blocks while a library loads: use a
   * virtual thread.
   *
   * @param name in lower case
   */
  public boolean mayAskFor(String name) {
    return switch (name) {
      case "gzip", "deflate" -> true;
      case "br" -> hasRoom() && brotli.loads();
      case "zstd" -> hasRoom() && zstd.loads();
      default -> false;
    };
  }

  private boolean hasRoom() {
    return memory.usedBytes() < memory.totalBytes() / 2;
  }

  /**
   * A tap for a {@code content-encoding}. Does not block.
   *
   * @return null if the encoding cannot be read
   */
  public @Nullable DecodingTap tap(@Nullable String encoding, DecodingTap.Reader reader) {
    return switch (encoding == null ? "" : encoding.strip().toLowerCase(Locale.ROOT)) {
      case "gzip", "x-gzip" -> DecodingTap.gzip(reader);
      case "deflate" -> DecodingTap.deflate(reader);
      case "br" -> brotli.isLoaded() ? brotli(reader) : null;
      case "zstd" ->
          zstd.isLoaded() ? DecodingTap.charged(new ZstdDecoder(), reader, memory) : null;
      default -> null;
    };
  }

  private @Nullable DecodingTap brotli(DecodingTap.Reader reader) {
    try {
      return DecodingTap.charged(new BrotliDecoder(), reader, memory);
    } catch (IOException e) {
      return null;
    }
  }

  /** A native library. A platform thread loads it: that reads and writes files. */
  private static final class Library {
    private final String encoding;
    private final Runnable load;
    private final AtomicReference<@Nullable CompletableFuture<Boolean>> loaded =
        new AtomicReference<>();

    Library(String encoding, Runnable load) {
      this.encoding = encoding;
      this.load = load;
    }

    boolean loads() {
      CompletableFuture<Boolean> known = loaded.get();
      return (known == null ? begin() : known).join();
    }

    boolean isLoaded() {
      CompletableFuture<Boolean> known = loaded.get();
      return known != null && known.getNow(false);
    }

    private CompletableFuture<Boolean> begin() {
      CompletableFuture<Boolean> mine = new CompletableFuture<>();
      CompletableFuture<Boolean> first = loaded.compareAndExchange(null, mine);
      if (first != null) {
        return first;
      }
      Thread.ofPlatform().name("load-" + encoding).daemon().start(() -> mine.complete(isThere()));
      return mine;
    }

    private boolean isThere() {
      try {
        load.run();
        return true;
      } catch (RuntimeException | LinkageError e) {
        log.warn("answers in {} cannot be read, so none are asked for: {}", encoding, e.toString());
        return false;
      }
    }
  }
}
