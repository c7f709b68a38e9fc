package relay.reach;

import io.undertow.server.protocol.framed.AbstractFramedChannel;
import java.lang.reflect.Field;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The frames of an HTTP/2 connection that its client has not taken, each with its buffers. Undertow
 * has no bound of those that wait for the client's window, and no API to count them.
 */
public final class QueuedFrames {
  private record Fields(Field pending, Field held, Field fresh) {
    static Fields find() throws ReflectiveOperationException {
      return new Fields(
          field("pendingFrames", List.class),
          field("heldFrames", Deque.class),
          field("newFrames", Deque.class));
    }

    private static Field field(String name, Class<?> type) throws ReflectiveOperationException {
      return Parts.field(AbstractFramedChannel.class.getName(), name, type);
    }

    int size(AbstractFramedChannel<?, ?, ?> channel) {
      return size(pending, channel) + size(held, channel) + size(fresh, channel);
    }

    private static int size(Field field, AbstractFramedChannel<?, ?, ?> channel) {
      return ((Collection<?>) Objects.requireNonNull(Parts.get(field, channel))).size();
    }
  }

  private static final @Nullable Fields FIELDS =
      Parts.find("queued_frames", "clients cannot use HTTP/2", Fields::find);

  private QueuedFrames() {}

  /** Whether they can be counted. If not, no connection should speak HTTP/2. */
  public static boolean isKnown() {
    return FIELDS != null;
  }

  /** How many there are. On the connection's I/O thread. */
  public static int of(AbstractFramedChannel<?, ?, ?> channel) {
    return FIELDS == null ? 0 : FIELDS.size(channel);
  }
}
