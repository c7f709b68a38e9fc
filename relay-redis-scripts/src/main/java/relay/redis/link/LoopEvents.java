package relay.redis.link;

import io.netty.channel.ChannelException;
import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoOps;
import io.netty.channel.IoRegistration;
import io.netty.channel.ManualIoEventLoop;
import io.netty.channel.nio.NioIoEvent;
import io.netty.channel.nio.NioIoHandle;
import io.netty.channel.nio.NioIoOps;
import java.io.IOException;
import java.nio.channels.SelectionKey;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.atomic.AtomicBoolean;
import relay.redis.model.SocketLoop;

/** Netty's event loop on a {@link SocketLoop}: it has no thread and no selector of its own. */
final class LoopEvents extends ManualIoEventLoop {
  private final SocketLoop loop;
  private final Sockets sockets;
  private long alarmAt; // of System.nanoTime, 0 for none

  static LoopEvents on(SocketLoop loop) {
    Sockets sockets = new Sockets(loop);
    LoopEvents events = new LoopEvents(loop, sockets);
    sockets.turn = events::turn;
    return events;
  }

  private LoopEvents(SocketLoop loop, Sockets sockets) {
    super(loop.thread(), executor -> sockets);
    this.loop = loop;
    this.sockets = sockets;
  }

  /** Handles ready sockets and due tasks. */
  private void turn() {
    sockets.turnScheduled.set(false);
    runNow();
    long left = nextScheduledTaskNano();
    if (left >= 0) {
      setAlarm(System.nanoTime(), left);
    }
  }

  private void setAlarm(long now, long left) {
    long due = now + left;
    if (alarmAt == 0 || due - alarmAt < 0 || alarmAt - now <= 0) {
      alarmAt = due == 0 ? 1 : due;
      var _ = loop.executeAfter(sockets::wakeup, left);
    }
  }

  /** Netty's I/O handler on the loop's selector. */
  private static final class Sockets implements IoHandler {
    private final SocketLoop loop;
    private final AtomicBoolean turnScheduled = new AtomicBoolean(); // a turn is scheduled
    private final Queue<Registered> ready = new ArrayDeque<>();
    private Runnable turn = () -> {};

    Sockets(SocketLoop loop) {
      this.loop = loop;
    }

    private final class Registered implements IoRegistration {
      private final NioIoHandle handle;
      private final SelectionKey key;
      private NioIoEvent event = () -> NioIoOps.NONE;

      Registered(NioIoHandle handle) throws IOException {
        this.handle = handle;
        key = loop.register(handle.selectableChannel(), this::isReady);
      }

      private void isReady(SelectionKey selected) {
        NioIoOps ops = NioIoOps.valueOf(selected.readyOps());
        event = () -> ops;
        ready.add(this);
        turn.run();
      }

      void handle() {
        if (isValid()) {
          handle.handle(this, event);
        }
      }

      @Override
      @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"}) // Netty asks for the key
      public <T> T attachment() {
        return (T) key;
      }

      @Override
      public long submit(IoOps ops) {
        if (!isValid()) {
          return -1;
        }
        int value = ((NioIoOps) ops).value();
        key.interestOps(value);
        return value;
      }

      @Override
      public boolean isValid() {
        return key.isValid();
      }

      @Override
      public boolean cancel() {
        if (!key.isValid()) {
          return false;
        }
        key.cancel();
        handle.unregistered();
        return true;
      }
    }

    @Override
    public int run(IoHandlerContext context) {
      int handled = 0;
      for (Registered one = ready.poll(); one != null; one = ready.poll()) {
        one.handle();
        handled++;
      }
      return handled;
    }

    @Override
    public IoRegistration register(IoHandle handle) {
      try {
        Registered registered = new Registered((NioIoHandle) handle);
        handle.registered();
        return registered;
      } catch (IOException e) {
        throw new ChannelException(e);
      }
    }

    @Override
    public void wakeup() {
      if (!turnScheduled.get() && turnScheduled.compareAndSet(false, true)) {
        loop.execute(turn);
      }
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> handleType) {
      return NioIoHandle.class.isAssignableFrom(handleType);
    }
  }
}
