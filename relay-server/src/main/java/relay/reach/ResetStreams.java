package relay.reach;

import io.undertow.protocols.http2.Http2Channel;
import java.lang.reflect.Field;
import java.util.AbstractMap;
import java.util.AbstractQueue;
import java.util.Collections;
import java.util.Iterator;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Undertow keeps each stream that was reset, with its head, for a minute: a server that pushes
 * needs it. A stranger could fill the heap with them. Relay does not push.
 */
public final class ResetStreams {
  private static final String CHANNEL = Http2Channel.class.getName();

  private record Fields(Field cache, Field streams, Field ages) {
    static Fields find() throws ReflectiveOperationException {
      Class<?> cache = Class.forName(CHANNEL + "$StreamCache");
      return new Fields(
          Parts.field(CHANNEL, "resetStreamTracker", cache),
          Parts.field(cache.getName(), "streamHolders", Map.class),
          Parts.field(cache.getName(), "entries", Queue.class));
    }
  }

  private static final @Nullable Fields FIELDS =
      Parts.find(
          "reset_streams",
          "a client's stream that was reset takes memory for a minute",
          Fields::find);

  private ResetStreams() {}

  /** Keeps nothing. */
  private static final class NoMap extends AbstractMap<Object, Object> {
    @Override
    public @Nullable Object put(Object key, Object value) {
      return null;
    }

    @Override
    public Set<Entry<Object, Object>> entrySet() {
      return Set.of();
    }
  }

  /** As {@link NoMap}. */
  private static final class NoQueue extends AbstractQueue<Object> {
    @Override
    public boolean offer(Object element) {
      return true;
    }

    @Override
    public @Nullable Object poll() {
      return null;
    }

    @Override
    public @Nullable Object peek() {
      return null;
    }

    @Override
    public Iterator<Object> iterator() {
      return Collections.emptyIterator();
    }

    @Override
    public int size() {
      return 0;
    }
  }

  /** Whether it can do it. */
  static boolean canForget() {
    return FIELDS != null;
  }

  /** A new connection is to forget its streams when they are reset. */
  public static void forget(Http2Channel channel) {
    Object cache = FIELDS == null ? null : Parts.get(FIELDS.cache, channel);
    if (FIELDS == null || cache == null) {
      return;
    }
    try {
      FIELDS.streams.set(cache, new NoMap());
      FIELDS.ages.set(cache, new NoQueue());
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(e); // it was made accessible
    }
  }
}
